import AttarStorage

extension HNSWIndex: VectorIndex {
    /// The k best as far as the walk finds them, with options that follow from `k`.
    public func search(_ query: [Float], k: Int, allowed: OrdinalSet? = nil) throws -> [SearchHit] {
        try search(query, k: k, options: HNSWSearchOptions(k: k))
    }

    public func search(_ query: [Float], k: Int, options: HNSWSearchOptions) throws -> [SearchHit] {
        guard query.count == dimension else { throw IndexError.dimension(expected: dimension, found: query.count) }
        try requireFinite(query)
        guard k > 0, count > 0 else { return [] }
        return try walks.withOne { walk in
            try withExtendedLifetime(self) {
                self.walk(query, options, walk)
                return try best(k, query, options, walk)
            }
        }
    }

    private func walk(_ query: [Float], _ options: HNSWSearchOptions, _ walk: GraphWalk) {
        let graph = sections.view
        let code = walk.encode(query, stride: graph.codes.stride)
        var place: UInt32 = 0
        for level in graph.levels.dropFirst().reversed() {
            place = walk.climb(from: place, level, graph.codes, code)
            let below = level.below.map { $0[Int(place)] } ?? 0
            place = below
        }
        if Int(place) >= count { place = 0 }
        walk.search(from: place, capacity: options.candidates, graph.levels[0], graph.codes, code)
    }

    private func best(_ k: Int, _ query: [Float], _ options: HNSWSearchOptions, _ walk: GraphWalk) throws -> [SearchHit] {
        let pool = walk.pool
        var best = TopK(k)
        for rank in 0..<min(options.rescored, pool.count) {
            let ordinal = pool[rank]
            let score = try vectors.map { try $0.score(query, ordinal: ordinal) } ?? pool.score(rank)
            best.offer(ordinal, score)
        }
        return best.hits
    }
}
