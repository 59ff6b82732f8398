import AttarModels
import AttarTensor
import AttarTestSupport
import AttarText
import Testing

/// A short training of a real model on real text.
struct RealAdapterTests {
    private static let path = SharedData.modelFile("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")

    /// Abstracts, each by its title; the first eight to learn from, two to look at.
    private func texts(_ prompts: DecoderPrompts) throws -> [(prompt: [Int32], text: [Int32])] {
        var documents: [Document] = []
        try DocumentReader.read(paths: [SharedData.path("scifact")]) { document in
            if documents.count < 10 { documents.append(document) }
        }
        return documents.map { document in
            let prompt = prompts.prompt(raw: document.title + "\n")
            return (prompt, Array(prompts.tokenizer.encode(document.text, addSpecialTokens: false).prefix(48)))
        }
    }

    @Test(.enabled(if: path != nil && SharedData.isAvailable, "needs the model smollm2 and the data scifact"))
    func twentyStepsLowerTheLossOfUnseenTextAndSurviveTheFolder() throws {
        let path = try #require(Self.path)
        var generator = SeededGenerator(seed: 1)
        let model = try TrainableDecoder(
            path: path, adapter: LowRankConfiguration(rank: 8, alpha: 16, dropout: 0.05), generator: &generator)
        let all = try texts(model.prompts)
        let unseen = all.suffix(2), tape = Tape(threads: 2)
        func scores() -> [Float] {
            model.logProbabilities(
                Tape(threads: 2, pool: tape.pool, isRecording: false), of: unseen.map(\.text),
                after: unseen.map(\.prompt)).values.values
        }
        func loss(_ scores: [Float]) -> Float { -scores.reduce(0, +) / Float(scores.count) }
        let before = loss(scores())
        let optimizer = AdamW(groups: [.init(parameters: model.parameters, learningRate: 1e-3)], threads: 2)
        var dropout = model.dropout(generator)
        for step in 0..<20 {
            let batch = (0..<2).map { all[(2 * step + $0) % 8] }
            let values = model.logProbabilities(
                tape, of: batch.map(\.text), after: batch.map(\.prompt), dropout: &dropout).values
            tape.backward(from: tape.scale(tape.mean(values), by: -1))
            optimizer.step()
            optimizer.zeroGradients()
        }
        let trained = scores()
        #expect(loss(trained) < before - 0.02, "\(before) became \(loss(trained))")
        try withFolder { folder in
            try model.adapter.write(to: folder + "/adapter")
            let decoder = try TextDecoder(path: path, precision: .float32, adapter: folder + "/adapter")
            let found = try DecoderContext(decoder, threads: 2).logProbabilities(
                of: unseen.map(\.text), after: unseen.map(\.prompt)).flatMap { $0 }
            for (found, trained) in zip(found, trained) { #expect((found - Double(trained)).magnitude < 1e-3) }
        }
    }
}
