import AttarModels
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// What PyTorch computed for one step of MiniLM-L6 (see make_golden.py).
private struct Golden: Decodable {
    struct Tensor: Decodable {
        let norm: Double
        let places: [Int]
        let values: [Double]
    }

    struct Step: Decodable {
        let loss: Double
        let norm: Double
        let vector: [Double]
        let tensors: [String: Tensor]
    }

    struct Precisions: Decodable {
        let double: Step
        let float: Step
    }

    let lengths: [Int]
    let plain: Precisions
    let saturated: Precisions

    static func load() throws -> Golden {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        return try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: folder.appending(path: "Fixtures/minilm_step.json")))
    }
}

/// The numbers of make_golden.py's `pseudo_random`.
private func pseudoRandom(_ count: Int, seed: UInt64) -> [Double] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 40) / 0x1p23 - 1
    }
}

/// The real model, with query and key weights scaled.
private func miniLM(scale: Float) throws -> TrainableBert {
    let path = try #require(SharedData.model("minilm"))
    let file = try Safetensors(path: path + "/model.safetensors")
    var weights: [String: TensorValues] = [:]
    for name in file.names where file.entries[name]?.type == .float32 {
        let isScaled = name.contains("self.query") || name.contains("self.key")
        let values = try file.floats(named: name)
        weights[name] = TensorValues(
            shape: try file.entry(named: name).shape, values: isScaled ? values.map { $0 * scale } : values)
    }
    return try TrainableBert(
        configuration: TrainableBert.Configuration(
            vocabularySize: 30_522, hiddenSize: 384, layerCount: 6, headCount: 12, intermediateSize: 1536),
        weights: weights)
}

/// One step: the loss, the vector's beginning, gradients.
private func step(_ model: TrainableBert, _ lengths: [Int], threads: Int = 2) -> (loss: Float, vector: [Float]) {
    var numbers = pseudoRandom(lengths.reduce(0, +), seed: 1)[...]
    let ids = lengths.map { length -> [Int32] in
        defer { numbers = numbers.dropFirst(length) }
        return numbers.prefix(length).map { Int32(($0 + 1) / 2 * 28_000) + 1000 }
    }
    let tape = Tape(threads: threads)
    let (states, layout) = model.forward(tape, ids: ids)
    let vectors = tape.meanPooling(states, layout: layout)
    let targets = pseudoRandom(vectors.count, seed: 2).map { Float($0) * 0.25 }
    let loss = tape.squaredError(vectors, tape.constant(shape: vectors.shape, targets))
    tape.backward(from: loss)
    return (loss.scalar, Array(vectors.values[384..<392]))
}

private func norm(_ values: [Float]) -> Double {
    values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
}

/// The largest errors against double precision, relative to each tensor's norm: of norms, and of single elements
/// relative to the largest of the elements watched.
private func errors(_ found: [String: (norm: Double, values: [Double])], _ exact: Golden.Step) -> (Double, Double) {
    var (ofNorm, ofElement) = (0.0, 0.0)
    // A key's bias shifts all logits of a row alike: its gradient is zero but for rounding.
    for (name, golden) in exact.tensors where !name.hasSuffix("key.bias") {
        guard let tensor = found[name] else { return (.infinity, .infinity) }
        ofNorm = max(ofNorm, abs(tensor.norm - golden.norm) / golden.norm)
        let largest = golden.values.reduce(1e-3 * golden.norm) { max($0, abs($1)) }
        for (value, expected) in zip(tensor.values, golden.values) {
            ofElement = max(ofElement, abs(value - expected) / largest)
        }
    }
    return (ofNorm, ofElement)
}

private func gradients(
    _ model: TrainableBert, _ golden: Golden.Step
) -> [String: (norm: Double, values: [Double])] {
    var result: [String: (norm: Double, values: [Double])] = [:]
    for parameter in model.parameters {
        guard let gradient = parameter.tensor.gradient, let spots = golden.tensors[parameter.name]?.places else {
            continue
        }
        result[parameter.name] = (norm(gradient), spots.map { Double(gradient[$0]) })
    }
    return result
}

@Suite(.serialized, .enabled(if: SharedData.hasMiniLM, "needs the model minilm"))
struct GoldenStepTests {
    @Test func aStepOfMiniLMAgreesWithPyTorchInDoublePrecision() throws {
        let golden = try Golden.load()
        let exact = golden.plain.double
        let model = try miniLM(scale: 1)
        let result = step(model, golden.lengths)
        #expect(abs(Double(result.loss) - exact.loss) < 1e-5 * exact.loss)
        for (found, expected) in zip(result.vector, exact.vector) { #expect(abs(Double(found) - expected) < 2e-6) }
        let (ofNorm, ofElement) = errors(gradients(model, exact), exact)
        #expect(ofNorm < 2e-5)
        #expect(ofElement < 2e-4)
        #expect(abs(clipGradientNorm(model.parameters, maximum: .infinity) - exact.norm) < 1e-5 * exact.norm)
    }

    /// Nearly all weight on one token: gradients are small differences of large numbers. Where single precision differs
    /// from double, the error must be of the size of PyTorch's own in single precision.
    @Test func saturatedAttentionIsAsExactAsSinglePrecisionAllows() throws {
        let golden = try Golden.load()
        let exact = golden.saturated.double
        let model = try miniLM(scale: 4)
        let result = step(model, golden.lengths)
        #expect(abs(Double(result.loss) - exact.loss) < 1e-4 * exact.loss)
        let theirs = errors(golden.saturated.float.tensors.mapValues { ($0.norm, $0.values) }, exact)
        let ours = errors(gradients(model, exact), exact)
        #expect(ours.0 < 5 * theirs.0 && ours.0 < 1e-3, "norms: \(ours.0), PyTorch \(theirs.0)")
        #expect(ours.1 < 5 * theirs.1 && ours.1 < 1e-2, "elements: \(ours.1), PyTorch \(theirs.1)")
    }
}
