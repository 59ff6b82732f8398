import AttarStorage

/// The search over the strong postings of a sparse index.
///
/// Strong postings are added up window by window. A passage's sum is a lower bound of its score, and the sum plus the
/// largest weak weights an upper one. So passages whose upper bound is not above the k-th best lower bound are dropped;
/// of the others those with the best sums are completed from their vectors first, which gives a k-th best score that
/// few of the rest can reach. The idea of layers by impact is that of Anh & Moffat 2006, "Pruned query evaluation using
/// pre-computed impacts"; completing from vectors is that of Bruch, Nardini, Rulli & Venturini 2024, "Efficient
/// inverted indexes for approximate retrieval over learned sparse representations" (Seismic).
struct LayeredSearch {
    private let plan: SparsePlan
    private let vectors: SparseVectors
    private let reader: PostingsReader
    private let scratch: SearchScratch
    private let allowed: OrdinalSet?
    /// Passages that may enter, with their sums.
    private var open: [SearchHit] = []
    /// The best sums.
    private var sums = TopK(0)
    /// Vectors that were looked up.
    private var lookups = 0

    /// How many postings and vectors were scored.
    var scanned: Int { plan.strong.indices.reduce(lookups) { $0 + scratch.cursors[$1].added } }

    init(
        _ plan: SparsePlan, _ vectors: SparseVectors, _ reader: PostingsReader, _ scratch: SearchScratch,
        allowed: OrdinalSet?
    ) {
        self.plan = plan
        self.vectors = vectors
        self.reader = reader
        self.scratch = scratch
        self.allowed = allowed
        scratch.reserve(terms: plan.strong.count)
        for (place, term) in plan.strong.enumerated() {
            (scratch.cursors + place).initialize(to: PostingsCursor(term, buffers: scratch.buffers(place)))
        }
    }

    /// The k best.
    ///
    /// - Parameter candidates: how many passages are completed; nil for the exact result.
    /// - Returns: nil when passages without strong postings could be among the best.
    mutating func run(k: Int, candidates: Int?) throws -> [SearchHit]? {
        for place in plan.strong.indices { try scratch.cursors[place].validate(reader) }
        swap(&open, &scratch.open)
        defer { swap(&open, &scratch.open) }
        open.removeAll(keepingCapacity: true)
        sums.reset(candidates ?? k)
        let missing = candidates == nil ? plan.weakSum : 0
        let postings = plan.strong.reduce(0) { $0 + Int($1.record.documentFrequency) }
        let size = UInt32(SearchScratch.windowSize(
            postings: postings, passages: Int(reader.passages), aim: Self.postingsPerWindow))
        for start in stride(from: 0, to: reader.passages, by: Int(size)) {
            try addUp(from: start, below: start + min(size, reader.passages - start), missing: missing)
        }
        guard candidates == nil else { return try complete(sums.hits, k: k).hits }
        return try completeAll(k: k)
    }

    /// Every window costs each list a little, and nothing is gained by small ones, as nothing is skipped.
    private static let postingsPerWindow = 4096

    private mutating func addUp(from start: UInt32, below end: UInt32, missing: Float) throws {
        for place in plan.strong.indices {
            guard scratch.cursors[place].skip(to: start, reader) < end else { continue }
            try scratch.cursors[place].accumulate(from: start, below: end, into: scratch.window, reader)
        }
        let window = scratch.window
        for part in stride(from: 0, to: Int(end - start), by: ScoreWindow.partSize) {
            let found = window.take(part: part, above: max(0, sums.threshold - missing))
            for index in 0..<found where window.scores[index] + missing > sums.threshold {
                let ordinal = start + UInt32(truncatingIfNeeded: part) + window.offsets[index]
                if let allowed, !allowed.contains(ordinal) { continue }
                sums.offer(ordinal, window.scores[index])
                if missing > 0 { open.append(SearchHit(ordinal: ordinal, score: window.scores[index])) }
            }
        }
    }

    /// Completes the passages with the best sums, then all that can still enter.
    private mutating func completeAll(k: Int) throws -> [SearchHit]? {
        if plan.weak.isEmpty { return sums.hits }
        let first = sums.hits
        var best = try complete(first, k: k)
        try withQuery { query in
            let done = Set(first.map(\.ordinal))
            // The best sums are at least the last of the first; so only these are looked up in the set.
            let least = first.last?.score ?? 0
            for hit in open where hit.score + plan.weakSum > best.threshold {
                if hit.score >= least, done.contains(hit.ordinal) { continue }
                best.offer(hit.ordinal, try vectors.score(of: hit.ordinal, query: query, grid: reader.grid))
                lookups += 1
            }
        }
        // A passage that no strong list holds scores at most the sum of the weak ones.
        return best.threshold > plan.weakSum ? best.hits : nil
    }

    /// The scores of passages.
    private mutating func complete(_ hits: [SearchHit], k: Int) throws -> TopK {
        var best = TopK(k)
        if plan.weak.isEmpty {
            for hit in hits { best.offer(hit.ordinal, hit.score) }
            return best
        }
        lookups += hits.count
        try withQuery { query in
            for hit in hits {
                best.offer(hit.ordinal, try vectors.score(of: hit.ordinal, query: query, grid: reader.grid))
            }
        }
        return best
    }

    /// Calls `body` with the query as an array over all columns.
    private func withQuery(_ body: (UnsafePointer<Float>) throws -> Void) rethrows {
        let query = scratch.denseQuery(width: vectors.width)
        for item in plan.weights { query[item.column] = item.weight }
        defer { for item in plan.weights { query[item.column] = 0 } }
        try body(query)
    }
}
