import AttarTensor
import Testing

@Test func theExampleOfTheTapeHolds() {
    let tape = Tape()
    let weight = Tensor(shape: [1, 2], values: [3, 4], requiresGradient: true)
    let loss = tape.sum(tape.multiply(weight, weight))
    tape.backward(from: loss)
    #expect(weight.gradient == [6, 8])
}

@Test func gradientsAddUpUntilTheyAreZeroed() {
    let tape = Tape()
    let weight = Tensor(shape: [2], values: [3, 4], requiresGradient: true)
    for _ in 0..<3 { tape.backward(from: tape.sum(weight)) }
    #expect(weight.gradient == [3, 3])
    weight.zeroGradient()
    #expect(weight.gradient == nil)
    tape.backward(from: tape.sum(weight))
    #expect(weight.gradient == [1, 1])
}

@Test func constantsAndUnrecordedOperationsGetNoGradient() {
    let tape = Tape()
    let weight = Tensor(shape: [2], values: [3, 4], requiresGradient: true)
    let constant = tape.constant(shape: [2], [1, 2])
    let product = tape.multiply(weight, constant)
    tape.backward(from: tape.sum(product))
    #expect(constant.gradient == nil)
    #expect(weight.gradient == [1, 2])
    #expect(!Tape(isRecording: false).multiply(weight, weight).requiresGradient)
    #expect(!tape.multiply(constant, constant).requiresGradient)
}

@Test func theSteadyStateOfATrainingLoopTakesNoMemory() {
    var generator = SeededGenerator(seed: 1)
    let weight = Tensor(
        shape: [64, 64],
        values: TensorValues(shape: [64, 64], standardDeviation: 1, generator: &generator).values,
        requiresGradient: true)
    let tape = Tape()
    var afterTwo = 0
    for step in 0..<20 {
        let input = tape.constant(shape: [50 + step % 2, 64], [Float](repeating: 0.1, count: (50 + step % 2) * 64))
        let hidden = tape.gelu(tape.linear(input, weight: weight))
        tape.backward(from: tape.mean(tape.softmax(tape.linear(hidden, weight: weight))))
        weight.zeroGradient()
        if step == 1 { afterTwo = tape.pool.allocatedBytes }
    }
    #expect(tape.pool.allocatedBytes == afterTwo)
}

@Test func rowSparseGradientsKnowOnlyTheRowsTheyMet() {
    let tape = Tape()
    let table = Tensor(zeros: [1_000_000, 4], requiresGradient: true, rowSparse: true)
    tape.backward(from: tape.sum(tape.embedding(table, ids: [999_999, 5, 999_999])))
    #expect(table.rowGradient?.rows == [999_999, 5])
    #expect(table.rowGradient?.withUnsafeMutableBufferPointer(Array.init) == [2, 2, 2, 2, 1, 1, 1, 1])
    table.zeroGradient()
    #expect(table.rowGradient?.rows == [])
    tape.backward(from: tape.sum(tape.embedding(table, ids: [5])))
    #expect(table.rowGradient?.withUnsafeMutableBufferPointer(Array.init) == [1, 1, 1, 1])
}

@Test func layoutsKnowTheirSequences() {
    let layout = SequenceLayout(of: [[1, 2, 3], [], [4]])
    #expect(layout.offsets == [0, 3, 3, 4])
    #expect(layout[0] == 0..<3 && layout[1].isEmpty && layout[2] == 3..<4)
    #expect(layout.longest == 3 && layout.sequenceCount == 3 && layout.tokenCount == 4)
}
