import AttarModels
import AttarTensor
import AttarTestSupport
import Testing

struct DecoderContextTests {
    /// The logits after each token of a text that is read in one piece.
    private func logits(_ decoder: TextDecoder, _ ids: [Int32], threads: Int = 1) throws -> [[Float]] {
        let context = DecoderContext(decoder, threads: threads)
        var all: [[Float]] = []
        try context.read([.init(context.makeSequence(), ids, logitsFrom: 0)]) { _, _, logits in all.append(Array(logits)) }
        return all
    }

    private func randomIDs(_ count: Int, _ generator: inout SeededGenerator) -> [Int32] {
        (0..<count).map { _ in Int32.random(in: 0..<313, using: &generator) }
    }

    @Test(arguments: TinyDecoders.names, Precision.allCases)
    func aCacheChangesNothing(name: String, precision: Precision) throws {
        let decoder = try TinyDecoders.decoder(name, precision: precision)
        var generator = SeededGenerator(seed: 3)
        let ids = randomIDs(70, &generator)
        let whole = try logits(decoder, ids)
        #expect(whole.count == ids.count)
        let context = DecoderContext(decoder)
        let sequence = context.makeSequence()
        var start = 0
        while start < ids.count {
            let end = min(ids.count, start + Int.random(in: 1...9, using: &generator))
            try context.read([.init(sequence, ids[start..<end])]) { _, token, logits in
                #expect(token == end - start - 1 && Array(logits) == whole[end - 1])
            }
            start = end
        }
        #expect(sequence.count == ids.count)
    }

    @Test(arguments: TinyDecoders.names)
    func aSequenceDependsNeitherOnItsCompanyNorOnThreads(name: String) throws {
        let decoder = try TinyDecoders.decoder(name, precision: .int8)
        var generator = SeededGenerator(seed: 4)
        let texts = (0..<20).map { _ in randomIDs(Int.random(in: 1...60, using: &generator), &generator) }
        let alone = try texts.map { try logits(decoder, $0) }
        for threads in [1, 2, 3] {
            let context = DecoderContext(decoder, threads: threads)
            let pieces = texts.map { DecoderContext.Piece(context.makeSequence(), $0, logitsFrom: 0) }
            var seen = 0
            try context.read(pieces) { piece, token, logits in
                #expect(Array(logits) == alone[piece][token])
                seen += 1
            }
            #expect(seen == texts.reduce(0) { $0 + $1.count })
        }
    }

    @Test func copiesAndTruncatedSequencesGoOnAsIfReadAnew() throws {
        let decoder = try TinyDecoders.decoder("llama")
        var generator = SeededGenerator(seed: 5)
        let (prompt, first, second) = (
            randomIDs(37, &generator), randomIDs(5, &generator), randomIDs(40, &generator)
        )
        let context = DecoderContext(decoder)
        let sequence = context.makeSequence()
        try context.read([.init(sequence, prompt, logitsFrom: prompt.count)]) { _, _, _ in }
        let other = sequence.copy()
        for (branch, ids) in [(sequence, first), (other, second)] {
            let whole = try logits(decoder, prompt + ids)
            try context.read([.init(branch, ids)]) { _, _, logits in #expect(Array(logits) == whole.last) }
        }
        other.truncate(to: prompt.count)
        let whole = try logits(decoder, prompt + first)
        try context.read([.init(other, first)]) { _, _, logits in #expect(Array(logits) == whole.last) }
    }

    @Test func logProbabilitiesAreThoseOfTheLogits() throws {
        let decoder = try TinyDecoders.decoder("qwen2")
        var generator = SeededGenerator(seed: 6)
        let prompts = [3, 1, 20].map { randomIDs($0, &generator) }
        let continuations = [7, 0, 33].map { randomIDs($0, &generator) }
        let context = DecoderContext(decoder, threads: 2)
        let found = try context.logProbabilities(of: continuations, after: prompts)
        for index in prompts.indices {
            #expect(found[index].count == continuations[index].count)
            let all = try logits(decoder, prompts[index] + continuations[index])
            for (place, token) in continuations[index].enumerated() {
                let row = all[prompts[index].count - 1 + place]
                #expect((found[index][place] - (Double(row[Int(token)]) - logSumExp(row))).magnitude < 1e-5)
            }
        }
    }

    @Test func textsBeyondThePositionsAreRefusedBeforeAnythingIsRead() throws {
        let decoder = try TinyDecoders.decoder("llama")
        let context = DecoderContext(decoder)
        let (short, long) = (context.makeSequence(), context.makeSequence())
        #expect(throws: ModelError.self) {
            try context.read([.init(short, [1, 2]), .init(long, Array(repeating: 1, count: 257))]) { _, _, _ in }
        }
        #expect(short.count == 0 && long.count == 0)
        #expect(throws: ModelError.self) { try context.hiddenStates(of: [1], layers: [3]) }
        try context.read([.init(long, Array(repeating: 1, count: 256))]) { _, _, _ in }
        #expect(long.count == 256)
    }
}
