import AttarModels
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Tiny decoders against transformers.
struct DecoderGoldenTests {
    @Test(arguments: TinyDecoders.names)
    func idsLogitsStatesAndGreedyTextAreThoseOfTransformers(name: String) throws {
        let decoder = try TinyDecoders.decoder(name)
        let vocabulary = decoder.configuration.vocabularySize
        let context = DecoderContext(decoder, threads: 2)
        for golden in try TinyDecoders.golden(name) {
            #expect(decoder.prompt(raw: golden.text) == golden.ids)
            var worst = 0.0
            try context.read([.init(context.makeSequence(), golden.ids, logitsFrom: 0)]) { _, token, logits in
                let total = logSumExp(logits)
                for (place, logit) in logits.enumerated() {
                    let exact = golden.logProbabilities[token * vocabulary + place]
                    worst = max(worst, (Double(logit) - total - exact).magnitude)
                }
            }
            #expect(worst < 2e-4, "\(golden.text)")
            let layers = Array(0...decoder.configuration.layers)
            for (found, exact) in zip(try context.hiddenStates(of: golden.ids, layers: layers), golden.states) {
                #expect(found.rows == golden.ids.count)
                #expect(zip(found.values, exact).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($1)) })
            }
            #expect(try greedy(decoder, golden.ids, count: golden.greedy.count) == golden.greedy)
        }
    }

    @Test(arguments: [Precision.bfloat16, .int8])
    func narrowPrecisionsStayNear(precision: Precision) throws {
        let exact = DecoderContext(try TinyDecoders.decoder("gguf"))
        let context = DecoderContext(try TinyDecoders.decoder("gguf", precision: precision))
        for golden in try TinyDecoders.golden("gguf") {
            let found = try context.hiddenStates(of: golden.ids, layers: [2])[0]
            let expected = try exact.hiddenStates(of: golden.ids, layers: [2])[0]
            // Bytes with one scale for 32 numbers have about as many digits as bfloat16, of the largest of them alone.
            let least = precision == .int8 ? 0.99 : 0.999
            for row in 0..<found.rows { #expect(cosine(found.row(row), expected.row(row)) > least) }
        }
    }

    @Test func blocksAreTakenAsTheyAreUnlessAskedOtherwise() throws {
        #expect(try TextDecoder(path: TinyDecoders.path("gguf")).precision == .int8)
        #expect(try TextDecoder(path: TinyDecoders.path("llama")).precision == .float32)
    }

    private func greedy(_ decoder: TextDecoder, _ ids: [Int32], count: Int) throws -> [Int32] {
        let context = DecoderContext(decoder)
        let sequence = context.makeSequence()
        var new: [Int32] = []
        var next = ids
        for _ in 0..<count {
            try context.read([.init(sequence, next)]) { _, _, logits in
                let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
                new.append(Int32(best))
            }
            next = [new[new.count - 1]]
        }
        return new
    }
}

/// In double precision.
func logSumExp(_ values: some Collection<Float>) -> Double {
    let largest = Double(values.max() ?? 0)
    return largest + log(values.reduce(0) { $0 + exp(Double($1) - largest) })
}
