import AttarCollection
import AttarIndex
import AttarText
import Synchronization

/// BM25 over all segments of a collection, with the statistics of the whole collection.
///
/// The scores of a collection do not depend on its division into segments, nor on documents that were deleted.
struct LexicalStage: Sendable {
    private let analyzer: Analyzer
    private let searchers: [BM25Searcher]
    private let firstPassages: [UInt32]
    private let lives: [OrdinalSet?]
    /// In how many passages that are not deleted a term occurs, for the terms of segments that have deleted ones.
    private let counted = FrequencyCache()

    init(_ collection: Collection, _ parameters: BM25Parameters) {
        analyzer = collection.analyzer
        let statistics = collection.segments.map(\.liveStatistics)
            .reduce(CorpusStatistics(passages: 0, totalLength: 0), +)
        searchers = collection.segments.map { BM25Searcher($0.text, parameters: parameters, statistics: statistics) }
        firstPassages = collection.segments.map { UInt32($0.firstPassage) }
        lives = collection.segments.map(\.live)
    }

    /// The terms of a query; empty when it has only stop words.
    func terms(_ query: String) -> [WeightedTerm] {
        analyzer.terms(query).map { WeightedTerm($0) }
    }

    /// The best passages of a selection, by the collection's ordinals.
    func passages(_ terms: [WeightedTerm], count: Int, in selection: Selection?) throws -> PassageHits {
        let frequencies = try frequencies(terms)
        return try PassageHits(best: count, firstPassages: firstPassages) { index, score in
            try searchers[index].respond(
                to: terms, k: count, above: score, allowed: selection?.passages[index],
                documentFrequencies: frequencies)
        }
    }

    /// A query in boolean syntax, its prefixes replaced by the terms of all segments that begin so.
    func resolved(_ query: String) throws -> LexicalQuery {
        var parser = try QueryParser(analyzer)
        return try parser.parse(query).resolved(in: searchers.map(\.index))
    }

    /// The best passages of a selection for a resolved query.
    func passages(_ query: LexicalQuery, count: Int, in selection: Selection?) throws -> PassageHits {
        let frequencies = try frequencies(query.terms.map { WeightedTerm($0) })
        return try PassageHits(best: count, firstPassages: firstPassages) { index, score in
            try searchers[index].respond(
                to: query, k: count, above: score, allowed: selection?.passages[index],
                documentFrequencies: frequencies)
        }
    }

    func explainBoolean(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let query = try resolved(query)
        let index = firstPassages.lastIndex { $0 <= hit.passage } ?? 0
        let found = try searchers[index].explain(
            query, ordinal: hit.passage - firstPassages[index],
            documentFrequencies: try frequencies(query.terms.map { WeightedTerm($0) }))
        return Explanation(
            pipeline: "bm25", score: Double(found?.score ?? 0),
            terms: (found?.parts ?? []).map { Explanation.Term($0, norm: found?.norm ?? 0) })
    }

    func explain(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let index = firstPassages.lastIndex { $0 <= hit.passage } ?? 0
        let terms = terms(query)
        let found = try searchers[index].explain(
            terms, ordinal: hit.passage - firstPassages[index],
            documentFrequencies: try frequencies(terms))
        return Explanation(
            pipeline: "bm25", score: Double(found.score),
            terms: found.terms.filter { $0.frequency > 0 }.map { Explanation.Term($0, norm: found.norm) })
    }

    /// In how many passages of the collection each term occurs; nil when the only index knows it.
    private func frequencies(_ terms: [WeightedTerm]) throws -> [String: Int]? {
        if searchers.count == 1, lives[0] == nil { return nil }
        var frequencies: [String: Int] = [:]
        for term in terms where frequencies[term.term] == nil {
            frequencies[term.term] = try counted.frequency(of: term.term) { try frequency(of: term.term) }
        }
        return frequencies
    }

    private func frequency(of term: String) throws -> Int {
        try searchers.indices.reduce(0) { sum, index in
            let text = searchers[index].index
            guard let live = lives[index] else { return sum + text.documentFrequency(of: term) }
            return sum + (try text.documentFrequency(of: term, among: live))
        }
    }
}

/// Counts that were made once; every term is in it at most once, so it is never larger than the vocabulary.
private final class FrequencyCache: Sendable {
    private let known = Mutex<[String: Int]>([:])

    func frequency(of term: String, _ count: () throws -> Int) rethrows -> Int {
        if let frequency = known.withLock({ $0[term] }) { return frequency }
        let frequency = try count()
        // A query can hold any word; only those that occur are kept.
        if frequency > 0 { known.withLock { $0[term] = frequency } }
        return frequency
    }
}

extension Explanation.Term {
    init(_ term: BM25Explanation.Term, norm: Float) {
        self.init(
            term: term.term, queryFrequency: Double(term.queryWeight), frequency: Double(term.frequency),
            documentFrequency: term.documentFrequency, inverseDocumentFrequency: Double(term.inverseDocumentFrequency),
            lengthNorm: Double(norm), contribution: Double(term.contribution))
    }

    init(_ part: LexicalExplanation.Part, norm: Float) {
        self.init(
            term: part.label, queryFrequency: Double(part.boost), frequency: Double(part.frequency),
            documentFrequency: part.documentFrequency, inverseDocumentFrequency: Double(part.inverseDocumentFrequency),
            lengthNorm: Double(norm), contribution: Double(part.contribution))
    }
}
