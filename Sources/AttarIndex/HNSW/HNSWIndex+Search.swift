import AttarStorage
import AttarTensor

extension HNSWIndex: VectorIndex {
    /// The k best as far as the walk finds them, with options that follow from `k`.
    public func respond(to query: [Float], k: Int, allowed: OrdinalSet? = nil) throws -> VectorSearchResponse {
        try respond(to: query, k: k, allowed: allowed, options: nil)
    }

    /// The k best as far as the walk finds them.
    ///
    /// The walk goes through vectors that are not allowed and keeps so many more that enough allowed ones are among
    /// them. Where scoring all allowed vectors costs less, or the walk does not find enough, that is done instead: then
    /// the result is exact for the codes.
    ///
    /// - Parameters:
    ///   - query: `[dimension]`.
    ///   - allowed: which ordinals may be found, without those that were deleted; nil for all.
    ///   - options: how much is looked at; nil for what follows from `k`.
    /// - Returns: k hits whenever so many vectors are allowed. Scores are those of the stored vectors, or of the codes
    ///   when the graph was opened without vectors.
    /// - Throws: `IndexError.dimension`, `IndexError.notFinite`.
    /// - Complexity: about O(candidates · links · count / allowed), at most twice O(allowed), byte products.
    public func respond(
        to query: [Float], k: Int, allowed: OrdinalSet? = nil, options: HNSWSearchOptions?
    ) throws -> VectorSearchResponse {
        try require(query)
        let reachable = allowed?.count(below: count) ?? count
        guard k > 0, reachable > 0 else { return VectorSearchResponse(hits: [], requested: k, scanned: 0) }
        let options = options ?? usualOptions(k)
        return walks.withWorkspace { walk in
            withExtendedLifetime(self) {
                let code = walk.begin(query, sections.view.codes)
                let filter = reachable < count ? allowed : nil
                find(code, min(k, reachable), reachable, filter, options, walk)
                let hits = best(min(k, reachable), query, options, walk)
                return VectorSearchResponse(hits: hits, requested: k, scanned: walk.scored)
            }
        }
    }

    /// Signs tell little, so that all candidates are scored again.
    private func usualOptions(_ k: Int) -> HNSWSearchOptions {
        switch codes {
        case .int8: HNSWSearchOptions(candidates: candidates?(k), k: k)
        case .binary: HNSWSearchOptions(candidates: candidates?(k) ?? max(64, 20 * k), rescored: .max, k: k)
        }
    }

    /// What scoring a vector met on a walk costs, compared with scoring one of a scan: about 45 ns and 14 ns with 384
    /// dimensions and 230,000 vectors, as a walk waits for memory.
    private static let costOfWalking = 3.0

    /// Leaves the best allowed candidates in the walk's pool.
    private func find(
        _ code: VectorCode, _ k: Int, _ reachable: Int, _ filter: OrdinalSet?, _ options: HNSWSearchOptions,
        _ walk: GraphWalk
    ) {
        let graph = sections.view
        let enough = min(reachable, max(k, options.candidates / 2))
        var capacity = Double(options.candidates) * Double(count) / Double(reachable)
        while capacity * Double(parameters.links) * Self.costOfWalking < Double(reachable) {
            walk.search(from: entry(code, walk), capacity: Int(capacity), graph.levels[0], graph.codes, code)
            walk.keep(options.candidates, in: filter)
            if walk.pool.count >= enough { return }
            capacity *= 4
        }
        walk.scan(filter, capacity: options.candidates, graph.levels[0], graph.codes, code)
    }

    /// Where the walk on the lowest level begins.
    private func entry(_ code: VectorCode, _ walk: GraphWalk) -> UInt32 {
        let graph = sections.view
        var place: UInt32 = 0
        for (number, level) in graph.levels.enumerated().dropFirst().reversed() {
            place = walk.climb(from: place, level, graph.codes, code)
            let below = level.below.map { $0[Int(place)] } ?? 0
            // Out of range only in a broken file, where any place is as good.
            place = Int(below) < graph.levels[number - 1].count ? below : 0
        }
        return place
    }

    private func best(_ k: Int, _ query: [Float], _ options: HNSWSearchOptions, _ walk: GraphWalk) -> [SearchHit] {
        guard let vectors else {
            return (0..<min(k, walk.pool.count)).map {
                SearchHit(ordinal: walk.pool[$0], score: walk.pool.score($0))
            }
        }
        let rescored = min(max(k, options.rescored), walk.pool.count)
        return vectors.rescored((0..<rescored).map { walk.pool[$0] }, query, k: k)
    }
}
