import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

/// The plainest possible evaluation of a query: passages as lists of terms and positions, scores in Double.
private struct BruteForce {
    typealias Passage = [(term: String, position: Int)]
    let passages: [Passage]
    let parameters: BM25Parameters
    private let frequencies: [String: Int]
    private let averageLength: Double

    init(passages: [Passage], parameters: BM25Parameters) {
        (self.passages, self.parameters) = (passages, parameters)
        frequencies = passages.reduce(into: [:]) { sums, passage in
            for term in Set(passage.map(\.term)) { sums[term, default: 0] += 1 }
        }
        averageLength = Double(passages.reduce(0) { $0 + $1.count }) / Double(max(1, passages.count { !$0.isEmpty }))
    }

    private func frequency(_ term: String) -> Int { frequencies[term] ?? 0 }

    private func idf(_ term: String) -> Double {
        let frequency = Double(frequency(term))
        let holding = Double(passages.count { !$0.isEmpty })
        return log(1 + (holding - frequency + 0.5) / (frequency + 0.5))
    }

    private func saturation(_ frequency: Double, _ passage: Passage) -> Double {
        let length = Double(passage.count) / averageLength
        let norm = Double(parameters.k1) * (1 - Double(parameters.b) + Double(parameters.b) * length)
        return frequency / (frequency + norm)
    }

    /// The score; nil when the passage does not match.
    func score(_ query: LexicalQuery, _ passage: Passage, boost: Double = 1) -> Double? {
        switch query {
        case .term(let term): return score(anyOf: [term], passage, boost)
        case .anyOf(let terms): return score(anyOf: terms, passage, boost)
        case .prefix(let prefix, let besides):
            let all = Set(frequencies.keys.filter { $0.hasPrefix(prefix) })
            return score(anyOf: Array(all.union(besides)), passage, boost)
        case .weighted(let query, let factor): return score(query, passage, boost: boost * Double(factor))
        case .phrase(let terms, let slop):
            let frequency = frequency(terms, slop, passage)
            guard frequency > 0 else { return nil }
            return boost * terms.reduce(0) { $0 + idf($1.term) } * saturation(frequency, passage)
        case .boolean(let clauses):
            let scores = clauses.map { ($0.occurrence, score($0.query, passage, boost: boost)) }
            let musts = scores.filter { $0.0 == .must }
            let shoulds = scores.filter { $0.0 == .should && $0.1 != nil }
            guard musts.allSatisfy({ $0.1 != nil }), !musts.isEmpty || !shoulds.isEmpty,
                !scores.contains(where: { $0.0 == .mustNot && $0.1 != nil })
            else { return nil }
            return (musts + shoulds).reduce(0) { $0 + ($1.1 ?? 0) }
        }
    }

    private func score(anyOf terms: [String], _ passage: Passage, _ boost: Double) -> Double? {
        let count = passage.count { terms.contains($0.term) }
        guard count > 0 else { return nil }
        let common = terms.max { frequency($0) < frequency($1) } ?? ""
        return boost * idf(common) * saturation(Double(count), passage)
    }

    /// Over all stretches of shifts: the shortest ones in which distinct occurrences can be chosen.
    private func frequency(_ terms: [LexicalQuery.PhraseTerm], _ slop: Int, _ passage: Passage) -> Double {
        let far = (terms.map(\.position).max() ?? 0) + 1
        let range = -far...(passage.last?.position ?? 0) + far
        func holds(_ start: Int, _ end: Int) -> Bool { start <= end && choose(terms[...], [], start, end, passage) }
        var sum = 0.0
        for start in range {
            for width in 0...slop where holds(start, start + width) {
                if !holds(start + 1, start + width), !holds(start, start + width - 1) { sum += 1 / Double(1 + width) }
            }
        }
        return sum
    }

    private func choose(
        _ terms: ArraySlice<LexicalQuery.PhraseTerm>, _ taken: [Int], _ start: Int, _ end: Int, _ passage: Passage
    ) -> Bool {
        guard let first = terms.first else { return true }
        return passage.contains { word in
            word.term == first.term && (start...end).contains(word.position - first.position)
                && !taken.contains(word.position)
                && choose(terms.dropFirst(), taken + [word.position], start, end, passage)
        }
    }
}

@Suite struct LexicalQueryTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func write(_ passages: [BruteForce.Passage], positions: Bool = true) throws -> InvertedIndex {
        var builder = InvertedIndexBuilder(keepsPositions: positions)
        for passage in passages {
            try builder.add(terms: passage.map(\.term), positions: passage.map { UInt32($0.position) })
        }
        try builder.finish(to: folder.file("text"))
        return try InvertedIndex(path: folder.file("text"))
    }

    private func index(_ texts: [String], positions: Bool = true) throws -> BM25Searcher {
        BM25Searcher(
            try write(texts.map { $0.split(separator: " ").enumerated().map { (String($1), $0) } }, positions: positions))
    }

    private func phrase(_ text: String, slop: Int = 0) -> LexicalQuery {
        .phrase(text.split(separator: " ").enumerated().map { .init(String($1), at: $0) }, slop: slop)
    }

    private func random(_ words: [String], _ depth: Int, _ generator: inout SeededGenerator) -> LexicalQuery {
        func word(_ generator: inout SeededGenerator) -> String { words.randomElement(using: &generator) ?? "" }
        switch Int.random(in: depth > 0 ? 0..<9 : 0..<5, using: &generator) {
        case 0, 1: return .term(word(&generator))
        case 2:
            var position = 0
            let terms = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                defer { position += Int.random(in: 1...2, using: &generator) }
                return LexicalQuery.PhraseTerm(word(&generator), at: position)
            }
            return .phrase(terms, slop: [0, 0, 1, 2, 5].randomElement(using: &generator) ?? 0)
        case 3: return .prefix(String(word(&generator).prefix(Int.random(in: 1...3, using: &generator))), besides: ["none"])
        case 4: return .weighted(.term(word(&generator)), by: Float.random(in: 0.5...3, using: &generator))
        default:
            return .boolean(
                (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    let occurrence = [LexicalQuery.Clause.Occurrence.must, .should, .should, .mustNot]
                        .randomElement(using: &generator) ?? .should
                    return .init(occurrence, random(words, depth - 1, &generator))
                })
        }
    }

    /// What the engine finds is what brute force finds; its best k are the first k of all.
    @Test(arguments: 0..<12)
    func anyQueryFindsWhatBruteForceFinds(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = seed < 8 ? 200 : 700
        let corpus = RandomCorpus(seed: seed, passages: count, terms: seed % 2 == 0 ? 12 : 60, meanLength: 9)
        let passages: [BruteForce.Passage] = corpus.passages.map { terms in
            var position = -1
            return terms.map { term in
                position += Int.random(in: 0..<5, using: &generator) == 0 ? 2 : 1
                return (term, position)
            }
        }
        let parameters = BM25Parameters(k1: 1.1, b: 0.6)
        let twin = BruteForce(passages: passages, parameters: parameters)
        let searcher = BM25Searcher(try write(passages), parameters: parameters)
        for _ in 0..<(seed < 8 ? 25 : 10) {
            let query = random(corpus.vocabulary, 3, &generator)
            let expected = passages.indices.compactMap { ordinal in
                twin.score(query, passages[ordinal]).map { (ordinal: UInt32(ordinal), score: $0) }
            }
            let all = try searcher.search(query, k: count)
            #expect(Set(all.map(\.ordinal)) == Set(expected.map(\.ordinal)), "\(query)")
            let scores = Dictionary(expected.map { ($0.ordinal, $0.score) }) { one, _ in one }
            #expect(all.allSatisfy { abs(Double($0.score) - (scores[$0.ordinal] ?? -1)) < 2e-5 * max(1, Double($0.score)) })
            for k in [1, 3, 10] { #expect(try searcher.search(query, k: k) == Array(all.prefix(k)), "\(k) of \(query)") }
            var allowed = OrdinalSet(capacity: count)
            for ordinal in 0..<UInt32(count) where ordinal % 3 != 0 { allowed.insert(ordinal) }
            #expect(
                try searcher.search(query, k: 5, allowed: allowed)
                    == Array(all.filter { allowed.contains($0.ordinal) }.prefix(5)))
            if let hit = all.randomElement(using: &generator), query.bagOfTerms == nil {
                let explained = try #require(try searcher.explain(query, ordinal: hit.ordinal))
                #expect(explained.score == hit.score)
                #expect(abs(explained.parts.reduce(0) { $0 + $1.contribution } - hit.score) <= 1e-5 * max(1, hit.score))
            }
        }
    }

    /// Clauses of plain terms and phrases, as `ConjunctionSearch` and `WindowedSearch` take them.
    private func flat(
        _ words: [String], _ passages: [BruteForce.Passage], _ generator: inout SeededGenerator
    ) -> LexicalQuery {
        var clauses: [LexicalQuery.Clause] = []
        let passage = passages.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            let word = Bool.random(using: &generator)
                ? passage.randomElement(using: &generator)?.term : words.randomElement(using: &generator)
            clauses.append(.must(.weighted(.term(word ?? ""), by: Float.random(in: 0.5...2, using: &generator))))
        }
        for _ in 0..<Int.random(in: 0...2, using: &generator) {
            clauses.append(.should(.term(words.randomElement(using: &generator) ?? "")))
        }
        if passage.count > 4, Bool.random(using: &generator) {
            let start = Int.random(in: 0...(passage.count - 4), using: &generator)
            let terms = passage[start..<(start + Int.random(in: 2...4, using: &generator))]
            clauses.append(
                .must(
                    .phrase(
                        terms.map { .init($0.term, at: $0.position - passage[start].position) },
                        slop: [0, 0, 2].randomElement(using: &generator) ?? 0)))
        }
        if Bool.random(using: &generator) {
            clauses.append(.mustNot(.term(words.randomElement(using: &generator) ?? "")))
        }
        return .boolean(clauses.shuffled(using: &generator))
    }

    /// Lists of many blocks, so that blocks are skipped and bounds end within others.
    @Test(arguments: 0..<6)
    func clausesOverLongListsFindWhatBruteForceFinds(seed: UInt64) throws {
        var generator = SeededGenerator(seed: 100 + seed)
        let count = 3000
        let corpus = RandomCorpus(seed: 100 + seed, passages: count, terms: seed % 2 == 0 ? 30 : 300, meanLength: 9)
        let passages: [BruteForce.Passage] = corpus.passages.map { $0.enumerated().map { ($1, $0) } }
        let twin = BruteForce(passages: passages, parameters: .init())
        let searcher = BM25Searcher(try write(passages), parameters: .init())
        var matched = 0
        for _ in 0..<40 {
            let query = flat(corpus.vocabulary, passages, &generator)
            let expected = passages.indices.reduce(into: [UInt32: Double]()) { scores, ordinal in
                scores[UInt32(ordinal)] = twin.score(query, passages[ordinal])
            }
            let all = try searcher.search(query, k: count)
            matched += all.count
            #expect(Set(all.map(\.ordinal)) == Set(expected.keys), "\(query)")
            #expect(
                all.allSatisfy { hit in
                    abs(Double(hit.score) - (expected[hit.ordinal] ?? -1)) < 2e-5 * max(1, Double(hit.score))
                })
            for k in [1, 3, 10, 50] {
                #expect(try searcher.search(query, k: k) == Array(all.prefix(k)), "\(k) of \(query)")
            }
            var allowed = OrdinalSet(capacity: count)
            for ordinal in 0..<UInt32(count) where ordinal % 3 != 0 { allowed.insert(ordinal) }
            let kept = all.filter { allowed.contains($0.ordinal) }
            #expect(try searcher.search(query, k: 5, allowed: allowed) == Array(kept.prefix(5)))
        }
        #expect(matched > 1000)
    }

    @Test func phrasesAskForOrderAndDistance() throws {
        let searcher = try index(["new york city", "york new", "new city of york", "a new york new york", "york"])
        let found = { (query: LexicalQuery) in try searcher.search(query, k: 9).map(\.ordinal).sorted() }
        #expect(try found(phrase("new york")) == [0, 3])
        #expect(try found(phrase("new york", slop: 1)) == [0, 3])
        #expect(try found(phrase("new york", slop: 2)) == [0, 1, 2, 3])
        #expect(try found(phrase("new new", slop: 1)) == [3])
        #expect(try found(phrase("york york", slop: 9)) == [3])
        #expect(try found(phrase("york")) == [0, 1, 2, 3, 4])
        #expect(try found(.phrase([.init("new", at: 0), .init("york", at: 3)])) == [2, 3])
        #expect(try searcher.explain(phrase("new york"), ordinal: 3)?.parts.first?.frequency == 2)
    }

    @Test func clausesAreThoseOfLucene() throws {
        let searcher = try index(["a b", "a c", "b c", "a b c", "d"])
        let found = { (query: LexicalQuery) in try searcher.search(query, k: 9).map(\.ordinal).sorted() }
        #expect(try found(.boolean([.must(.term("a")), .should(.term("b"))])) == [0, 1, 3])
        #expect(try found(.boolean([.must(.term("a")), .mustNot(.term("b"))])) == [1])
        #expect(try found(.boolean([.should(.term("a")), .should(.term("d")), .mustNot(.term("c"))])) == [0, 4])
        #expect(try found(.boolean([.mustNot(.term("a"))])) == [])
        #expect(try found(.boolean([.must(.term("a")), .must(.term("unknown"))])) == [])
        #expect(try found(.boolean([])) == [])
        #expect(try found(.phrase([])) == [])
    }

    @Test func aPhraseWithoutPositionsSaysHowToMend() throws {
        let searcher = try index(["new york"], positions: false)
        let error = #expect(throws: IndexError.self) { try searcher.search(phrase("new york"), k: 3) }
        #expect(error?.description.contains("--no-positions") == true)
        #expect(try searcher.search(.boolean([.must(.term("new")), .must(.term("york"))]), k: 3).count == 1)
    }

    @Test func whatStandsForTooMuchIsRefused() throws {
        let searcher = try index((0..<1100).map { "word\($0)" })
        let error = #expect(throws: IndexError.self) { try searcher.search(.prefix("word"), k: 3) }
        #expect(error?.description.contains("longer prefix") == true)
        #expect(try searcher.search(.prefix("word10"), k: 1000).count == 111)
        var deep = LexicalQuery.term("word1")
        for _ in 0..<40 { deep = .boolean([.must(deep)]) }
        #expect(throws: IndexError.self) { try searcher.search(deep, k: 3) }
        let long = LexicalQuery.boolean((0..<1025).map { .should(.term("word\($0)")) })
        #expect(throws: IndexError.self) { try searcher.search(long, k: 3) }
    }

    @Test func queriesAreCodable() throws {
        let query = LexicalQuery.boolean([
            .must(phrase("new york", slop: 2)), .mustNot(.prefix("x", besides: ["y"])), .should(.weighted(.term("a"), by: 2)),
        ])
        #expect(try JSONDecoder().decode(LexicalQuery.self, from: JSONEncoder().encode(query)) == query)
    }
}
