import AttarModels
import AttarTensor
import AttarTestSupport
import Testing

struct TrainableDecoderTests {
    @Test(arguments: TinyAdapters.names)
    func lossAndEveryGradientAreThoseOfPyTorch(name: String) throws {
        let tiny = try TinyAdapters.load()
        let golden = try #require(tiny.adapters[name])
        let model = try TinyAdapters.trainable(name)
        let tape = Tape(threads: 2)
        let (values, layout) = model.logProbabilities(
            tape, of: tiny.pairs.map(\.chosen), after: tiny.pairs.map(\.prompt))
        #expect(layout == SequenceLayout(lengths: [4, 2, 1]))
        #expect(largestError(values.values, golden.logProbabilities.flatMap { $0 }) < 2e-6)
        let loss = tape.scale(tape.mean(values), by: -1)
        #expect((Double(loss.scalar) - golden.supervised.loss).magnitude < 2e-6 * golden.supervised.loss)
        tape.backward(from: loss)
        #expect(Set(model.parameters.map(\.name)) == Set(golden.supervised.gradients.keys))
        for parameter in model.parameters {
            let expected = try #require(golden.supervised.gradients[parameter.name])
            let found = try #require(parameter.tensor.gradient)
            #expect(found.count == expected.count)
            #expect(largestError(found, expected) < 2e-5, "\(parameter.name)")
        }
    }

    @Test(arguments: TinyAdapters.names)
    func withoutItsChangesItIsTheModelAsItWas(name: String) throws {
        let (prompts, texts): ([[Int32]], [[Int32]]) = ([[1, 2, 3], [9], [4]], [[4, 5], [], [6, 7, 8]])
        let context = DecoderContext(try TinyDecoders.decoder(name))
        let plain = try context.logProbabilities(of: texts, after: prompts).flatMap { $0 }
        let trained = try TinyAdapters.trainable(name)
        func values(_ model: TrainableDecoder, isAdapted: Bool = true) -> [Float] {
            let tape = Tape(threads: 1, isRecording: false)
            return model.logProbabilities(tape, of: texts, after: prompts, isAdapted: isAdapted).values.values
        }
        #expect(largestError(values(trained, isAdapted: false), plain) < 5e-6)
        #expect(largestError(values(trained), plain) > 1e-2)
        var generator = SeededGenerator(seed: 1)
        let fresh = try TrainableDecoder(
            path: TinyDecoders.path(name), adapter: LowRankConfiguration(targets: LowRankConfiguration.allLinear),
            generator: &generator)
        #expect(fresh.parameters.count == 2 * 7 * 2)
        #expect(largestError(values(fresh), plain) < 5e-6)
    }

    @Test func withoutItsChangesNothingLearns() throws {
        let model = try TinyAdapters.trainable("qwen2")
        let values = model.logProbabilities(Tape(threads: 1), of: [[3]], after: [[1]], isAdapted: false).values
        #expect(!values.requiresGradient)
    }

    @Test func blocksOfAFileBecomeFloats() throws {
        var generator = SeededGenerator(seed: 1)
        let path = TinyDecoders.path("gguf")
        let model = try TrainableDecoder(path: path, adapter: LowRankConfiguration(), generator: &generator)
        let texts: [[Int32]] = [[4, 5, 300, 7]]
        let values = model.logProbabilities(Tape(threads: 1, isRecording: false), of: texts, after: [[1, 2]]).values
        let context = DecoderContext(try TinyDecoders.decoder("gguf"))
        #expect(largestError(values.values, try context.logProbabilities(of: texts, after: [[1, 2]])[0]) < 5e-6)
    }

    @Test func logitsAgreeWithLogProbabilities() throws {
        let model = try TinyAdapters.trainable("llama")
        let tape = Tape(threads: 1)
        var dropout = Dropout.none
        let (states, layout) = model.states(tape, ids: [[5, 6, 7], [8]], dropout: &dropout)
        #expect(layout.offsets == [0, 3, 4])
        let logits = tape.logits(model, states)
        #expect(model.logits(tape, states: states, rows: [2]).values == Array(logits[2]))
        let values = model.logProbabilities(tape, of: [[6, 7]], after: [[5]]).values.values
        for (row, next) in [(0, 6), (1, 7)] {
            #expect(abs(logits[row][next] - Float(logSumExp(logits[row])) - values[row]) < 1e-5)
        }
    }

    @Test func anyNumberOfThreadsGivesTheSameBits() throws {
        let gradients = try [1, 2, 3].map { threads -> [[Float]?] in
            let model = try TinyAdapters.trainable("llama")
            let tape = Tape(threads: threads)
            var dropout = Dropout(rate: 0.2, generator: SeededGenerator(seed: 4))
            let texts = (0..<20).map { text in (0..<(3 + text % 7)).map { Int32(20 + 11 * $0 + text) } }
            let values = model.logProbabilities(
                tape, of: texts, after: texts.map { [$0[0] / 2] }, dropout: &dropout).values
            tape.backward(from: tape.mean(values))
            return model.parameters.map(\.tensor.gradient)
        }
        #expect(gradients[0] == gradients[1] && gradients[0] == gradients[2])
    }

    @Test(arguments: TinyAdapters.names)
    func narrowProductsLearnTheSameDirection(name: String) throws {
        let tiny = try TinyAdapters.load()
        let gradients = try [ProductPrecision.fp32, .bf16].map { precision -> [Float] in
            let model = try TinyAdapters.trainable(name)
            let tape = Tape(threads: 1, precision: precision)
            let values = model.logProbabilities(
                tape, of: tiny.pairs.map(\.chosen), after: tiny.pairs.map(\.prompt)).values
            tape.backward(from: tape.mean(values))
            return model.parameters.flatMap { $0.tensor.gradient ?? [] }
        }
        #expect(cosine(gradients[0], gradients[1]) > 0.99 && gradients[0] != gradients[1])
    }

    @Test func dropoutHidesFromTheChangesAlone() throws {
        let model = try TinyAdapters.trainable("qwen2")
        let tape = Tape(threads: 1, isRecording: false)
        func values(_ rate: Float, isAdapted: Bool) -> [Float] {
            var dropout = Dropout(rate: rate, generator: SeededGenerator(seed: 4))
            return model.logProbabilities(
                tape, of: [[6, 7, 8]], after: [[5]], isAdapted: isAdapted, dropout: &dropout).values.values
        }
        #expect(values(0.5, isAdapted: true) != values(0, isAdapted: true))
        #expect(values(0.5, isAdapted: true) == values(0.5, isAdapted: true))
        #expect(values(0.5, isAdapted: false) == values(0, isAdapted: false))
    }

    /// Once each shape has been met, a step takes nothing from the pool's memory that it did not have.
    @Test func theSteadyStateOfAStepTakesNoMemory() throws {
        let model = try TinyAdapters.trainable("llama")
        let optimizer = AdamW(groups: [.init(parameters: model.parameters, learningRate: 1e-3)], threads: 1)
        let tape = Tape(threads: 1)
        func step(_ index: Int) {
            let texts = (0..<4).map { text in (0..<(10 + 5 * (index % 3) + text)).map { Int32(3 * $0 + text) } }
            let values = model.logProbabilities(tape, of: texts, after: [[1], [2, 3], [4], [5]]).values
            tape.backward(from: tape.mean(values))
            optimizer.step()
            optimizer.zeroGradients()
        }
        for index in 0..<6 { step(index) }
        let pool = tape.pool.allocatedBytes
        for index in 6..<12 { step(index) }
        #expect(tape.pool.allocatedBytes == pool && pool > 0)
    }
}

extension Tape {
    /// The rows of all logits.
    fileprivate func logits(_ model: TrainableDecoder, _ states: Tensor) -> [[Float]] {
        let matrix = model.logits(self, states: states).matrix
        return (0..<matrix.rows).map { Array(matrix.row($0)) }
    }
}
