import AttarDistill
import AttarModels
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

struct LanguageModelObjectiveTests {
    @Test func likelihoodIsTheMeanOverTokensAndItsPartsAddUp() {
        let tape = Tape()
        let values: [Float] = [-1, -2, -4, -5]
        #expect(LikelihoodObjective().loss(tape.constant(shape: [4], values), on: tape).scalar == 3)
        let parts = [values[..<1], values[1...]].map { part in
            LikelihoodObjective().loss(tape.constant(shape: [part.count], Array(part)), of: 4, on: tape).scalar
        }
        #expect(parts == [0.25, 2.75])
    }

    @Test func answersAreSumsOverTheirTokens() throws {
        let tokens = Tensor(shape: [5], values: [-1, -2, -3, -4, -5], requiresGradient: true)
        let tape = Tape()
        let sums = PreferenceObjective.sums(tokens, layout: SequenceLayout(lengths: [2, 0, 3]), on: tape)
        #expect(sums.shape == [3] && sums.values == [-3, 0, -12])
        tape.backward(from: sums, gradient: [1, 2, 3])
        #expect(tokens.gradient == [1, 1, 3, 3, 3])
    }

    @Test(arguments: [Float(0), 0.2])
    func preferenceAgreesWithDoublePrecision(smoothing: Float) {
        var generator = SeededGenerator(seed: 4)
        let inputs: [GradientInput] = [
            .random(6, scale: 3, offset: -5, using: &generator), .random(6, scale: 3, offset: -5, using: &generator),
        ]
        let reference: (chosen: [Float], rejected: [Float]) = ([-4, -5, -6, -1, -9, -2], [-6, -3, -4, -2, -7, -8])
        let objective = PreferenceObjective(beta: 0.5, labelSmoothing: smoothing)
        let failures = checkGradients(inputs) { tape, x in
            objective.loss(chosen: x[0], rejected: x[1], reference: reference, on: tape)
        } reference: { x in
            let losses = (0..<6).map { pair in
                let margin = x[0][pair] - x[1][pair] - Double(reference.chosen[pair] - reference.rejected[pair])
                let smoothing = Double(smoothing)
                return (1 - smoothing) * log(1 + exp(-0.5 * margin)) + smoothing * log(1 + exp(0.5 * margin))
            }
            return [losses.reduce(0, +) / 6]
        }
        #expect(failures == [])
    }

    /// By hand: margins 0 give ln 2 whatever the probabilities; a margin of ln 3 at β = 1 gives −ln(3/4).
    @Test func preferenceByHand() {
        let tape = Tape()
        func loss(_ chosen: [Float], _ reference: (chosen: [Float], rejected: [Float])) -> Float {
            PreferenceObjective(beta: 1).loss(
                chosen: tape.constant(shape: [chosen.count], chosen),
                rejected: tape.constant(shape: [chosen.count], chosen.map { _ in -7 }), reference: reference, on: tape
            ).scalar
        }
        #expect(abs(loss([-3, -8], ([-3, -8], [-7, -7])) - log(2)) < 1e-6)
        #expect(abs(loss([-3 + log(3)], ([-3], [-7])) + log(0.75)) < 1e-6)
    }
}

/// A step of a tiny decoder with an adapter against PyTorch in double precision (see make_adapter_golden.py).
struct PreferenceGoldenTests {
    private struct Golden: Decodable {
        struct Pair: Decodable { let prompt, chosen, rejected: [Int32] }
        struct Step: Decodable {
            let loss: Double
            let gradients: [String: [Double]]
        }
        struct Adapter: Decodable { let preference: Step }

        let beta: Float
        let pairs: [Pair]
        let adapters: [String: Adapter]
    }

    private static let models = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../AttarModelsTests").standardized.path

    @Test(arguments: ["llama", "qwen2"])
    func lossAndEveryGradientAreThoseOfPyTorch(name: String) throws {
        let fixtures = Self.models + "/Trainable/Fixtures/", path = Self.models + "/Decoders/Fixtures/" + name
        let golden = try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: URL(filePath: fixtures + "adapters.json")))
        let exact = try #require(golden.adapters[name]).preference
        let adapter = try DecoderAdapter(
            folder: fixtures + "adapters/" + name, for: TextDecoder(path: path).configuration)
        let model = try TrainableDecoder(path: path, adapter: adapter)
        let prompts = golden.pairs.map(\.prompt)
        let tape = Tape(threads: 2)
        func sums(_ tape: Tape, _ answers: [[Int32]], isAdapted: Bool) -> Tensor {
            let (tokens, layout) = model.logProbabilities(tape, of: answers, after: prompts, isAdapted: isAdapted)
            return PreferenceObjective.sums(tokens, layout: layout, on: tape)
        }
        let (chosen, rejected) = (golden.pairs.map(\.chosen), golden.pairs.map(\.rejected))
        let still = Tape(threads: 2, isRecording: false)
        let reference = [chosen, rejected].map { sums(still, $0, isAdapted: false).values }
        let loss = PreferenceObjective(beta: golden.beta).loss(
            chosen: sums(tape, chosen, isAdapted: true), rejected: sums(tape, rejected, isAdapted: true),
            reference: (reference[0], reference[1]), on: tape)
        #expect(abs(Double(loss.scalar) - exact.loss) < 1e-5 * exact.loss)
        tape.backward(from: loss)
        for parameter in model.parameters {
            let expected = try #require(exact.gradients[parameter.name])
            let found = try #require(parameter.tensor.gradient)
            let largest = expected.reduce(0) { max($0, $1.magnitude) }
            let worst = zip(found, expected).reduce(0) { max($0, (Double($1.0) - $1.1).magnitude) }
            #expect(found.count == expected.count && worst < 5e-5 * largest, "\(parameter.name): \(worst / largest)")
        }
    }
}
