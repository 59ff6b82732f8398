import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// An operation on each element by itself, and the same in double precision.
private struct ElementwiseCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let operation: @Sendable (Tape, Tensor) -> Tensor
    let reference: @Sendable (Double) -> Double
    var offset = 0.0
    var scale = 1.5
}

private let cases: [ElementwiseCase] = [
    ElementwiseCase(testDescription: "gelu", operation: { $0.gelu($1) }, reference: Reference.gelu),
    ElementwiseCase(testDescription: "geluTanh", operation: { $0.geluTanh($1) }, reference: Reference.geluTanh),
    ElementwiseCase(testDescription: "relu", operation: { $0.relu($1) }, reference: { max($0, 0) }),
    ElementwiseCase(testDescription: "tanh", operation: { $0.tanh($1) }, reference: { tanh($0) }),
    ElementwiseCase(testDescription: "sigmoid", operation: { $0.sigmoid($1) }, reference: { 1 / (1 + exp(-$0)) }),
    ElementwiseCase(
        testDescription: "logSigmoid", operation: { $0.logSigmoid($1) }, reference: { -log(1 + exp(-$0)) }),
    ElementwiseCase(testDescription: "exp", operation: { $0.exp($1) }, reference: { exp($0) }),
    ElementwiseCase(
        testDescription: "log", operation: { $0.log($1) }, reference: { log($0) }, offset: 6, scale: 1),
    ElementwiseCase(testDescription: "silu", operation: { $0.silu($1) }, reference: { $0 / (1 + exp(-$0)) }),
    ElementwiseCase(
        testDescription: "squareRoot", operation: { $0.squareRoot($1) }, reference: { $0.squareRoot() }, offset: 9,
        scale: 1),
    ElementwiseCase(testDescription: "scale", operation: { $0.scale($1, by: -2.5) }, reference: { -2.5 * $0 }),
    ElementwiseCase(
        testDescription: "reshape", operation: { $0.reshape($1, to: [$1.count]) }, reference: { $0 }),
]

@Test(arguments: cases.indices)
func elementwiseOperationsAgreeWithDoublePrecision(_ index: Int) {
    let item = cases[index]
    for shape in [(1, 1), (3, 7), (5, 4_001)] {
        var generator = SeededGenerator(seed: UInt64(index) + 100)
        let input = GradientInput.random(
            shape.0, shape.1, scale: item.scale, offset: item.offset, using: &generator)
        let failures = checkGradients([input], samples: 16) { tape, x in
            item.operation(tape, x[0])
        } reference: { x in
            x[0].map(item.reference)
        }
        #expect(failures == [], "\(item.testDescription) \(shape)")
    }
}

@Test func elementwiseOperationsSurviveLargeInputs() {
    let tape = Tape()
    let x = tape.constant(shape: [6], [-1e4, -100, -20, 20, 100, 1e4])
    #expect(tape.sigmoid(x).values == [0, 0, tape.sigmoid(x).values[2], 1, 1, 1])
    let logarithms = tape.logSigmoid(x).values
    #expect(logarithms[0] == -1e4 && logarithms[1] == -100 && abs(logarithms[4]) < 1e-30 && logarithms[5] == 0)
    #expect(tape.tanh(x).values == [-1, -1, -1, 1, 1, 1])
    #expect(tape.gelu(x).values == [0, 0, 0, 20, 100, 1e4])
    #expect(tape.geluTanh(x).values == [0, 0, 0, 20, 100, 1e4])
}

@Test func sumsAndProductsAgreeWithDoublePrecision() {
    var generator = SeededGenerator(seed: 200)
    let pair: [GradientInput] = [.random(9, 33, using: &generator), .random(9, 33, using: &generator)]
    let sum = checkGradients(pair) {
        $0.add($1[0], $1[1])
    } reference: {
        zip($0[0], $0[1]).map { $0 + $1 }
    }
    #expect(sum == [])
    let difference = checkGradients(pair) {
        $0.subtract($1[0], $1[1])
    } reference: {
        zip($0[0], $0[1]).map { $0 - $1 }
    }
    #expect(difference == [])
    let product = checkGradients(pair) {
        $0.multiply($1[0], $1[1])
    } reference: {
        zip($0[0], $0[1]).map { $0 * $1 }
    }
    #expect(product == [])
    let square = checkGradients([pair[0]]) {
        $0.multiply($1[0], $1[0])
    } reference: {
        $0[0].map { $0 * $0 }
    }
    #expect(square == [])
}

@Test func rowsAreAddedAndScaledAsInDoublePrecision() {
    var generator = SeededGenerator(seed: 201)
    let (rows, columns) = (70, 300)
    let inputs: [GradientInput] = [.random(rows, columns, using: &generator), .random(columns, using: &generator)]
    let added = checkGradients(inputs) {
        $0.addRow($1[0], $1[1])
    } reference: { x in
        x[0].indices.map { x[0][$0] + x[1][$0 % columns] }
    }
    #expect(added == [])
    let weighted: [GradientInput] = [inputs[0], .random(rows, using: &generator)]
    let scaled = checkGradients(weighted) {
        $0.scaleRows($1[0], by: $1[1])
    } reference: { x in
        x[0].indices.map { x[0][$0] * x[1][$0 / columns] }
    }
    #expect(scaled == [])
}

@Test func sumAndMeanAgreeWithDoublePrecision() {
    var generator = SeededGenerator(seed: 202)
    let input: [GradientInput] = [.random(13, 11, using: &generator)]
    #expect(
        checkGradients(input) {
            $0.sum($1[0])
        } reference: {
            [$0[0].reduce(0, +)]
        } == [])
    #expect(
        checkGradients(input) {
            $0.mean($1[0])
        } reference: {
            [$0[0].reduce(0, +) / 143]
        } == [])
}

@Test func dropoutKeepsTheExpectedPartAndItsGradient() {
    let tape = Tape()
    let x = Tensor(shape: [40_000], values: [Float](repeating: 2, count: 40_000), requiresGradient: true)
    var generator = SeededGenerator(seed: 3)
    let y = tape.dropout(x, rate: 0.25, generator: &generator)
    let kept = y.values.filter { $0 != 0 }
    #expect(kept.allSatisfy { $0 == 2 / 0.75 })
    // Four standard deviations: 4 · √(40000 · 0.25 · 0.75) = 346.
    #expect(abs(kept.count - 30_000) < 346)
    tape.backward(from: tape.sum(y))
    #expect(x.gradient == y.values.map { $0 == 0 ? 0 : 1 / 0.75 })
    var again = SeededGenerator(seed: 3)
    #expect(Tape(threads: 1).dropout(x, rate: 0.25, generator: &again).values == y.values)
    #expect(tape.dropout(x, rate: 0.25, generator: &again).values != y.values)
}
