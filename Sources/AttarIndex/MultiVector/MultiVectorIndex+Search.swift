import AttarStorage
import AttarTensor
import CAttarKernels

/// How candidates are gathered by tokens (PLAID; Santhanam, Khattab, Potts & Zaharia 2022).
public struct TokenGathering: Sendable, Hashable, Codable {
    /// Centroids that each query token looks into, the nearest first.
    public var probes: Int
    /// Of the documents that these have, so many are scored: those that are best when tokens are taken for their
    /// centroids. Nil scores all.
    public var candidates: Int?

    /// A gathering.
    ///
    /// - Precondition: at least one probe and one candidate.
    public init(probes: Int = 2, candidates: Int? = nil) {
        precondition(probes > 0 && candidates.map { $0 > 0 } ?? true, "\(probes) probes, \(candidates ?? 0) candidates")
        self.probes = probes
        self.candidates = candidates
    }
}

extension MultiVectorIndex {
    /// Documents scored between two looks at the best.
    private static let block = 64

    /// The k best of all documents.
    ///
    /// - Parameters:
    ///   - query: `[query tokens, dimension]`; without tokens it finds nothing.
    ///   - allowed: which documents may be found; nil for all.
    /// - Returns: score descending, then ordinal ascending; never documents without tokens.
    /// - Throws: `IndexError.dimension`, `IndexError.notFinite`, `StorageError.corrupt`.
    /// - Complexity: O(tokens · query tokens · dimension).
    public func search(_ query: Matrix, k: Int, allowed: OrdinalSet? = nil) throws -> CascadeResponse {
        var documents = Array(0..<UInt32(count))
        if let allowed { documents.removeAll { !allowed.contains($0) } }
        return try best(of: documents, query, k: k, from: documents.count)
    }

    /// The k best of candidates that a first stage found.
    ///
    /// - Parameters:
    ///   - query: `[query tokens, dimension]`; without tokens it finds nothing.
    ///   - candidates: best first.
    ///   - cascade: how few of them are scored.
    /// - Returns: score descending, then ordinal ascending; never documents without tokens.
    /// - Throws: as `search`, `IndexError.ordinal` for a candidate that is no document, and as `Cascade.kept`.
    public func rerank(
        _ query: Matrix, candidates: [SearchHit], k: Int, cascade: Cascade = Cascade()
    ) throws -> CascadeResponse {
        try withScorer(for: query) { scorer in
            guard query.rows > 0 else { return CascadeResponse(hits: [], scored: 0, candidates: candidates.count) }
            return try cascade.rerank(candidates, k: k) { try scorer.scores(of: $0) }
        }
    }

    /// The k best of the documents that have a token near a token of the query: what engines do that search tokens
    /// first.
    ///
    /// - Parameters:
    ///   - query: `[query tokens, dimension]`; without tokens it finds nothing.
    ///   - allowed: which documents may be found; nil for all.
    /// - Returns: score descending, then ordinal ascending; perhaps fewer than k.
    /// - Throws: as `search`; `IndexError.cascade` when the index has no lists.
    /// - Complexity: O(centroids · query tokens · dimension), and what the documents take.
    public func gather(
        _ query: Matrix, k: Int, gathering: TokenGathering = TokenGathering(), allowed: OrdinalSet? = nil
    ) throws -> CascadeResponse {
        guard let coarse else {
            if tokenCount == 0 { return CascadeResponse(hits: [], scored: 0, candidates: 0) }
            throw IndexError.cascade(
                "\(path) has no lists of documents by centroid; build it with lists, or search in two stages.")
        }
        return try withScorer(for: query) { scorer in
            var documents = try scorer.documents(near: coarse, probes: gathering.probes)
            if let allowed { documents.removeAll { !allowed.contains($0) } }
            let met = documents.count
            if let most = gathering.candidates, most < met {
                for document in documents { try requireAssignments(of: tokenRange(of: document)) }
                var best = TopK(most)
                for (document, score) in zip(documents, scorer.centroidScores(of: documents)) {
                    best.offer(document, score)
                }
                documents = best.hits.map(\.ordinal)
            }
            return try self.best(of: documents, scorer, k: k, from: met)
        }
    }

    private func best(of documents: [UInt32], _ query: Matrix, k: Int, from candidates: Int) throws -> CascadeResponse {
        try withScorer(for: query) { try best(of: documents, $0, k: k, from: candidates) }
    }

    private func best(
        of documents: [UInt32], _ scorer: TokenScorer, k: Int, from candidates: Int
    ) throws -> CascadeResponse {
        guard k > 0, scorer.queryTokens > 0 else { return CascadeResponse(hits: [], scored: 0, candidates: candidates) }
        var best = TopK(min(k, documents.count))
        for first in stride(from: 0, to: documents.count, by: Self.block) {
            let part = Array(documents[first..<min(first + Self.block, documents.count)])
            for (document, score) in zip(part, try scorer.scores(of: part)) where score > -.infinity {
                best.offer(document, score)
            }
        }
        return CascadeResponse(hits: best.hits, scored: documents.count, candidates: candidates)
    }
}

extension TokenScorer {
    /// The documents in the lists of the centroids nearest to each of the query's tokens, ascending.
    ///
    /// - Throws: `StorageError.corrupt` when a list leaves the file, or a document is none.
    fileprivate func documents(near coarse: CoarseTokens, probes: Int) throws -> [UInt32] {
        guard queryTokens > 0 else { return [] }
        let centroids = index.centroidCount
        workspace.scoreCentroids(coarse.centroids)
        workspace.sortByToken(centroids: centroids)
        workspace.met.reset(index.count)
        var seen = Set<UInt32>()
        var documents: [UInt32] = []
        var nearest = [UInt32](repeating: 0, count: min(probes, centroids))
        var values = [Float](repeating: 0, count: nearest.count)
        for token in 0..<queryTokens {
            let found = attar_top_k_f32(
                workspace.scoresByToken.start + token * centroids, centroids, nearest.count, &nearest, &values)
            for centroid in nearest.prefix(found) where seen.insert(centroid).inserted {
                for place in try coarse.list(of: Int(centroid), path: index.path) {
                    let document = coarse.lists[place]
                    guard document < index.count else { throw StorageError.altered("a centroid's list", of: index.path) }
                    if workspace.met.insert(document) { documents.append(document) }
                }
            }
        }
        return documents.sorted()
    }
}
