/// The second stage of a search in two: candidates of a cheap first stage are scored again by something dear, as few of
/// them as possible (Martinico, Nardini, Rulli & Venturini, "Multivector Reranking in the Era of Strong First-Stage
/// Retrievers", 2026).
///
///     // Of scores 20, 18, 15, 14.9, 14, 12 and 10, with k = 3, those above 0.95 · 15 = 14.25 are kept: four.
///     let cascade = Cascade(margin: 0.05, patience: 4)
///     let response = try cascade.rerank(candidates, k: 3) { try crossEncoder.scores(query, $0) }
public struct Cascade: Sendable, Hashable, Codable {
    /// Candidate pruning (α in the paper): a candidate is scored only if its first-stage score is at least
    /// (1 − margin) times the k-th best one. A larger margin keeps more: 0 those that tie with the k-th best or are
    /// above, 1 every candidate. Nil prunes none.
    public var margin: Float?
    /// Early exit (β in the paper): the search ends when so many candidates in a row did not enter the k best. Nil
    /// scores all that are left after pruning.
    public var patience: Int?

    /// A cascade; by default every candidate is scored.
    ///
    /// - Precondition: the margin lies in 0 … 1, patience is at least 1.
    public init(margin: Float? = nil, patience: Int? = nil) {
        precondition(margin.map { (0...1).contains($0) } ?? true, "a margin of \(margin ?? 0)")
        precondition(patience.map { $0 > 0 } ?? true, "a patience of \(patience ?? 0)")
        self.margin = margin
        self.patience = patience
    }

    /// The candidates that pruning keeps, in their order.
    ///
    /// - Parameter candidates: of the first stage, best first. With fewer than k all are kept.
    /// - Throws: `IndexError.cascade` when the k-th best score is not above 0, where a share of it means nothing.
    public func kept(_ candidates: [SearchHit], k: Int) throws -> ArraySlice<SearchHit> {
        guard let margin, k > 0, candidates.count > k else { return candidates[...] }
        let reference = candidates[k - 1].score
        guard reference > 0, let last = candidates.last?.score, last >= 0 else {
            throw IndexError.cascade(
                "Candidate pruning compares shares of first-stage scores, which must not be below 0; the best "
                    + "\(k)th is \(reference) and the last \(candidates.last?.score ?? 0). Leave pruning out.")
        }
        let least = (1 - margin) * reference
        return candidates.prefix { $0.score >= least }
    }

    /// The k best candidates by another score.
    ///
    /// - Parameters:
    ///   - candidates: of the first stage, best first.
    ///   - score: the scores of some documents, in their order. It is asked for no more than are needed: for k documents
    ///     first, then for as many as patience is left, until it ends.
    /// - Returns: score descending, then ordinal ascending; k hits whenever there are so many candidates, and all
    ///   candidates otherwise. A score that is −infinity or NaN is no hit.
    /// - Throws: as `kept`, and what `score` throws.
    public func rerank(
        _ candidates: [SearchHit], k: Int, score: ([UInt32]) throws -> [Float]
    ) throws -> CascadeResponse {
        guard k > 0 else { return CascadeResponse(hits: [], scored: 0, candidates: candidates.count) }
        var open = try kept(candidates, k: k)
        var best = TopK(k)
        var (scored, stalls) = (0, 0)
        while !open.isEmpty, stalls < patience ?? .max {
            // Of so many candidates each is scored whatever the others bring.
            let size = scored == 0 ? k : patience.map { $0 - stalls } ?? open.count
            let part = open.prefix(size).map(\.ordinal)
            open = open.dropFirst(size)
            for (ordinal, value) in zip(part, try score(part)) {
                stalls = scored < k || value > best.threshold ? 0 : stalls + 1
                scored += 1
                if value > -.infinity { best.offer(ordinal, value) }
            }
        }
        return CascadeResponse(hits: best.hits, scored: scored, candidates: candidates.count)
    }
}

/// What a search in stages found, and what it took.
public struct CascadeResponse: Sendable, Equatable {
    /// Score descending, then ordinal ascending.
    public var hits: [SearchHit]
    /// How many documents got the dear score.
    public var scored: Int
    /// How many documents came from the first stage.
    public var candidates: Int

    /// A response.
    public init(hits: [SearchHit], scored: Int, candidates: Int) {
        self.hits = hits
        self.scored = scored
        self.candidates = candidates
    }
}
