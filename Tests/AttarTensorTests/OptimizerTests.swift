import AttarTensor
import Foundation
import Testing

/// Adam with decoupled decay for one element, in double precision.
private struct ScalarAdamW {
    var value: Double
    var first = 0.0
    var second = 0.0
    var steps = 0.0

    mutating func step(_ gradient: Double, rate: Double, decay: Double) {
        steps += 1
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient * gradient
        let direction = first / (1 - pow(0.9, steps)) / ((second / (1 - pow(0.999, steps))).squareRoot() + 1e-8)
        value -= rate * (decay * value + direction)
    }
}

/// Gives a parameter a gradient, through the tape.
private func setGradient(_ parameter: Parameter, _ gradient: [Float]) {
    let tape = Tape()
    parameter.tensor.zeroGradient()
    tape.backward(from: tape.reshape(parameter.tensor, to: parameter.shape), gradient: gradient)
}

@Test func denseStepsFollowTheFormula() {
    let count = 70_001
    var generator = SeededGenerator(seed: 1)
    let start = TensorValues(shape: [count], standardDeviation: 1, generator: &generator)
    let parameter = Parameter(name: "weight", start)
    let optimizer = AdamW(groups: [.init(parameters: [parameter], learningRate: 0.01, weightDecay: 0.1)])
    let watched = [0, 1, 65_535, 65_536, count - 1]
    var expected = watched.map { ScalarAdamW(value: Double(start.values[$0])) }
    for step in 0..<6 {
        let gradient = (0..<count).map { _ in Float(generator.normal()) }
        setGradient(parameter, gradient)
        let factor: Float = step < 3 ? 1 : 0.5
        optimizer.step(rateFactor: factor)
        for (index, place) in watched.enumerated() {
            expected[index].step(Double(gradient[place]), rate: Double(0.01 * factor), decay: 0.1)
        }
    }
    for (index, place) in watched.enumerated() {
        #expect(abs(Double(parameter.tensor.values[place]) - expected[index].value) < 3e-6)
    }
    #expect(optimizer.stepCount == 6)
}

@Test func sparseStepsTouchOnlyTheRowsOfTheirGradient() {
    let (rows, dim) = (50, 6)
    var generator = SeededGenerator(seed: 2)
    let start = TensorValues(shape: [rows, dim], standardDeviation: 1, generator: &generator)
    let table = Parameter(name: "table", start, rowSparse: true)
    let optimizer = AdamW(groups: [.init(parameters: [table], learningRate: 0.02, weightDecay: 0.1)])
    var expected = start.values.map { ScalarAdamW(value: Double($0)) }
    let tape = Tape()
    for ids in [[1, 7], [7], [7, 3, 3], [1]] as [[Int32]] {
        let gradient = ids.flatMap { _ in (0..<dim).map { _ in Float(generator.normal()) } }
        optimizer.zeroGradients()
        tape.backward(from: tape.embedding(table.tensor, ids: ids), gradient: gradient)
        optimizer.step()
        for id in Set(ids) {
            for column in 0..<dim {
                let parts = ids.indices.filter { ids[$0] == id }.map { Double(gradient[$0 * dim + column]) }
                expected[Int(id) * dim + column].step(parts.reduce(0, +), rate: 0.02, decay: 0.1)
            }
        }
    }
    for (index, value) in table.tensor.values.enumerated() {
        if [1, 3, 7].contains(index / dim) {
            #expect(abs(Double(value) - expected[index].value) < 3e-6)
        } else {
            #expect(value == start.values[index])
        }
    }
}

@Test func aRowMetLateMovesNoFurtherThanTheRate() {
    let table = Parameter(name: "table", TensorValues(shape: [2, 1]), rowSparse: true)
    let optimizer = AdamW(groups: [.init(parameters: [table], learningRate: 0.1)])
    let tape = Tape()
    for id in [Int32](repeating: 0, count: 500) + [1] {
        optimizer.zeroGradients()
        tape.backward(from: tape.sum(tape.embedding(table.tensor, ids: [id])))
        optimizer.step()
    }
    #expect(abs(table.tensor.values[1] + 0.1) < 1e-5)
}

@Test func frozenParametersAndThoseWithoutGradientStay() {
    let frozen = Parameter(name: "a", TensorValues(shape: [1], values: [2]), isTrainable: false)
    let idle = Parameter(name: "b", TensorValues(shape: [1], values: [2]))
    let optimizer = AdamW(groups: [.init(parameters: [frozen, idle], learningRate: 1, weightDecay: 0.5)])
    optimizer.step()
    #expect(frozen.tensor.values == [2] && idle.tensor.values == [2])
    #expect(optimizer.parameters.map(\.name) == ["b"])
}

@Test func biasesAndNormalisationAreNotDecayed() {
    let names = ["layer.weight", "layer.bias", "LayerNorm.weight"]
    let shapes = [[2, 2], [2], [2]]
    let parameters = zip(names, shapes).map { Parameter(name: $0, TensorValues(shape: $1)) }
    let groups = AdamW.groups(parameters, learningRate: 1, weightDecay: 0.01)
    #expect(groups.map { $0.parameters.map(\.name) } == [["layer.weight"], ["layer.bias", "LayerNorm.weight"]])
    #expect(groups.map(\.weightDecay) == [0.01, 0])
}

@Test func clippingScalesAllGradientsToTheNorm() {
    let dense = Parameter(name: "dense", TensorValues(shape: [2]))
    let table = Parameter(name: "table", TensorValues(shape: [9, 1]), rowSparse: true)
    setGradient(dense, [3, 0])
    let tape = Tape()
    tape.backward(from: tape.embedding(table.tensor, ids: [8]), gradient: [4])
    #expect(clipGradientNorm([dense, table], maximum: 10) == 5)
    #expect(dense.tensor.gradient == [3, 0])
    #expect(clipGradientNorm([dense, table], maximum: 1) == 5)
    #expect(abs((dense.tensor.gradient?[0] ?? 0) - 0.6) < 1e-6)
    #expect(abs((table.tensor.gradient?[8] ?? 0) - 0.8) < 1e-6)
    setGradient(dense, [.nan, 1])
    #expect(clipGradientNorm([dense, table], maximum: 1).isNaN)
    #expect(dense.tensor.gradient?[1] == 1)
}

@Test func schedulesRiseAndFall() {
    let schedule = LearningRateSchedule(warmUpSteps: 10, totalSteps: 100, decay: .linear)
    #expect(schedule.factor(at: 0) == 0.1)
    #expect(schedule.factor(at: 9) == 1)
    #expect(schedule.factor(at: 10) == 1)
    #expect(schedule.factor(at: 55) == 0.5)
    #expect(schedule.factor(at: 100) == 0 && schedule.factor(at: 1_000) == 0)
    let wave = LearningRateSchedule(warmUpSteps: 0, totalSteps: 100, decay: .cosine, finalFactor: 0.2)
    #expect(wave.factor(at: 0) == 1)
    #expect(abs(wave.factor(at: 50) - 0.6) < 1e-6)
    #expect(wave.factor(at: 100) == 0.2)
    #expect(LearningRateSchedule(warmUpSteps: 0, totalSteps: 1, decay: .constant).factor(at: 7) == 1)
}
