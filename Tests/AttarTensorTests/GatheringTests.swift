import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@Test func gatherAndScatterAgreeWithDoublePrecision() {
    var generator = SeededGenerator(seed: 740)
    let input: [GradientInput] = [.random(6, 5, using: &generator)]
    let places: [Int32] = [2, 0, 2, 4, 2, 1]
    let gathered = checkGradients(input) {
        $0.gather($1[0], columns: places)
    } reference: { x in
        places.enumerated().map { x[0][$0 * 5 + Int($1)] }
    }
    let rows = checkGradients(input) {
        $0.gatherRows($1[0], rows: [5, 5, 0])
    } reference: { x in
        [5, 5, 0].flatMap { Reference.rows(x[0], 5)[$0] }
    }
    let scattered = checkGradients(input) {
        $0.scatterRows($1[0], rows: places, count: 7)
    } reference: { x in
        var result = [Double](repeating: 0, count: 35)
        for (index, place) in places.enumerated() {
            for column in 0..<5 { result[Int(place) * 5 + column] += x[0][index * 5 + column] }
        }
        return result
    }
    #expect([gathered, rows, scattered] == [[], [], []])
}

@Test func aSelectionTakesFromEitherSide() {
    var generator = SeededGenerator(seed: 741)
    let inputs: [GradientInput] = [.random(3, 7, using: &generator), .random(3, 7, using: &generator)]
    let condition = (0..<21).map { $0 % 3 == 1 }
    let failures = checkGradients(inputs) {
        $0.select(where: condition, $1[0], $1[1])
    } reference: { x in
        condition.indices.map { condition[$0] ? x[0][$0] : x[1][$0] }
    }
    #expect(failures == [])
}

@Test(arguments: [(1, 1), (3, 1), (3, 2), (2, 5)])
func windowsStayWithinTheirSequence(_ size: Int, _ step: Int) {
    let layout = SequenceLayout(lengths: [5, 2, 0, 9, 3])
    var generator = SeededGenerator(seed: 742)
    let input: [GradientInput] = [.random(layout.tokenCount, 4, using: &generator)]
    let failures = checkGradients(input, samples: 80) {
        $0.unfold($1[0], layout: layout, size: size, step: step).0
    } reference: { x in
        (0..<layout.sequenceCount).flatMap { sequence in
            stride(from: layout[sequence].lowerBound, through: layout[sequence].upperBound - size, by: step).flatMap {
                x[0][($0 * 4)..<(($0 + size) * 4)]
            }
        }
    }
    #expect(failures == [])
}

@Test func maskedSoftmaxAndLogSumExpAgreeWithDoublePrecision() {
    var generator = SeededGenerator(seed: 743)
    let input: [GradientInput] = [.random(6, 19, scale: 3, using: &generator)]
    let full = (0..<6 * 19).map { $0 % 4 != 1 && $0 / 19 != 2 }
    for mask in [full, Array(full[..<19])] {
        let failures = checkGradients(input, samples: 114) {
            $0.softmax($1[0], mask: mask)
        } reference: { x in
            Reference.rows(x[0], 19).enumerated().flatMap { row, values in
                let kept = values.indices.map { mask[(row * 19 + $0) % mask.count] ? values[$0] : -.infinity }
                return (kept.max() ?? 0) > -.infinity ? Reference.softmax(kept) : kept.map { _ in 0 }
            }
        }
        #expect(failures == [])
    }
    let logarithms = checkGradients(input, samples: 114) {
        $0.logSumExp($1[0])
    } reference: { x in
        Reference.rows(x[0], 19).map { log($0.reduce(0) { $0 + exp($1) }) }
    }
    #expect(logarithms == [])
    let extreme = Tensor(
        shape: [3, 2], values: [1e4, 1e4, -.infinity, -.infinity, -.infinity, 3], requiresGradient: true)
    let tape = Tape()
    let result = tape.logSumExp(extreme)
    #expect(result.values == [1e4 + Float(log(2.0)), -.infinity, 3])
    tape.backward(from: result, gradient: [1, 1, 1])
    #expect(extreme.gradient == [0.5, 0.5, 0, 0, 0, 1])
}

@Test func aStraightThroughChoiceIsHardForwardAndSoftBackward() {
    var generator = SeededGenerator(seed: 744)
    let distances = GradientInput.random(4, 6, using: &generator)
    let tensor = Tensor(shape: [4, 6], values: distances.values, requiresGradient: true)
    let tape = Tape()
    let choice = tape.straightThroughNearest(tensor, temperature: 0.5)
    for (row, values) in Reference.rows(distances.values.map(Double.init), 6).enumerated() {
        let nearest = values.indices.min { values[$0] < values[$1] }
        #expect(choice.values[(row * 6)..<(row * 6 + 6)].firstIndex(of: 1) == nearest.map { row * 6 + $0 })
        #expect(choice.values[(row * 6)..<(row * 6 + 6)].reduce(0, +) == 1)
    }
    let slopes = (0..<24).map { Float($0 % 5) - 2 }
    tape.backward(from: choice, gradient: slopes)
    // The soft choice has the same gradient, which `checkGradients` compares with finite differences.
    let soft = Tensor(shape: [4, 6], values: distances.values, requiresGradient: true)
    tape.backward(from: tape.softmax(tape.scale(soft, by: -2)), gradient: slopes)
    #expect(tensor.gradient == soft.gradient)
}
