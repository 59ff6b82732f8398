import AttarTensor
import Foundation
import Testing

/// One operation as PyTorch computes it in double precision: see `make_golden.py`.
private struct GoldenCase: Decodable {
    struct Input: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    let name: String
    let inputs: [Input]
    let slope: [Float]
    let result: [Double]
    let gradients: [[Double]]
    /// How far PyTorch's gradient in single precision is from that in double precision, relative, of one case.
    let singlePrecisionError: Double?
    let largestScore: Double?

    static let all: [GoldenCase] = {
        struct File: Decodable { let cases: [GoldenCase] }
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "operations.json")
        return (try? JSONDecoder().decode(File.self, from: Data(contentsOf: file)))?.cases ?? []
    }()
}

private typealias Operation = @Sendable (Tape, [Tensor]) -> Tensor

private let elementwise: [String: Operation] = [
    "add": { $0.add($1[0], $1[1]) }, "subtract": { $0.subtract($1[0], $1[1]) },
    "multiply": { $0.multiply($1[0], $1[1]) }, "divide": { $0.divide($1[0], $1[1]) },
    "broadcast add": { $0.add($1[0], $1[1]) }, "broadcast multiply": { $0.multiply($1[0], $1[1]) },
    "exp": { $0.exp($1[0]) }, "log": { $0.log($1[0]) }, "squareRoot": { $0.squareRoot($1[0]) },
    "tanh": { $0.tanh($1[0]) }, "sigmoid": { $0.sigmoid($1[0]) }, "silu": { $0.silu($1[0]) },
    "logSigmoid": { $0.logSigmoid($1[0]) }, "relu": { $0.relu($1[0]) }, "gelu": { $0.gelu($1[0]) }, "geluTanh": { $0.geluTanh($1[0]) },
    "select": { $0.select(where: mask, $1[0], $1[1]) },
]

private let mask = (0..<15).map { $0 % 4 != 1 }

/// As in make_golden.py.
private let classes = (0..<35).map { Float($0 * 17 % 11 - 5) / 4 }

private let rowwise: [String: Operation] = [
    "softmax": { $0.softmax($1[0]) }, "masked softmax": { $0.softmax($1[0], mask: mask) },
    "logSoftmax": { $0.logSoftmax($1[0]) }, "logSumExp": { $0.logSumExp($1[0]) },
    "logProbabilities": {
        $0.logProbabilities($1[0], classes: $0.constant(shape: [7, 5], classes), targets: [6, 0, 3])
    },
    "crossEntropy": { $0.crossEntropy(logits: $1[0], targets: [4, 0, 2]) },
    "layerNorm": { $0.layerNorm($1[0], gamma: $1[1], beta: $1[2], epsilon: 1e-5) },
    "rmsNorm": { $0.rmsNorm($1[0], gamma: $1[1], epsilon: 1e-6) }, "normalizeRows": { $0.normalizeRows($1[0]) },
    "sum": { $0.sum($1[0], axis: 1) }, "mean": { $0.mean($1[0], axis: 0) },
    "maximum": { $0.maximum($1[0], axis: -1) },
    "straightThroughNearest": { $0.straightThroughNearest($1[0], temperature: 0.7) },
]

private let products: [String: Operation] = [
    "linear": { $0.linear($1[0], weight: $1[1], bias: $1[2]) },
    "low rank": { $0.linear($1[0], weight: $1[1], adapter: LowRankAdapter(down: $1[2], up: $1[3], scale: 1.5)) },
    "matmulNN": { $0.matmulNN($1[0], $1[1]) }, "batchedMatmulNN": { $0.batchedMatmulNN($1[0], $1[1]) },
    "batchedMatmulNT": { $0.batchedMatmulNT($1[0], $1[1]) }, "batchedMatmulTN": { $0.batchedMatmulTN($1[0], $1[1]) },
]

private let moving: [String: Operation] = [
    "embedding": { $0.embedding($1[0], ids: [5, 0, 5, 2]) }, "gather": { $0.gather($1[0], columns: [1, 1, 4]) },
    "scatterRows": { $0.scatterRows($1[0], rows: [3, 0, 3], count: 4) },
    "concatenateColumns": { $0.concatenateColumns($1) }, "sliceColumns": { $0.sliceColumns($1[0], 1..<4) },
    "permute": { $0.permute($1[0], axes: [2, 0, 1]) },
    "unfold": { $0.unfold($1[0], layout: SequenceLayout(lengths: [7]), size: 3, step: 2).0 },
]

private let attention: [String: Operation] = [
    "rotary": {
        let table = RotaryTable(positions: 5, rotaryDim: 4, base: 10_000)
        return $0.rotary($1[0], heads: 3, positions: [0, 1, 2, 3, 4], table: table)
    },
    "attention": { $0.attention(qkv: $1[0], layout: seven, heads: 3) },
    "causal attention": { $0.attention(qkv: $1[0], layout: seven, heads: 3, isCausal: true) },
    "grouped attention": {
        $0.attention(
            query: $1[0], key: $1[1], value: $1[2], layout: seven, heads: 4, keyValueHeads: 2, isCausal: true)
    },
    "biased attention": { $0.attention(qkv: $1[0], layout: seven, heads: 2, bias: $1[1]) },
    "saturated attention": { $0.attention(qkv: $1[0], layout: SequenceLayout(lengths: [24]), heads: 1) },
]

private let seven = SequenceLayout(lengths: [7])

private let operations = [rowwise, products, moving, attention].reduce(elementwise) { known, more in
    known.merging(more) { one, _ in one }
}

/// ‖a − b‖ / ‖b‖.
private func relativeError(_ a: [Float], _ b: [Double]) -> Double {
    let difference = zip(a, b).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return (difference / max(1e-30, b.reduce(0) { $0 + $1 * $1 })).squareRoot()
}

@Test func everyGoldenCaseIsKnownAndEveryOperationHasOne() {
    #expect(Set(GoldenCase.all.map(\.name)) == Set(operations.keys))
}

@Test(arguments: GoldenCase.all.indices)
private func resultsAndGradientsAreThoseOfPyTorch(_ index: Int) throws {
    let golden = GoldenCase.all[index]
    let operation = try #require(operations[golden.name])
    let tape = Tape()
    let inputs = golden.inputs.map { Tensor(shape: $0.shape, values: $0.values, requiresGradient: true) }
    let result = operation(tape, inputs)
    try #require(result.count == golden.result.count)
    tape.backward(from: result, gradient: golden.slope)
    let tolerance = golden.singlePrecisionError.map { max(2 * $0, 1e-6) } ?? 1e-6
    #expect(relativeError(result.values, golden.result) < tolerance, "result of \(golden.name)")
    for (place, (input, gradient)) in zip(inputs, golden.gradients).enumerated() {
        let error = relativeError(try #require(input.gradient), gradient)
        #expect(error < tolerance, "gradient of input \(place) of \(golden.name)")
    }
}

/// Scores of some thousands, rounded to single precision, are wrong by some 1e-4, and so are, relatively,
/// probabilities: that is all of the error of either side. Given the same probabilities our way back is exact to 1e-7
/// (see `saturationLosesNoPrecisionInTheBackwardPass`). Against double precision neither side is wrong by as much as a
/// thousandth in one layer; what two single-precision programs differ by after several layers, they differ by from
/// double precision too.
@Test func saturatedAttentionIsAsExactAsPyTorchs() throws {
    let golden = try #require(GoldenCase.all.first { $0.name == "saturated attention" })
    let theirs = try #require(golden.singlePrecisionError)
    #expect(try #require(golden.largestScore) > 1000)
    let input = Tensor(shape: golden.inputs[0].shape, values: golden.inputs[0].values, requiresGradient: true)
    let tape = Tape()
    tape.backward(
        from: tape.attention(qkv: input, layout: SequenceLayout(lengths: [24]), heads: 1), gradient: golden.slope)
    let ours = relativeError(try #require(input.gradient), golden.gradients[0])
    #expect(ours < 2 * theirs && ours < 1e-3)
}
