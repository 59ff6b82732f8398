import AttarStorage
import AttarTensor

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
/// grows with the index. It may be used from several threads at once. Results do not depend on the order of the
/// different terms of a query nor on what the search skips: see `ScoreGrid`.
public final class BM25Searcher: Sendable {
    /// The index.
    public let index: InvertedIndex
    /// k1 and b.
    public let parameters: BM25Parameters
    /// The corpus that idf and the mean length are taken from.
    public let statistics: CorpusStatistics
    /// 1 / norm of each passage.
    let inverseNorms: [Float]
    /// The largest frequency / norm of each block.
    private let strengths: [Float]
    let scratches = WorkspacePool { SearchScratch() }

    /// A searcher.
    ///
    /// - Parameter statistics: the whole corpus when the index is one of several segments; nil for the index alone.
    /// - Complexity: O(passages + blocks) time, 4 bytes a passage and a block of 128 postings.
    public init(_ index: InvertedIndex, parameters: BM25Parameters = .init(), statistics: CorpusStatistics? = nil) {
        self.index = index
        self.parameters = parameters
        let corpus = statistics ?? index.statistics
        self.statistics = corpus
        let average = corpus.averageLength
        inverseNorms = index.lengths.withUnsafeBufferPointer { lengths in
            lengths.map { BM25.inverseNorm(length: $0, averageLength: average, parameters: parameters) }
        }
        strengths = index.blocks.withUnsafeBufferPointer { blocks in
            blocks.map { $0.bound.largestStrength(averageLength: average, parameters: parameters) }
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
        try respond(to: query, k: k, allowed: allowed, documentFrequencies: documentFrequencies).hits
    }

    /// The k best passages as `search` finds them, and how many postings were scored or looked for.
    ///
    /// - Parameter floor: see `TopK.reset(_:above:)`.
    public func respond(
        to query: [WeightedTerm], k: Int, above floor: Float = -.infinity, allowed: OrdinalSet? = nil,
        documentFrequencies: [String: Int]? = nil
    ) throws -> (hits: [SearchHit], scanned: Int) {
        guard k > 0, index.passages > 0 else { return ([], 0) }
        let plan = QueryPlan(query, searcher: self, documentFrequencies: documentFrequencies)
        let planned = plan.terms.compactMap { term in term.record.map { self.planned($0, weight: term.weight) } }
        guard !planned.isEmpty else { return ([], 0) }
        return try scratches.withWorkspace { scratch in
            try withReader(grid: plan.grid) { reader in
                var search = WindowedSearch(planned, reader, scratch, allowed: allowed)
                let hits = try search.run(k: min(k, index.passages), above: floor)
                return (hits, search.scanned)
            }
        }
    }

    /// A list of the index as a term of a query.
    func planned(_ record: TermRecord, weight: Float) -> PlannedTerm {
        PlannedTerm(
            record: record, weight: weight,
            strength: record.bound.largestStrength(
                averageLength: statistics.averageLength, parameters: parameters),
            floor: record.floor.strength(averageLength: statistics.averageLength, parameters: parameters))
    }

    /// Calls `body` with what cursors read, kept alive meanwhile.
    func withReader<Result>(grid: ScoreGrid, _ body: (PostingsReader) throws -> Result) rethrows -> Result {
        try inverseNorms.withUnsafeBufferPointer { norms in
            try strengths.withUnsafeBufferPointer { strengths in
                try index.withReader(
                    .saturating(inverseNorms: norms.baseAddress), strengths: strengths, grid: grid, body)
            }
        }
    }
}

extension ImpactBound {
    /// The most that frequency / norm can be under the bound; each step is rounded as it is for a posting.
    func largestStrength(averageLength: Double, parameters: BM25Parameters) -> Float {
        func strength(_ frequency: UInt16, _ length: UInt32) -> Float {
            if frequency == .max { return .infinity }
            return Float(frequency)
                * BM25.inverseNorm(length: length, averageLength: averageLength, parameters: parameters)
        }
        return max(strength(shortFrequency, shortLength), strength(longFrequency, longLength))
    }
}

extension ImpactFloor {
    /// What frequency / norm is at least in ten postings, rounded as it is for them; 0 when nothing is known.
    func strength(averageLength: Double, parameters: BM25Parameters) -> Float {
        guard let posting else { return 0 }
        return Float(posting.frequency)
            * BM25.inverseNorm(length: posting.length, averageLength: averageLength, parameters: parameters)
    }
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
        for item in Self.summed(query) {
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

    /// The different terms in the order of their first, with the sums of their weights; short queries, which are most,
    /// need no hash table.
    static func summed(_ query: [WeightedTerm]) -> [WeightedTerm] {
        var terms: [WeightedTerm] = []
        var places: [String: Int] = [:]
        terms.reserveCapacity(query.count)
        for item in query where item.weight > 0 && item.weight.isFinite {
            let known =
                query.count <= 16 ? terms.firstIndex { $0.term == item.term } : places[item.term]
            if let known {
                terms[known].weight += item.weight
            } else {
                if query.count > 16 { places[item.term] = terms.count }
                terms.append(item)
            }
        }
        return terms
    }
}
