import AttarTensor
import Testing

/// A dense and a row-sparse parameter, an optimiser, and a generator: a small training run.
private struct Run {
    let weight: Parameter
    let table: Parameter
    let optimizer: AdamW
    let tape = Tape()
    var generator = SeededGenerator(seed: 9)

    init(rows: Int = 40, name: String = "weight") {
        var generator = SeededGenerator(seed: 4)
        weight = Parameter(
            name: name, TensorValues(shape: [7, 5], standardDeviation: 1, generator: &generator))
        table = Parameter(
            name: "table", TensorValues(shape: [rows, 5], standardDeviation: 1, generator: &generator), rowSparse: true)
        optimizer = AdamW(groups: AdamW.groups([weight, table], learningRate: 0.01, weightDecay: 0.1))
    }

    mutating func step() {
        let ids = (0..<6).map { _ in Int32(generator.next() % 40) }
        optimizer.zeroGradients()
        let states = tape.dropout(tape.embedding(table.tensor, ids: ids), rate: 0.1, generator: &generator)
        let target = tape.constant(shape: [6, 7], (0..<42).map { _ in Float(generator.normal()) })
        let prediction = tape.linear(states, weight: weight.tensor)
        tape.backward(from: tape.squaredError(prediction, target))
        clipGradientNorm(optimizer.parameters, maximum: 1)
        optimizer.step()
    }

    func state(_ step: Int) -> [UInt8] {
        TrainingState.encode(optimizer: optimizer, step: step, generators: [generator], note: [1, 2, 3])
    }
}

@Test func aRestoredRunHasTheBitsOfAnUndisturbedOne() throws {
    var undisturbed = Run()
    for _ in 0..<12 { undisturbed.step() }
    for killedAt in [0, 1, 7] {
        var first = Run()
        for _ in 0..<killedAt { first.step() }
        let bytes = first.state(killedAt)
        var second = Run()
        second.step()
        let state = try TrainingState.restore(bytes, into: second.optimizer)
        second.generator = try #require(state.generators.first)
        #expect(state.step == killedAt && state.note == [1, 2, 3])
        #expect(second.state(killedAt) == bytes)
        for _ in killedAt..<12 { second.step() }
        #expect(second.state(12) == undisturbed.state(12))
    }
}

@Test func damagedCheckpointsAreRefusedAndChangeNothing() throws {
    var run = Run()
    for _ in 0..<3 { run.step() }
    let bytes = run.state(3)
    var other = Run()
    other.step()
    let before = other.state(0)
    for place in stride(from: 0, to: bytes.count, by: 37) {
        var damaged = bytes
        damaged[place] ^= 0x10
        #expect(throws: TensorError.self) { try TrainingState.restore(damaged, into: other.optimizer) }
    }
    for count in [0, 7, 8, 16, 100, bytes.count - 1] {
        #expect(throws: TensorError.self) {
            try TrainingState.restore(Array(bytes.prefix(count)), into: other.optimizer)
        }
    }
    #expect(other.state(0) == before)
}

@Test func aNewerCheckpointIsRefusedByItsVersion() {
    var bytes = Run().state(0)
    bytes[7] = UInt8(ascii: "2")
    let error = #expect(throws: TensorError.self) { try TrainingState.restore(bytes, into: Run().optimizer) }
    #expect(error?.kind == .newerVersion)
    #expect(error?.description.contains("version 2") == true)
}

@Test func aCheckpointOfAnotherModelIsRefusedByName() {
    let bytes = Run().state(0)
    let renamed = #expect(throws: TensorError.self) {
        try TrainingState.restore(bytes, into: Run(name: "other").optimizer)
    }
    #expect(renamed?.kind == .mismatch)
    #expect(renamed?.description.contains("other") == true)
    let reshaped = #expect(throws: TensorError.self) { try TrainingState.restore(bytes, into: Run(rows: 41).optimizer) }
    #expect(reshaped?.description.contains("[41, 5]") == true)
}
