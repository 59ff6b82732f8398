import AttarModels
import AttarTensor
import Foundation
import Testing

/// A ragged step as training makes it: dropout, loss, clipping, AdamW.
private final class Steps {
    let model: TrainableBert
    let optimizer: AdamW
    let tape: Tape
    let batches: [[[Int32]]]
    var dropout = TrainableBert.Dropout(rate: 0.1, generator: SeededGenerator(seed: 2))

    init(precision: ProductPrecision) {
        var generator = SeededGenerator(seed: 1)
        model = TrainableBert(
            configuration: .init(
                vocabularySize: 5_000, hiddenSize: 192, layerCount: 2, headCount: 6, intermediateSize: 768),
            generator: &generator)
        optimizer = AdamW(
            groups: AdamW.groups(model.parameters, learningRate: 1e-4, weightDecay: 0.01), threads: 1)
        tape = Tape(threads: 1, precision: precision)
        batches = (0..<3).map { batch in
            (0..<16).map { text in
                (0..<(8 + (batch * 7 + text * 5) % 40)).map { _ in Int32(generator.next() % 5_000) }
            }
        }
    }

    func step(_ index: Int) {
        let (states, layout) = model.forward(tape, ids: batches[index % batches.count], dropout: &dropout)
        let vectors = tape.normalizeRows(tape.meanPooling(states, layout: layout))
        let scores = tape.matmulNT(vectors, vectors)
        tape.backward(from: tape.crossEntropy(logits: scores, targets: (0..<16).map { Int32(($0 + 1) % 16) }))
        _ = clipGradientNorm(model.parameters, maximum: 1, threads: 1)
        optimizer.step()
        optimizer.zeroGradients()
    }
}

/// Once each shape of batch has been met, a step takes nothing from the system: the pool does not grow by a byte, and
/// the thread meets next to no page that it did not have, which an allocation of a large buffer, even a short-lived
/// one, would cost. Small objects (tensors, closures, arrays of ids) come from the C library's free lists.
@Test(arguments: [ProductPrecision.fp32, .bf16])
func theSteadyStateOfARealStepTakesNoMemory(_ precision: ProductPrecision) throws {
    let steps = Steps(precision: precision)
    for index in 0..<6 { steps.step(index) }
    let pool = steps.tape.pool.allocatedBytes
    let before = pageFaultsOfThisThread()
    for index in 6..<18 { steps.step(index) }
    let faults = pageFaultsOfThisThread() - before
    #expect(steps.tape.pool.allocatedBytes == pool)
    // Twelve steps; the buffers of one are some thousand pages.
    #expect(pool / 4096 > 1_000)
    // Far fewer than even one step would cost: some thousand.
    #expect(faults < 1_000, "\(faults) page faults in twelve steps")
}

private func pageFaultsOfThisThread() -> Int {
    // Fields of /proc/thread-self/stat after the name in parentheses: state is the first, minor faults the eighth.
    let stat = (try? String(contentsOfFile: "/proc/thread-self/stat", encoding: .utf8)) ?? ""
    let fields = stat.drop { $0 != ")" }.split(separator: " ")
    return fields.count > 8 ? Int(fields[8]) ?? 0 : 0
}
