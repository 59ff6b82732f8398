import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Rows and columns: one, odd, above a vector, above a chunk.
private let shapes = [(1, 1), (2, 3), (5, 17), (30, 1000)]

@Test(arguments: 0..<4)
func softmaxAndItsLogarithmAgreeWithDoublePrecision(_ index: Int) {
    let (rows, columns) = shapes[index]
    var generator = SeededGenerator(seed: UInt64(index) + 300)
    let input: [GradientInput] = [.random(rows, columns, scale: 3, using: &generator)]
    let softmax = checkGradients(input, samples: 16) {
        $0.softmax($1[0])
    } reference: { x in
        Reference.rows(x[0], columns).flatMap(Reference.softmax)
    }
    #expect(softmax == [])
    let logarithm = checkGradients(input, samples: 16) {
        $0.logSoftmax($1[0])
    } reference: { x in
        Reference.rows(x[0], columns).flatMap { Reference.softmax($0).map { log($0) } }
    }
    #expect(logarithm == [])
}

@Test(arguments: 0..<3)
func layerNormAgreesWithDoublePrecision(_ index: Int) {
    let (rows, dim) = [(3, 7), (5, 48), (90, 384)][index]
    var generator = SeededGenerator(seed: UInt64(index) + 310)
    let inputs: [GradientInput] = [
        .random(rows, dim, scale: 2, offset: 1, using: &generator), .random(rows, dim, using: &generator),
        .random(dim, offset: 1, using: &generator), .random(dim, using: &generator),
    ]
    let failures = checkGradients(inputs, samples: 16) { tape, x in
        tape.layerNorm(x[0], residual: x[1], gamma: x[2], beta: x[3], epsilon: 1e-5)
    } reference: { x in
        Reference.rows(zip(x[0], x[1]).map { $0 + $1 }, dim).flatMap { Reference.layerNorm($0, x[2], x[3], 1e-5) }
    }
    #expect(failures == [])
}

@Test func layerNormWithoutResidualAgreesWithDoublePrecision() {
    var generator = SeededGenerator(seed: 320)
    let inputs: [GradientInput] = [
        .random(6, 20, using: &generator), .random(20, using: &generator), .random(20, using: &generator),
    ]
    let failures = checkGradients(inputs) { tape, x in
        tape.layerNorm(x[0], gamma: x[1], beta: x[2], epsilon: 1e-12)
    } reference: { x in
        Reference.rows(x[0], 20).flatMap { Reference.layerNorm($0, x[1], x[2], 1e-12) }
    }
    #expect(failures == [])
}

@Test(arguments: 0..<3)
func normalisationOfRowsAgreesWithDoublePrecision(_ index: Int) {
    let (rows, dim) = [(1, 2), (4, 19), (60, 384)][index]
    var generator = SeededGenerator(seed: UInt64(index) + 330)
    let input: [GradientInput] = [.random(rows, dim, using: &generator)]
    let failures = checkGradients(input) {
        $0.normalizeRows($1[0])
    } reference: { x in
        Reference.rows(x[0], dim).flatMap(Reference.normalized)
    }
    #expect(failures == [])
}

@Test func aRowOfZerosIsNormalisedToZerosWithAFiniteGradient() {
    let tape = Tape()
    let x = Tensor(shape: [2, 3], values: [0, 0, 0, 3, 0, 4], requiresGradient: true)
    let y = tape.normalizeRows(x, epsilon: 1e-6)
    #expect(y.values == [0, 0, 0, 0.6, 0, 0.8])
    tape.backward(from: tape.sum(y))
    #expect(x.gradient?.allSatisfy(\.isFinite) == true)
}

@Test func concatenationsAndSlicesAgreeWithDoublePrecision() {
    var generator = SeededGenerator(seed: 340)
    let wide: [GradientInput] = [.random(4, 3, using: &generator), .random(4, 5, using: &generator)]
    let columns = checkGradients(wide) {
        $0.concatenateColumns([$1[0], $1[1], $1[0]])
    } reference: { x in
        let (a, b) = (Reference.rows(x[0], 3), Reference.rows(x[1], 5))
        return a.indices.flatMap { a[$0] + b[$0] + a[$0] }
    }
    #expect(columns == [])
    let tall: [GradientInput] = [.random(4, 3, using: &generator), .random(2, 3, using: &generator)]
    let rows = checkGradients(tall) {
        $0.concatenateRows([$1[0], $1[1]])
    } reference: {
        $0[0] + $0[1]
    }
    #expect(rows == [])
    let some = checkGradients([wide[1]]) {
        $0.sliceColumns($1[0], 1..<4)
    } reference: { x in
        Reference.rows(x[0], 5).flatMap { $0[1..<4] }
    }
    #expect(some == [])
    let few = checkGradients([wide[1]]) {
        $0.sliceRows($1[0], 1..<3)
    } reference: {
        Array($0[0][5..<15])
    }
    #expect(few == [])
}
