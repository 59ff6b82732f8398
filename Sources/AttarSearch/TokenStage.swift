import AttarCollection
import AttarIndex
import AttarModels
import AttarTensor

/// Search by vectors of tokens (MaxSim) over all segments of a collection, of every passage or of candidates.
struct TokenStage: Sendable {
    private let name: String
    private let encoder: LateInteractionEncoder
    /// How candidates are found; nil scores every passage.
    private let gathering: TokenGathering?
    private let indexes: [MultiVectorIndex]
    private let firstPassages: [UInt32]

    /// - Parameters:
    ///   - gathering: how candidates are found; nil to score every passage.
    ///   - insists: whether a collection without centroids is refused; otherwise every passage is scored there.
    /// - Throws: `SearchError` when the collection has no token vectors by the encoder.
    init(
        _ collection: Collection, name: String, encoder: LateInteractionEncoder, gathering: TokenGathering?,
        insists: Bool = true
    ) throws {
        self.name = name
        self.encoder = encoder
        let record = try collection.learnedIndex(.tokens, by: encoder.fingerprint)
        indexes = collection.segments.compactMap { $0.tokens(of: record) }
        let without = indexes.first { $0.centroidCount == 0 && $0.tokenCount > 0 }
        self.gathering = without == nil || insists ? gathering : nil
        if self.gathering != nil, let without {
            throw SearchError.badPipeline(
                "Passages cannot be gathered by centroids: \(without.path) keeps tokens as \(without.codec), without "
                    + "centroids. Index again with --codec residual2, or search every passage.")
        }
        firstPassages = collection.segments.map { UInt32($0.firstPassage) }
    }

    /// The vectors of a query's tokens, `[tokens, dimension]`, on the calling thread.
    func tokens(_ query: String) throws -> Matrix {
        try encoder.encode([query], role: .query, options: EncodingOptions(threads: 1))[0]
    }

    /// The best passages of a selection, by the collection's ordinals.
    func passages(_ query: Matrix, count: Int, in selection: Selection?) throws -> PassageHits {
        try PassageHits(best: count, firstPassages: firstPassages) { index, _ in
            try search(indexes[index], query, k: count, allowed: selection?.passages[index])
        }
    }

    /// Where so few passages are allowed that lists would lead to none of them, each is scored.
    private func search(
        _ index: MultiVectorIndex, _ query: Matrix, k: Int, allowed: OrdinalSet?
    ) throws -> (hits: [SearchHit], scanned: Int) {
        let most = allowed?.count ?? index.count
        var scanned = 0
        if var gathering, most > Self.fewPassages {
            gathering.candidates = gathering.candidates.map { max($0, k) }
            let gathered = try index.gather(query, k: k, gathering: gathering, allowed: allowed)
            if gathered.hits.count == min(k, most) { return (gathered.hits, gathered.scored) }
            scanned = gathered.scored
        }
        let response = try index.search(query, k: k, allowed: allowed)
        return (response.hits, scanned + response.scored)
    }

    /// So many passages are scored in the time of finding centroids.
    private static let fewPassages = 500

    /// The best of some candidates, by the collection's ordinals.
    ///
    /// - Parameter candidates: best first.
    func rerank(_ query: Matrix, _ candidates: [SearchHit], count: Int, _ cascade: Cascade) throws -> PassageHits {
        guard query.rows > 0 else { return PassageHits(hits: [], scanned: 0) }
        let response = try withScorers(query, from: 0, []) { scorers in
            try cascade.rerank(candidates, k: count) { try scores(of: $0, scorers) }
        }
        return PassageHits(hits: response.hits, scanned: response.scored)
    }

    /// Calls `body` with the query bound to each segment: what a query costs each is paid once.
    private func withScorers<Result>(
        _ query: Matrix, from index: Int, _ scorers: [TokenScorer], _ body: ([TokenScorer]) throws -> Result
    ) throws -> Result {
        guard index < indexes.count else { return try body(scorers) }
        return try indexes[index].withScorer(for: query) {
            try withScorers(query, from: index + 1, scorers + [$0], body)
        }
    }

    private func scores(of passages: [UInt32], _ scorers: [TokenScorer]) throws -> [Float] {
        var scores = [Float](repeating: -.infinity, count: passages.count)
        for (index, scorer) in scorers.enumerated() {
            let end = index + 1 < firstPassages.count ? firstPassages[index + 1] : .max
            let places = passages.indices.filter { firstPassages[index] <= passages[$0] && passages[$0] < end }
            guard !places.isEmpty else { continue }
            let found = try scorer.scores(of: places.map { passages[$0] - firstPassages[index] })
            for (place, score) in zip(places, found) { scores[place] = score }
        }
        return scores
    }

    func explain(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let index = firstPassages.lastIndex { $0 <= hit.passage } ?? 0
        let ordinal = hit.passage - firstPassages[index]
        let tokens = try tokens(query)
        return Explanation(
            pipeline: name, score: Double(try indexes[index].scores(tokens, documents: [ordinal])[0]),
            interaction: .init(
                encoder: encoder.fingerprint.name, queryTokens: tokens.rows,
                passageTokens: try indexes[index].tokens(of: ordinal).rows))
    }
}
