import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Rows, width, classes: fewer than a block, a block and one more, several blocks.
private let shapes = [(1, 1, 1), (3, 5, 7), (9, 12, 1537), (70, 8, 4000), (0, 4, 6)]

private func classes(_ count: Int, _ dim: Int, scale: Float) -> Tensor {
    var generator = SeededGenerator(seed: UInt64(count))
    return Tensor(
        shape: [count, dim],
        values: TensorValues(shape: [count, dim], standardDeviation: scale, generator: &generator).values)
}

@Test(arguments: shapes)
func logProbabilitiesOfManyClassesAgreeWithDoublePrecision(_ rows: Int, _ dim: Int, _ count: Int) {
    var generator = SeededGenerator(seed: 900)
    let input: [GradientInput] = [.random(rows, dim, using: &generator)]
    let table = classes(count, dim, scale: 1)
    let targets = (0..<rows).map { Int32(($0 * 613 + count - 1) % count) }
    let weights = Reference.rows(table.values.map(Double.init), dim)
    let failures = checkGradients(input, samples: 12) {
        $0.logProbabilities($1[0], classes: table, targets: targets)
    } reference: { x in
        zip(Reference.rows(x[0], dim), targets).map { row, target in
            let scores = weights.map { Reference.dot($0, row) }
            let largest = scores.max() ?? 0
            return scores[Int(target)] - largest - log(scores.reduce(0) { $0 + exp($1 - largest) })
        }
    }
    #expect(failures == [])
    #expect(table.gradient == nil)
}

/// The largest score comes early, late, and far above all others.
@Test(arguments: [0, 1600, 3999])
func sharpDistributionsNeitherOverflowNorVanish(_ peak: Int) throws {
    let (dim, count) = (4, 4000)
    let table = classes(count, dim, scale: 0.1)
    table.withUnsafeMutableBufferPointer { $0[peak * dim] = 100 }
    let x = Tensor(shape: [2, dim], values: [50, 0, 0, 0, -50, 0, 0, 0], requiresGradient: true)
    let tape = Tape(threads: 2)
    let values = tape.logProbabilities(x, classes: table, targets: [Int32(peak), Int32(peak)])
    #expect(values.values[0] == 0)
    #expect(values.values[1] < -4900 && values.values[1].isFinite)
    tape.backward(from: tape.sum(values))
    #expect(try #require(x.gradient).allSatisfy(\.isFinite))
    // What is certain cannot be raised; what is nearly impossible can by the class's own vector.
    #expect(try #require(x.gradient).prefix(4).allSatisfy { abs($0) < 1e-5 })
    #expect(abs(try #require(x.gradient)[4] - 100) < 1)
}

@Test func narrowPrecisionAndThreadsOfManyClasses() throws {
    let (rows, dim, count) = (130, 24, 3000)
    var generator = SeededGenerator(seed: 910)
    let values = TensorValues(shape: [rows, dim], standardDeviation: 1, generator: &generator).values
    let table = classes(count, dim, scale: 0.5)
    let targets = (0..<rows).map { Int32($0 * 20) }
    func run(_ threads: Int, _ precision: ProductPrecision) throws -> (values: [Float], gradient: [Float]) {
        let x = Tensor(shape: [rows, dim], values: values, requiresGradient: true)
        let tape = Tape(threads: threads, precision: precision)
        let result = tape.logProbabilities(x, classes: table, targets: targets)
        tape.backward(from: tape.mean(result))
        return (result.values, try #require(x.gradient))
    }
    let single = try run(1, .fp32), narrow = try run(2, .bf16)
    for threads in [2, 3] {
        let other = try run(threads, .fp32)
        #expect(other.values == single.values && other.gradient == single.gradient)
    }
    #expect(zip(narrow.values, single.values).allSatisfy { abs($0 - $1) < 0.05 })
    let largest = single.gradient.map(abs).max() ?? 0
    #expect(zip(narrow.gradient, single.gradient).allSatisfy { abs($0 - $1) < 0.02 * largest })
}

/// Many classes, each far less probable than one unit in the last place of the most probable one's share: in one chain
/// of sums all of them would vanish, and with them a thousandth of the gradient.
@Test func theTailOfManyClassesCounts() throws {
    let count = 40_000
    let table = Tensor(zeros: [count, 2])
    table.withUnsafeMutableBufferPointer { values in
        for index in 0..<count { values[2 * index] = 1 }
        values[1] = 1
    }
    let x = Tensor(shape: [1, 2], values: [0, 17.7], requiresGradient: true)
    let tape = Tape(threads: 1)
    tape.backward(from: tape.sum(tape.logProbabilities(x, classes: table, targets: [0])))
    let gradient = try #require(x.gradient)
    // The first number is 1 − Σ p, the second 1 − p of the first class.
    let rest = Double(count - 1) / (exp(Double(Float(17.7))) + Double(count - 1))
    #expect(rest > 8e-4)
    // Within the block of the first class the chain does lose its neighbours: 3e-5.
    #expect(abs(gradient[0]) < 5e-5)
    #expect(abs(Double(gradient[1]) - rest) < 5e-6)
}
