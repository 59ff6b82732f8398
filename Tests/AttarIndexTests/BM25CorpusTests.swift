import AttarTensor
import AttarTestSupport
import Testing

@testable import AttarIndex

/// Several indexes, some with dead passages, must answer as one index of the passages that live.
@Suite struct BM25CorpusTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func build(_ passages: [[String]], _ name: String) throws -> InvertedIndex {
        var builder = InvertedIndexBuilder()
        for terms in passages { try builder.add(terms: terms) }
        try builder.finish(to: folder.file(name))
        return try InvertedIndex(path: folder.file(name))
    }

    /// A corpus cut into parts, and the index of what lives with the corpus's ordinals of its passages.
    private struct Divided {
        let corpus: BM25Corpus
        let whole: BM25Searcher
        let ordinals: [UInt32]

        func expected(_ hits: [SearchHit]) -> [SearchHit] {
            hits.map { SearchHit(ordinal: ordinals[Int($0.ordinal)], score: $0.score) }
        }
    }

    private func divided(_ corpus: RandomCorpus, _ generator: inout SeededGenerator) throws -> Divided {
        var parts: [BM25Corpus.Part] = []
        var ordinals: [UInt32] = []
        var start = 0
        while start < corpus.passages.count {
            let end = min(corpus.passages.count, start + Int.random(in: 1...900, using: &generator))
            let passages = Array(corpus.passages[start..<end])
            var live = OrdinalSet(capacity: passages.count, full: true)
            let dead = Double.random(in: -0.5...1, using: &generator)
            for ordinal in passages.indices where generator.uniform() < dead { live.remove(UInt32(ordinal)) }
            live.forEach { ordinals.append($0 + UInt32(start)) }
            parts.append(
                .init(
                    try build(passages, "part-\(parts.count)"), firstPassage: UInt32(start),
                    live: dead < 0 ? nil : live))
            start = end
        }
        let whole = BM25Searcher(try build(ordinals.map { corpus.passages[Int($0)] }, "whole"))
        let divided = BM25Corpus(parts, parameters: whole.parameters, statistics: whole.index.statistics)
        return Divided(corpus: divided, whole: whole, ordinals: ordinals)
    }

    private func query(_ corpus: RandomCorpus, _ generator: inout SeededGenerator) -> [WeightedTerm] {
        (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            WeightedTerm(
                generator.uniform() < 0.05 ? "unknown" : corpus.vocabulary.randomElement(using: &generator) ?? "",
                weight: Float(Int.random(in: 1...3, using: &generator)))
        }
    }

    @Test(arguments: 0..<8)
    func aDividedCorpusAnswersAsAWholeOne(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let random = RandomCorpus(seed: seed, passages: 3000, terms: 120, meanLength: 12)
        let divided = try divided(random, &generator)
        for _ in 0..<60 {
            let query = query(random, &generator)
            for k in [1, 10, 11, 200] {
                let found = try divided.corpus.respond(to: query, k: k)
                #expect(try found.hits == divided.expected(divided.whole.search(query, k: k)))
            }
        }
    }

    @Test(arguments: 0..<4)
    func aSelectionIsSearchedAlone(seed: UInt64) throws {
        var generator = SeededGenerator(seed: 100 + seed)
        let random = RandomCorpus(seed: seed, passages: 2000, terms: 60, meanLength: 12)
        let divided = try divided(random, &generator)
        var (selection, allowed) = (
            divided.corpus.parts.map { OrdinalSet(capacity: $0.index.passages) },
            OrdinalSet(capacity: divided.ordinals.count)
        )
        for (place, ordinal) in divided.ordinals.enumerated() where generator.uniform() < 0.2 {
            allowed.insert(UInt32(place))
            let part = divided.corpus.parts.lastIndex { $0.firstPassage <= ordinal } ?? 0
            selection[part].insert(ordinal - divided.corpus.parts[part].firstPassage)
        }
        for _ in 0..<40 {
            let query = query(random, &generator)
            let found = try divided.corpus.respond(to: query, k: 10, in: selection)
            #expect(try found.hits == divided.expected(divided.whole.search(query, k: 10, allowed: allowed)))
        }
    }

    @Test func clausesAndExplanationsKnowTheWholeCorpus() throws {
        var generator = SeededGenerator(seed: 9)
        let random = RandomCorpus(seed: 9, passages: 2000, terms: 40, meanLength: 12)
        let divided = try divided(random, &generator)
        for _ in 0..<30 {
            let terms = query(random, &generator)
            let clauses = LexicalQuery.boolean(
                terms.enumerated().map { .init($0 == 0 ? .must : .should, .term($1.term)) }
                    + [.init(.mustNot, .term(random.vocabulary[0]))])
            let found = try divided.corpus.respond(to: clauses, k: 10).hits
            #expect(try found == divided.expected(divided.whole.search(clauses, k: 10)))
            guard let first = try divided.corpus.respond(to: terms, k: 1).hits.first else { continue }
            let explained = try divided.corpus.explain(terms, passage: first.ordinal)
            #expect(explained.score == first.score)
            let place = try #require(divided.ordinals.firstIndex(of: first.ordinal))
            let whole = try divided.whole.explain(terms, ordinal: UInt32(place))
            #expect(explained.terms.map(\.documentFrequency) == whole.terms.map(\.documentFrequency))
        }
    }
}
