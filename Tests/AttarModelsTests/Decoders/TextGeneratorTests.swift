import AttarModels
import AttarTensor
import AttarTestSupport
import AttarText
import Testing

struct TextGeneratorTests {
    @Test func greedyTextIsThatOfTransformersUpToItsEnd() throws {
        for name in TinyDecoders.names {
            let decoder = try TinyDecoders.decoder(name)
            let generator = TextGenerator(decoder)
            for golden in try TinyDecoders.golden(name) {
                let text = try generator.generate(golden.ids, options: GenerationOptions(maximumTokens: 12))
                let end = golden.greedy.firstIndex { decoder.endIDs.contains($0) }
                #expect(text.ids == Array(golden.greedy[..<(end ?? golden.greedy.count)]))
                #expect(text.finish == (end == nil ? .length : .stop))
                #expect(text.text == decoder.tokenizer.decode(text.ids))
            }
        }
    }

    @Test func aTextOfABatchIsTheSameAlone() throws {
        let decoder = try TinyDecoders.decoder("llama")
        let prompts = ["the rose", "oil", "steam is water and a petal is", "dawn"].map { decoder.prompt(raw: $0) }
        for sampling in [SamplingOptions(), SamplingOptions(temperature: 1.1, topP: 0.9, topK: 40, seed: 9)] {
            let options = GenerationOptions(sampling: sampling, maximumTokens: 30)
            var streamed = Array(repeating: "", count: prompts.count)
            let texts = try TextGenerator(decoder, threads: 2).generate(prompts, options: options) { text, stretch in
                streamed[text] += stretch
            }
            for (index, prompt) in prompts.enumerated() {
                var alone = options
                alone.sampling.seed += UInt64(index)
                #expect(try TextGenerator(decoder).generate(prompt, options: alone) == texts[index])
                #expect(streamed[index] == texts[index].text)
            }
        }
    }

    @Test func seedsDecideDraws() throws {
        let decoder = try TinyDecoders.decoder("qwen2")
        let generator = TextGenerator(decoder)
        let prompt = decoder.prompt(raw: "the rose")
        func text(_ seed: UInt64) throws -> [Int32] {
            let sampling = SamplingOptions(temperature: 1.5, seed: seed)
            return try generator.generate(prompt, options: .init(sampling: sampling, maximumTokens: 20)).ids
        }
        #expect(try text(1) == text(1))
        #expect(try Set((1...5).map { try text($0) }).count > 1)
    }

    @Test func logProbabilitiesOfATextAreThoseOfScoring() throws {
        let decoder = try TinyDecoders.decoder("gguf")
        let generator = TextGenerator(decoder)
        let prompt = decoder.prompt(raw: "dawn")
        let sampling = SamplingOptions(temperature: 0.7, topP: 0.8, seed: 3)
        let text = try generator.generate(prompt, options: .init(sampling: sampling, maximumTokens: 25))
        let scored = try generator.context.logProbabilities(of: text.ids, after: prompt)
        #expect(zip(text.logProbabilities, scored).allSatisfy { ($0 - $1).magnitude < 1e-5 })
        #expect(!text.ids.isEmpty)
    }

    @Test func aConstraintIsAskedAndToldOfEachToken() throws {
        let decoder = try TinyDecoders.decoder("llama")
        let allowed: Set<Int> = [40, 41, 42]
        let constraint = StatelessConstraint { logits in
            for token in logits.indices where !allowed.contains(token) { logits[token] = -.infinity }
        }
        let sampling = SamplingOptions(temperature: 2, seed: 1)
        let options = GenerationOptions(sampling: sampling, maximumTokens: 40)
        let text = try TextGenerator(decoder).generate([1], options: options, constraint: constraint)
        #expect(text.ids.count == 40 && text.finish == .length)
        #expect(Set(text.ids.map(Int.init)).isSubset(of: allowed) && Set(text.ids).count > 1)
        let nothing = StatelessConstraint { logits in logits.update(repeating: -.infinity) }
        #expect(throws: ModelError.noNextToken(model: decoder.name, text: 1)) {
            try TextGenerator(decoder).generate([1], constraint: nothing)
        }
    }

    @Test func limitsEndATextAndNonsenseIsRefused() throws {
        let decoder = try TinyDecoders.decoder("llama")
        let generator = TextGenerator(decoder)
        let noEnd = StatelessConstraint { logits in
            for token in decoder.endIDs { logits[Int(token)] = -.infinity }
        }
        let long = Array(repeating: Int32(50), count: 250)
        let text = try generator.generate(long, options: .init(maximumTokens: 1000), constraint: noEnd)
        #expect(text.finish == .length && text.ids.count == 7)
        #expect(try generator.generate([5], options: .init(maximumTokens: 0)).ids.isEmpty)
        #expect(throws: ModelError.self) { try generator.generate([Int32]()) }
        #expect(throws: ModelError.self) { try generator.generate(Array(repeating: 5, count: 256)) }
        for sampling in [
            SamplingOptions(temperature: -1), .init(temperature: .nan), .init(topP: 0), .init(topP: 1.5), .init(topK: 0),
        ] {
            #expect(throws: ModelError.self) { try generator.generate([5], options: .init(sampling: sampling)) }
        }
    }

    @Test func textIsNeverCutWithinACharacter() {
        let text = "aé漢😀\u{1F468}\u{200D}\u{1F469}z"
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<50 {
            var stream = TextStream()
            var found = "", bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let piece = bytes.prefix(Int.random(in: 1...4, using: &generator))
                let stretch = stream.append(piece)
                #expect(!stretch.contains("\u{FFFD}"))
                found += stretch
                bytes = bytes.dropFirst(piece.count)
            }
            #expect(found + stream.finish() == text)
        }
        var stream = TextStream()
        #expect(stream.append([0x61, 0xE6]) == "a" && stream.append([0x62]) == "\u{FFFD}b")
        #expect(stream.append([0xF0, 0x9F]) == "" && stream.finish() == "\u{FFFD}" && stream.finish() == "")
    }
}
