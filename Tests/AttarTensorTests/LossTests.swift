import AttarTensor
import AttarTestSupport
import Foundation
import Testing

private func pair(_ rows: Int, _ dim: Int, _ seed: UInt64) -> [GradientInput] {
    var generator = SeededGenerator(seed: seed)
    return [.random(rows, dim, using: &generator), .random(rows, dim, using: &generator)]
}

@Test func squaredErrorIsSummedOverARowAndAveragedOverRows() {
    // By hand: row 1 differs by (1, 2), row 2 by (0, 2): (1 + 4 + 0 + 4) / 2.
    let tape = Tape()
    let prediction = tape.constant(shape: [2, 2], [1, 2, 3, 4])
    let target = tape.constant(shape: [2, 2], [0, 0, 3, 2])
    #expect(tape.squaredError(prediction, target).scalar == 4.5)
    let failures = checkGradients(pair(5, 31, 500)) {
        $0.squaredError($1[0], $1[1])
    } reference: { x in
        let differences: [Double] = zip(x[0], x[1]).map { $0 - $1 }
        return [Reference.dot(differences, differences) / 5]
    }
    #expect(failures == [])
}

@Test func cosineLossAgreesWithDoublePrecision() {
    let failures = checkGradients(pair(5, 31, 510)) {
        $0.cosineLoss($1[0], $1[1])
    } reference: { x in
        let cosines = zip(Reference.rows(x[0], 31), Reference.rows(x[1], 31)).map {
            Reference.dot(Reference.normalized($0), Reference.normalized($1))
        }
        return [1 - cosines.reduce(0, +) / 5]
    }
    #expect(failures == [])
}

@Test func crossEntropyAgreesWithDoublePrecision() {
    let targets: [Int32] = [3, 0, 16, 3]
    let input = [pair(4, 17, 520)[0]]
    let failures = checkGradients(input, samples: 68) {
        $0.crossEntropy(logits: $1[0], targets: targets)
    } reference: { x in
        let losses = zip(Reference.rows(x[0], 17), targets).map { -log(Reference.softmax($0)[Int($1)]) }
        return [losses.reduce(0, +) / 4]
    }
    #expect(failures == [])
}

@Test func divergenceFromProbabilitiesAgreesWithDoublePrecision() {
    let inputs = pair(4, 9, 530)
    // One class has probability zero; the row still sums to one.
    let targets = Reference.rows(inputs[1].values.map(Double.init), 9).map { row in
        Reference.softmax(Array(row.dropLast())) + [0]
    }
    let failures = checkGradients([inputs[0]], samples: 36) { tape, x in
        let p = tape.constant(shape: [4, 9], targets.flatMap { $0.map { Float($0) } })
        return tape.klDivergence(logits: x[0], targetProbabilities: p)
    } reference: { x in
        var total = 0.0
        for (logits, p) in zip(Reference.rows(x[0], 9), targets) {
            for (q, p) in zip(Reference.softmax(logits), p) where p > 0 { total += p * log(p / q) }
        }
        return [total / 4]
    }
    #expect(failures == [])
}
