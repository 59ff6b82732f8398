import AttarStorage
import Synchronization

/// A term of a query and how much it counts.
public struct WeightedTerm: Sendable, Hashable, Codable {
    /// The term, as the analyzer made it.
    public var term: String
    /// Its weight, 1 for a word that stands once in the query; terms of weight 0 or less are left out.
    public var weight: Float

    /// A term with a weight.
    public init(_ term: String, weight: Float = 1) {
        self.term = term
        self.weight = weight
    }
}

/// Exact BM25 search over one inverted index, with fixed parameters.
///
/// Making one costs O(passages), because it holds a norm for each passage; searching with it allocates nothing that
/// grows with the index. It may be used from several threads at once. Results do not depend on the order of the different
/// terms of a query nor on what the search skips: see `ScoreGrid`.
public final class BM25Searcher: Sendable {
    /// The index.
    public let index: InvertedIndex
    /// k1 and b.
    public let parameters: BM25Parameters
    /// The corpus that idf and the mean length are taken from.
    public let statistics: CorpusStatistics
    /// 1 / norm of each passage.
    let inverseNorms: [Float]
    private let scratches = Mutex<[SendableScratch]>([])

    /// A searcher.
    ///
    /// - Parameter statistics: the whole corpus when the index is one of several segments; nil for the index alone.
    /// - Complexity: O(passages) time and 4 bytes a passage.
    public init(_ index: InvertedIndex, parameters: BM25Parameters = .init(), statistics: CorpusStatistics? = nil) {
        self.index = index
        self.parameters = parameters
        let corpus = statistics ?? index.statistics
        self.statistics = corpus
        let average = corpus.averageLength
        inverseNorms = index.lengths.withUnsafeBufferPointer { lengths in
            lengths.map { BM25.inverseNorm(length: $0, averageLength: average, parameters: parameters) }
        }
    }

    /// The k best passages for a bag of terms; a term that stands twice counts twice.
    ///
    /// - Parameters:
    ///   - terms: as the analyzer made them; unknown ones find nothing.
    ///   - k: how many at most; fewer come when fewer passages hold a term.
    ///   - allowed: which passages may be found; nil for all.
    /// - Returns: score descending, then ordinal ascending; only passages that hold a term.
    /// - Throws: `StorageError.corrupt` when the postings read are broken.
    public func search(_ terms: [String], k: Int, allowed: OrdinalSet? = nil) throws -> [SearchHit] {
        try search(terms.map { WeightedTerm($0) }, k: k, allowed: allowed)
    }

    /// The k best passages for weighted terms.
    ///
    /// - Parameter documentFrequencies: for one of several segments, in how many passages of the whole corpus each term
    ///   occurs; terms that are not in it are taken from this index.
    /// - Complexity: at most O(postings of the terms + passages); usually much less, as blocks are skipped.
    public func search(
        _ query: [WeightedTerm], k: Int, allowed: OrdinalSet? = nil, documentFrequencies: [String: Int]? = nil
    ) throws -> [SearchHit] {
        guard k > 0, index.passages > 0 else { return [] }
        let plan = QueryPlan(query, searcher: self, documentFrequencies: documentFrequencies)
        guard plan.terms.contains(where: { $0.record != nil }) else { return [] }
        let scratch = scratches.withLock { $0.popLast() } ?? SendableScratch(WindowedSearch.makeScratch())
        // After an error the window may hold scores, so the scratch is dropped.
        let hits = try inverseNorms.withUnsafeBufferPointer { norms in
            try index.withReader(inverseNorms: norms.baseAddress, grid: plan.grid) { reader in
                var search = WindowedSearch(plan, reader, scratch.scratch, searcher: self, allowed: allowed)
                return try search.run(k: min(k, index.passages))
            }
        }
        scratches.withLock { $0.append(scratch) }
        return hits
    }
}

/// A scratch is used by one search at a time, which the pool guarantees.
private final class SendableScratch: @unchecked Sendable {
    let scratch: SearchScratch
    init(_ scratch: SearchScratch) { self.scratch = scratch }
}

/// A query bound to an index: its different terms, with weights and places.
struct QueryPlan {
    struct Term {
        let term: String
        /// The sum of its weights in the query.
        var queryWeight: Float
        let documentFrequency: Int
        let inverseDocumentFrequency: Float
        /// Its place in this index; nil when no passage of it holds the term.
        let record: TermRecord?
        /// queryWeight · idf.
        var weight: Float { queryWeight * inverseDocumentFrequency }
    }

    let terms: [Term]
    let grid: ScoreGrid

    init(_ query: [WeightedTerm], searcher: BM25Searcher, documentFrequencies: [String: Int]?) {
        var terms: [Term] = []
        var places: [String: Int] = [:]
        for item in query where item.weight > 0 && item.weight.isFinite {
            if let known = places.updateValue(terms.count, forKey: item.term) {
                places[item.term] = known
                terms[known].queryWeight += item.weight
                continue
            }
            let record = searcher.index.record(of: item.term)
            let frequency = documentFrequencies?[item.term] ?? record.map { Int($0.documentFrequency) } ?? 0
            let idf = BM25.inverseDocumentFrequency(
                documentFrequency: frequency, passages: searcher.statistics.passages)
            terms.append(
                Term(
                    term: item.term, queryWeight: item.weight, documentFrequency: frequency,
                    inverseDocumentFrequency: Float(idf), record: record))
        }
        self.terms = terms
        // Terms of other segments count too, so that all segments of a corpus share the grid.
        let held = terms.filter { $0.documentFrequency > 0 }
        grid = ScoreGrid(totalWeight: held.map(\.weight).sorted().reduce(0, +), terms: held.count)
    }
}
