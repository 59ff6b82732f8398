import AttarModels
import AttarTensor
import Testing

/// A small encoder whose shapes are above the chunks that threads share, with odd sizes where the model allows them.
private let configuration = TrainableBert.Configuration(
    vocabularySize: 211, hiddenSize: 60, layerCount: 3, headCount: 5, intermediateSize: 90, maximumPositions: 70)

private func model(seed: UInt64 = 1) -> TrainableBert {
    var generator = SeededGenerator(seed: seed)
    return TrainableBert(configuration: configuration, generator: &generator)
}

private func batch(_ generator: inout SeededGenerator) -> [[Int32]] {
    (0..<20).map { index in (0..<(1 + (index * 13) % 60)).map { _ in Int32(generator.next() % 211) } }
}

/// A training run with dropout, clipping and decay.
private struct Run {
    let model: TrainableBert
    let optimizer: AdamW
    let threads: Int
    var generator = SeededGenerator(seed: 5)
    var losses: [Float] = []

    init(threads: Int = 2) {
        model = AttarModelsTests.model()
        self.threads = threads
        optimizer = AdamW(
            groups: AdamW.groups(model.parameters, learningRate: 1e-3, weightDecay: 0.01), threads: threads)
    }

    mutating func step() {
        let tape = Tape(threads: threads)
        optimizer.zeroGradients()
        let ids = batch(&generator)
        var dropout = TrainableBert.Dropout(rate: 0.1, generator: generator)
        let (states, layout) = model.forward(tape, ids: ids, dropout: &dropout)
        generator = dropout.generator
        let vectors = tape.normalizeRows(tape.meanPooling(states, layout: layout))
        let target = tape.constant(shape: vectors.shape, (0..<vectors.count).map { _ in Float(generator.uniform()) })
        let loss = tape.squaredError(vectors, target)
        tape.backward(from: loss)
        clipGradientNorm(model.parameters, maximum: 1, threads: threads)
        optimizer.step()
        losses.append(loss.scalar)
    }

    func state(_ step: Int) -> [UInt8] {
        TrainingState.encode(optimizer: optimizer, step: step, generators: [generator])
    }
}

@Test func anyNumberOfThreadsGivesTheSameBits() {
    var runs = [1, 2, 3].map { Run(threads: $0) }
    for index in runs.indices {
        for _ in 0..<3 { runs[index].step() }
    }
    #expect(runs[0].losses == runs[1].losses && runs[0].losses == runs[2].losses)
    #expect(runs[0].state(3) == runs[1].state(3))
    #expect(runs[0].state(3) == runs[2].state(3))
}

@Test func aKilledAndRestoredTransformerHasTheBitsOfAnUndisturbedOne() throws {
    var undisturbed = Run()
    for _ in 0..<6 { undisturbed.step() }
    var killed = Run()
    for _ in 0..<2 { killed.step() }
    let bytes = killed.state(2)
    var resumed = Run()
    resumed.generator = try #require(try TrainingState.restore(bytes, into: resumed.optimizer).generators.first)
    for _ in 2..<6 { resumed.step() }
    #expect(resumed.losses == Array(undisturbed.losses[2...]))
    #expect(resumed.state(6) == undisturbed.state(6))
}

@Test func trainingLowersTheLoss() {
    var generator = SeededGenerator(seed: 2)
    let model = model()
    let optimizer = AdamW(groups: AdamW.groups(model.parameters, learningRate: 2e-3, weightDecay: 0))
    let ids = batch(&generator)
    let target = (0..<(20 * 60)).map { _ in Float(generator.normal()) }
    var losses: [Float] = []
    let tape = Tape()
    for _ in 0..<30 {
        optimizer.zeroGradients()
        let (states, layout) = model.forward(tape, ids: ids)
        let loss = tape.squaredError(
            tape.meanPooling(states, layout: layout), tape.constant(shape: [20, 60], target))
        tape.backward(from: loss)
        optimizer.step()
        losses.append(loss.scalar)
    }
    #expect(losses[29] < 0.5 * losses[0])
}

@Test func keptLayersAreCopiesUnderNewNumbers() {
    let whole = model()
    let kept = whole.keepingLayers([0, 2])
    #expect(kept.configuration.layerCount == 2)
    #expect(kept.weights["encoder.layer.1.output.dense.weight"] == whole.weights["encoder.layer.2.output.dense.weight"])
    #expect(kept.weights["embeddings.LayerNorm.weight"] == whole.weights["embeddings.LayerNorm.weight"])
    #expect(kept.parameters.count == 5 + 2 * 16)
    kept.parameters[0].tensor.withUnsafeMutableBufferPointer { $0[0] = 99 }
    #expect(whole.parameters[0].tensor.values[0] != 99)
    let ids: [[Int32]] = [[1, 2, 3], [4]]
    let all = whole.keepingLayers([0, 1, 2])
    #expect(all.forward(Tape(), ids: ids).states.values == whole.forward(Tape(), ids: ids).states.values)
}

@Test func sequencesOfABatchDoNotTouchEachOther() {
    let model = model()
    let together = model.forward(Tape(isRecording: false), ids: [[5, 6, 7], [8], [], [9, 10]])
    #expect(together.layout.offsets == [0, 3, 4, 4, 6])
    let alone = model.forward(Tape(isRecording: false), ids: [[9, 10]]).states.values
    for (found, expected) in zip(together.states.values.suffix(120), alone) { #expect(abs(found - expected) < 1e-5) }
}

@Test func weightsComeAndGoByName() throws {
    let original = model()
    let copy = try TrainableBert(configuration: configuration, weights: original.weights)
    #expect(copy.weights == original.weights)
    let prefixed = Dictionary(uniqueKeysWithValues: original.weights.map { ("bert." + $0.key, $0.value) })
    #expect(try TrainableBert(configuration: configuration, weights: prefixed).weights == original.weights)
    var lacking = original.weights
    lacking["encoder.layer.1.output.dense.bias"] = nil
    let missing = #expect(throws: TensorError.self) {
        try TrainableBert(configuration: configuration, weights: lacking)
    }
    #expect(missing?.description.contains("encoder.layer.1.output.dense.bias") == true)
    lacking["encoder.layer.1.output.dense.bias"] = TensorValues(shape: [61])
    let wrong = #expect(throws: TensorError.self) { try TrainableBert(configuration: configuration, weights: lacking) }
    #expect(wrong?.description.contains("[61]") == true)
}

@Test func frozenEmbeddingsGetNoGradient() throws {
    let frozen = try TrainableBert(
        configuration: configuration, weights: model().weights, trainsWordEmbeddings: false)
    let tape = Tape()
    tape.backward(from: tape.sum(frozen.forward(tape, ids: [[1, 2]]).states))
    for parameter in frozen.parameters {
        let isTable = parameter.name.hasPrefix("embeddings.") && parameter.shape.count > 1
        #expect(parameter.tensor.hasGradient == !isTable, "\(parameter.name)")
    }
}
