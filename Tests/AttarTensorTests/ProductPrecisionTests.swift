import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Factors rounded to bfloat16 are wrong by up to 1/256, at random: a sum of k products by about √k · 2^-9 of their
/// size.
private let tolerance = GradientTolerance(relative: 0.02, ofLargest: 0.02)

private func rounded(_ values: [Float]) -> [Float] {
    values.map { Float(bitPattern: ($0.bitPattern &+ 0x7FFF &+ ($0.bitPattern >> 16 & 1)) & 0xFFFF_0000) }
}

@Test(arguments: [(1, 1, 1), (3, 5, 7), (17, 33, 50), (200, 31, 193)])
func bfloat16ProductsAreThoseOfRoundedFactors(_ m: Int, _ inner: Int, _ n: Int) {
    var generator = SeededGenerator(seed: UInt64(m))
    let (a, b): (GradientInput, GradientInput) = (
        .random(m, inner, using: &generator), .random(inner, n, using: &generator)
    )
    let exact = Reference.product(
        rounded(a.values).map(Double.init), rounded(b.values).map(Double.init), m, inner, n)
    let tape = Tape(precision: .bf16)
    let (left, right) = (Tensor(shape: [m, inner], values: a.values), Tensor(shape: [inner, n], values: b.values))
    let turned = Tensor(
        shape: [n, inner], values: Reference.transposed(b.values.map(Double.init), inner, n).map { Float($0) })
    let turnedLeft = Tensor(
        shape: [inner, m], values: Reference.transposed(a.values.map(Double.init), m, inner).map { Float($0) })
    for product in [
        tape.matmulNN(left, right), tape.matmulNT(left, turned), tape.matmulTN(turnedLeft, right),
    ] {
        #expect(zip(product.values, exact).allSatisfy { abs(Double($0) - $1) < 1e-5 * Double(inner) })
    }
    // One product may ask for more than its tape.
    let single = tape.matmulNN(left, right, precision: .fp32)
    #expect(single.values == Tape().matmulNN(left, right).values)
}

@Test func gradientsOfBfloat16ProductsAreThoseOfDoublePrecisionToItsRounding() {
    let (m, inner, n) = (40, 70, 90)
    var generator = SeededGenerator(seed: 901)
    let inputs: [GradientInput] = [
        .random(m, inner, using: &generator), .random(n, inner, using: &generator), .random(n, using: &generator),
    ]
    let linear = checkGradients(inputs, tolerance: tolerance, precision: .bf16) {
        $0.linear($1[0], weight: $1[1], bias: $1[2])
    } reference: { x in
        let product = Reference.product(x[0], Reference.transposed(x[1], n, inner), m, inner, n)
        return product.indices.map { product[$0] + x[2][$0 % n] }
    }
    #expect(linear == [])
    let left: [GradientInput] = [.random(inner, m, using: &generator), .random(inner, n, using: &generator)]
    let turned = checkGradients(left, tolerance: tolerance, precision: .bf16) {
        $0.matmulTN($1[0], $1[1])
    } reference: {
        Reference.product(Reference.transposed($0[0], inner, m), $0[1], m, inner, n)
    }
    #expect(turned == [])
}

/// A small regression learned in both precisions: the same loss to some per cent, and far below where it began.
@Test func trainingInBfloat16ReachesWhatSinglePrecisionReaches() {
    func losses(_ precision: ProductPrecision) -> [Float] {
        var generator = SeededGenerator(seed: 902)
        func parameter(_ name: String, _ shape: [Int]) -> Parameter {
            Parameter(name: name, TensorValues(shape: shape, standardDeviation: 0.2, generator: &generator))
        }
        let (first, second) = (parameter("first", [64, 20]), parameter("second", [5, 64]))
        let teacher = parameter("teacher", [5, 20])
        let optimizer = AdamW(groups: [.init(parameters: [first, second], learningRate: 3e-3)])
        let tape = Tape(precision: precision)
        return (0..<200).map { _ in
            let values = TensorValues(shape: [32, 20], standardDeviation: 1, generator: &generator)
            let x = tape.constant(shape: [32, 20], values.values)
            let target = Tape(isRecording: false).linear(x, weight: teacher.tensor)
            let hidden = tape.gelu(tape.linear(x, weight: first.tensor))
            let loss = tape.squaredError(tape.linear(hidden, weight: second.tensor), target)
            tape.backward(from: loss)
            optimizer.step()
            optimizer.zeroGradients()
            return loss.scalar
        }
    }
    let (single, narrow) = (losses(.fp32), losses(.bf16))
    let end = { (losses: [Float]) in losses.suffix(20).reduce(0, +) / 20 }
    #expect(end(single) < 0.1 * single[0])
    #expect(abs(end(narrow) / end(single) - 1) < 0.1)
    #expect(single != narrow)
}
