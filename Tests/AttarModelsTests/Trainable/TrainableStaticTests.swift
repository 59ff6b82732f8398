import AttarModels
import AttarTensor
import Testing

private func student(bias: [Float]? = nil) -> TrainableStatic {
    var generator = SeededGenerator(seed: 1)
    return TrainableStatic(
        table: TensorValues(shape: [50, 12], standardDeviation: 1, generator: &generator),
        tokenWeights: (0..<50).map { 1 + Float($0) / 10 },
        map: TensorValues(shape: [7, 12], standardDeviation: 1, generator: &generator), bias: bias)
}

@Test func theFoldedTableGivesTheStudentsVectors() {
    let student = student()
    let ids: [[Int32]] = [[3, 3, 49], [0], []]
    let vectors = student.forward(Tape(isRecording: false), ids: ids).matrix
    let folded = student.folded()
    #expect(folded.rows == 50 && folded.columns == 7 && student.dimension == 7)
    for (row, tokens) in ids.enumerated() {
        for column in 0..<7 {
            let sum = tokens.reduce(Float(0)) { $0 + folded.values[Int($1) * 7 + column] }
            #expect(abs(vectors.values[row * 7 + column] - sum / Float(max(1, tokens.count))) < 1e-4)
        }
    }
}

@Test func aStaticStudentLearnsAndLeavesUnmetRowsAlone() {
    let student = student(bias: [Float](repeating: 0, count: 7))
    let optimizer = AdamW(groups: [.init(parameters: student.parameters, learningRate: 0.05)])
    let before = student.table.tensor.matrix
    let tape = Tape()
    var losses: [Float] = []
    for _ in 0..<60 {
        optimizer.zeroGradients()
        let vectors = student.forward(tape, ids: [[1, 2, 2], [3]])
        let loss = tape.squaredError(vectors, tape.constant(shape: [2, 7], (0..<14).map { Float($0) / 7 }))
        tape.backward(from: loss)
        optimizer.step()
        losses.append(loss.scalar)
    }
    #expect(losses[59] < 0.05 * losses[0])
    let after = student.table.tensor.matrix
    for row in 0..<50 { #expect((after.row(row) == before.row(row)) == ![1, 2, 3].contains(row)) }
    #expect(student.parameters.map(\.name) == ["embedding.weight", "token_weights", "linear.weight", "linear.bias"])
}
