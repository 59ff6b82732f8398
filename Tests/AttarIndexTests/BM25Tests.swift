import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

@Suite struct BM25Tests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func searcher(_ passages: [[String]], _ parameters: BM25Parameters = .init()) throws -> BM25Searcher {
        var builder = InvertedIndexBuilder()
        for terms in passages { try builder.add(terms: terms) }
        try builder.finish(to: folder.file("text.inv"))
        return BM25Searcher(try InvertedIndex(path: folder.file("text.inv")), parameters: parameters)
    }

    /// Three passages of 3, 2 and 4 terms: N = 3, avgdl = 3. Query "cat mat"; k1 = 1.2, b = 0.75.
    ///
    ///     idf(cat), df 2 = ln(1 + 1.5 / 2.5) = 0.4700036292
    ///     idf(mat), df 1 = ln(1 + 2.5 / 1.5) = 0.9808292530
    ///     passage 0: dl 3, norm 1.2 · (0.25 + 0.75)       = 1.2; cat 1: 0.4700036292 · 1 / 2.2 = 0.2136380133
    ///     passage 2: dl 4, norm 1.2 · (0.25 + 0.75 · 4/3) = 1.5; cat 2: 0.4700036292 · 2 / 3.5 = 0.2685735024
    ///                                                            mat 1: 0.9808292530 · 1 / 2.5 = 0.3923317012
    @Test func handComputedScoresOfLucenesFormula() throws {
        let searcher = try searcher([["the", "cat", "sat"], ["the", "dog"], ["cat", "cat", "on", "mat"]], .lucene)
        let hits = try searcher.search(["cat", "mat"], k: 10)
        #expect(hits.map(\.ordinal) == [2, 0])
        #expect(abs(hits[0].score - 0.6609052036) < 1e-6)
        #expect(abs(hits[1].score - 0.2136380133) < 1e-6)
        let explanation = try searcher.explain(["cat", "mat"], ordinal: 2)
        #expect(explanation.score == hits[0].score)
        #expect(explanation.length == 4 && explanation.averageLength == 3)
        #expect(abs(explanation.norm - 1.5) < 1e-6)
        #expect(explanation.terms.map(\.term) == ["mat", "cat"])
        #expect(explanation.terms.map(\.frequency) == [1, 2])
        #expect(abs(explanation.terms[1].inverseDocumentFrequency - 0.4700036292) < 1e-6)
        #expect(abs(explanation.terms[1].saturation - 2 / 3.5) < 1e-6)
        #expect(abs(explanation.terms[1].contribution - 0.2685735024) < 1e-6)
    }

    @Test func extremeParametersMeanWhatTheySay() throws {
        let passages = [["a"], ["a", "a"], ["a", "b", "c", "d"]]
        // k1 = 0: only whether the term occurs; ties by ascending ordinal.
        let binary = try searcher(passages, BM25Parameters(k1: 0, b: 0.5)).search(["a"], k: 3)
        #expect(binary.map(\.ordinal) == [0, 1, 2] && Set(binary.map(\.score)).count == 1)
        // b = 0: length does not count.
        let flat = try searcher(passages, BM25Parameters(k1: 1, b: 0)).search(["a"], k: 3)
        #expect(flat.map(\.ordinal) == [1, 0, 2] && flat[1].score == flat[2].score)
    }

    @Test func aTermThatStandsTwiceCountsTwice() throws {
        let searcher = try searcher([["a", "b"], ["b", "c"]])
        let once = try searcher.search(["a"], k: 1)
        let twice = try searcher.search(["a", "a"], k: 1)
        let weighted = try searcher.search([WeightedTerm("a", weight: 2)], k: 1)
        #expect(twice == weighted)
        #expect(abs(twice[0].score - 2 * once[0].score) < 1e-6)
        #expect(try searcher.explain(["a", "a"], ordinal: 0).terms[0].queryWeight == 2)
    }

    @Test func unknownTermsZeroWeightsAndNoTermsFindNothing() throws {
        let searcher = try searcher([["a"], ["b"]])
        #expect(try searcher.search([String](), k: 10) == [])
        #expect(try searcher.search(["x", "y"], k: 10) == [])
        #expect(try searcher.search(["a"], k: 0) == [])
        #expect(try searcher.search([WeightedTerm("a", weight: 0), WeightedTerm("b", weight: -1)], k: 10) == [])
        #expect(try searcher.search([WeightedTerm("a", weight: .nan)], k: 10) == [])
        #expect(try searcher.search(["a", "x"], k: 10).count == 1)
    }

    @Test func kLargerThanTheCorpusGivesAllThatHoldATerm() throws {
        let searcher = try searcher([["a"], ["b"], ["a", "b"], ["c"]])
        #expect(try searcher.search(["a", "b"], k: 1000).count == 3)
        #expect(try searcher.search(["a", "b"], k: .max).count == 3)
    }

    @Test(arguments: [
        (0, 1, 3, 5), (1, 127, 20, 8), (2, 128, 4, 6), (3, 129, 4, 6), (4, 1000, 50, 20), (5, 4097, 30, 6),
        (6, 9000, 500, 10), (7, 20000, 3000, 8),
    ])
    func theSearchFindsWhatAnExhaustiveOneFinds(seed: Int, passages: Int, terms: Int, length: Int) throws {
        let corpus = RandomCorpus(seed: UInt64(seed), passages: passages, terms: terms, meanLength: length)
        let index = try corpus.write(to: folder.file("random.inv"))
        try index.verify()
        var generator = SeededGenerator(seed: UInt64(seed))
        for parameters in [BM25Parameters(), .lucene, BM25Parameters(k1: 2.5, b: 1), .init(k1: 0, b: 0)] {
            let searcher = BM25Searcher(index, parameters: parameters)
            for size in [1, 2, 5, 30] {
                let query = (0..<size).map { _ in
                    // Squared, so that frequent terms are frequent in queries too.
                    let rank = Int(generator.uniform() * generator.uniform() * Double(terms + 1))
                    return WeightedTerm(
                        rank < terms ? corpus.vocabulary[rank] : "unknown",
                        weight: generator.uniform() < 0.7 ? 1 : Float(Int.random(in: 1...12, using: &generator)) / 4)
                }
                let filter = OrdinalSet.random(capacity: passages, &generator)
                let all = corpus.exhaustive(query, parameters: parameters)
                let filtered = all.filter { filter.contains($0.ordinal) }
                for k in [1, 10, 100, passages] {
                    #expect(try searcher.search(query, k: k) == Array(all.prefix(k)))
                    #expect(try searcher.search(query.reversed(), k: k) == Array(all.prefix(k)))
                    #expect(try searcher.search(query, k: k, allowed: filter) == Array(filtered.prefix(k)))
                }
                for hit in all.prefix(3) {
                    #expect(try searcher.explain(query, ordinal: hit.ordinal).score == hit.score)
                }
            }
        }
    }

    @Test func segmentsWithTheCorpussStatisticsScoreAsOneIndex() throws {
        let corpus = RandomCorpus(seed: 5, passages: 900, terms: 80, meanLength: 10)
        let whole = BM25Searcher(try corpus.write(to: folder.file("whole")))
        var parts: [InvertedIndex] = []
        for range in [0..<300, 300..<900] {
            var builder = InvertedIndexBuilder()
            for passage in corpus.passages[range] { try builder.add(terms: passage) }
            try builder.finish(to: folder.file("part\(range.lowerBound)"))
            parts.append(try InvertedIndex(path: folder.file("part\(range.lowerBound)")))
        }
        let statistics = parts[0].statistics + parts[1].statistics
        let query = [3, 10, 40, 79].map { WeightedTerm(corpus.vocabulary[$0]) }
        let frequencies = Dictionary(
            uniqueKeysWithValues: query.map { item in
                (item.term, parts.reduce(0) { $0 + $1.documentFrequency(of: item.term) })
            })
        var merged: [SearchHit] = []
        for (part, offset) in zip(parts, [UInt32(0), 300]) {
            let searcher = BM25Searcher(part, statistics: statistics)
            merged += try searcher.search(query, k: 900, documentFrequencies: frequencies)
                .map { SearchHit(ordinal: $0.ordinal + offset, score: $0.score) }
        }
        merged.sort { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) }
        #expect(try merged == whole.search(query, k: 900))
    }

    @Test func oneSearcherServesManyThreads() async throws {
        let corpus = RandomCorpus(seed: 6, passages: 3000, terms: 100, meanLength: 10)
        let searcher = BM25Searcher(try corpus.write(to: folder.file("threads")))
        let queries = (0..<50).map { start in (0..<5).map { corpus.vocabulary[(start + $0 * 7) % 100] } }
        let alone = try queries.map { try searcher.search($0, k: 10) }
        try await withThrowingTaskGroup(of: (Int, [SearchHit]).self) { group in
            for (index, query) in queries.enumerated() {
                group.addTask { (index, try searcher.search(query, k: 10)) }
            }
            for try await (index, hits) in group { #expect(hits == alone[index]) }
        }
    }

    @Test func scoresOnTheGridAreCloseToRealNumbers() throws {
        let corpus = RandomCorpus(seed: 8, passages: 500, terms: 100, meanLength: 30)
        let searcher = BM25Searcher(try corpus.write(to: folder.file("close")))
        let query = (0..<20).map { corpus.vocabulary[$0 * 5] }
        let statistics = searcher.statistics
        for hit in try searcher.search(query, k: 50) {
            let passage = corpus.passages[Int(hit.ordinal)]
            let norm = 0.9 * (0.6 + 0.4 * Double(passage.count) / statistics.averageLength)
            var expected = 0.0
            for term in query {
                let frequency = Double(passage.count { $0 == term })
                let documents = Double(corpus.passages.count { $0.contains(term) })
                let idf = log(1 + (Double(statistics.passages) - documents + 0.5) / (documents + 0.5))
                expected += idf * frequency / (frequency + norm)
            }
            #expect(abs(Double(hit.score) - expected) < 2e-5 * max(1, expected))
        }
    }
}

extension OrdinalSet {
    /// Each ordinal with probability one half.
    static func random(capacity: Int, _ generator: inout SeededGenerator) -> OrdinalSet {
        OrdinalSet(capacity: capacity, words: (0..<(capacity + 63) / 64).map { _ in generator.next() })
    }
}
