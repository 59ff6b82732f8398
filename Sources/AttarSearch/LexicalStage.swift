import AttarCollection
import AttarIndex
import AttarText

/// BM25 over all segments of a collection, with the statistics of the whole collection.
///
/// The scores of a collection do not depend on its division into segments, nor on documents that were deleted.
struct LexicalStage: Sendable {
    private let analyzer: Analyzer
    private let corpus: BM25Corpus

    init(_ collection: Collection, _ parameters: BM25Parameters) {
        analyzer = collection.analyzer
        corpus = BM25Corpus(
            collection.segments.map { .init($0.text, firstPassage: UInt32($0.firstPassage), live: $0.live) },
            parameters: parameters,
            statistics: collection.segments.map(\.liveStatistics)
                .reduce(CorpusStatistics(passages: 0, totalLength: 0), +))
    }

    /// The terms of a query; empty when it has only stop words.
    func terms(_ query: String) -> [WeightedTerm] {
        analyzer.terms(query).map { WeightedTerm($0) }
    }

    /// The best passages of a selection, by the collection's ordinals.
    func passages(_ terms: [WeightedTerm], count: Int, in selection: Selection?) throws -> PassageHits {
        PassageHits(try corpus.respond(to: terms, k: count, in: selection?.chosenPassages))
    }

    /// A query in boolean syntax, its prefixes replaced by the terms of all segments that begin so.
    func resolved(_ query: String) throws -> LexicalQuery {
        var parser = try QueryParser(analyzer)
        return try parser.parse(query).resolved(in: corpus.parts.map(\.index))
    }

    /// The best passages of a selection for a resolved query.
    func passages(_ query: LexicalQuery, count: Int, in selection: Selection?) throws -> PassageHits {
        PassageHits(try corpus.respond(to: query, k: count, in: selection?.chosenPassages))
    }

    func explainBoolean(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let found = try corpus.explain(try resolved(query), passage: hit.passage)
        return Explanation(
            pipeline: "bm25", score: Double(found?.score ?? 0),
            terms: (found?.parts ?? []).map { Explanation.Term($0, norm: found?.norm ?? 0) })
    }

    func explain(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let found = try corpus.explain(terms(query), passage: hit.passage)
        return Explanation(
            pipeline: "bm25", score: Double(found.score),
            terms: found.terms.filter { $0.frequency > 0 }.map { Explanation.Term($0, norm: found.norm) })
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
