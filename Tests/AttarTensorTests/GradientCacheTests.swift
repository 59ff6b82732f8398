import AttarTensor
import Testing

/// Two linear layers with dropout between them, and in-batch negatives: every text against every other.
private struct Model {
    let first, second, temperature: Parameter
    let texts: [[Float]]
    static let width = 256, rate: Float = 0.3

    init(texts count: Int) {
        var generator = SeededGenerator(seed: 1100)
        func parameter(_ name: String, _ shape: [Int]) -> Parameter {
            Parameter(name: name, TensorValues(shape: shape, standardDeviation: 0.2, generator: &generator))
        }
        (first, second) = (parameter("first", [Self.width, 32]), parameter("second", [16, Self.width]))
        temperature = Parameter(name: "temperature", TensorValues(shape: [1, 1], values: [5]))
        texts = (0..<count).map { _ in (0..<32).map { _ in Float(generator.normal()) } }
    }

    var parameters: [Parameter] { [first, second, temperature] }

    func represent(_ tape: Tape, _ range: Range<Int>, _ generator: inout SeededGenerator, rate: Float) -> Tensor {
        let x = tape.constant(shape: [range.count, 32], texts[range].flatMap { $0 })
        let hidden = tape.dropout(tape.gelu(tape.linear(x, weight: first.tensor)), rate: rate, generator: &generator)
        return tape.normalizeRows(tape.linear(hidden, weight: second.tensor))
    }

    func loss(_ tape: Tape, _ vectors: Tensor) -> Tensor {
        let logits = tape.multiply(tape.matmulNT(vectors, vectors), temperature.tensor)
        return tape.crossEntropy(logits: logits, targets: (0..<texts.count).map { Int32(($0 + 1) % texts.count) })
    }

    /// The gradients, and none left behind.
    func takeGradients() -> [[Float]] {
        defer { parameters.forEach { $0.tensor.zeroGradient() } }
        return parameters.map { $0.tensor.gradient ?? [] }
    }
}

private func chunk(_ index: Int, of size: Int, _ count: Int) -> Range<Int> {
    (index * size)..<min(count, (index + 1) * size)
}

@Test(arguments: [Float(0), Model.rate], [1, 7, 40])
private func cachedGradientsAreThoseOfTheWholeBatch(_ rate: Float, _ size: Int) {
    let model = Model(texts: 40)
    let chunks = (40 + size - 1) / size
    var generator = SeededGenerator(seed: 5)
    let tape = Tape()
    let parts = (0..<chunks).map { model.represent(tape, chunk($0, of: size, 40), &generator, rate: rate) }
    let whole = model.loss(tape, tape.concatenateRows(parts))
    tape.backward(from: whole)
    let expected = model.takeGradients()

    var cache = GradientCache(tape: Tape(), generator: SeededGenerator(seed: 5))
    let loss = cache.backward(chunks: chunks) { tape, index, generator in
        model.represent(tape, chunk(index, of: size, 40), &generator, rate: rate)
    } loss: { tape, vectors in
        model.loss(tape, vectors)
    }
    #expect(loss == whole.scalar)
    #expect(cache.generator == generator, "random numbers are drawn once")
    for (found, expected) in zip(model.takeGradients(), expected) {
        let largest = expected.map(\.magnitude).max() ?? 0
        #expect(largest > 0 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 * largest })
    }
}

@Test func aCachedBatchTakesTheMemoryOfAChunk() {
    let model = Model(texts: 512)
    func memory(chunkSize: Int) -> Int {
        var cache = GradientCache(tape: Tape(threads: 1), generator: SeededGenerator(seed: 5))
        _ = cache.backward(chunks: 512 / chunkSize) { tape, index, generator in
            model.represent(tape, chunk(index, of: chunkSize, 512), &generator, rate: Model.rate)
        } loss: { tape, vectors in
            // The rows of a column sum: a loss whose own memory is small.
            tape.sum(tape.multiply(tape.sum(vectors, axis: 0), tape.sum(vectors, axis: 0)))
        }
        return cache.tape.pool.allocatedBytes
    }
    #expect(memory(chunkSize: 16) * 4 < memory(chunkSize: 512))
}
