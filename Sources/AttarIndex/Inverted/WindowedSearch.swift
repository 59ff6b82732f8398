import AttarStorage

/// The search itself: MaxScore (Turtle & Flood 1995) over windows of 4096 passages, with block maxima.
///
/// In each window the terms are ordered by the most that any of their postings there can add. The weakest terms whose
/// sum cannot lift a passage over the k-th best score are not essential: a passage that holds only those cannot enter.
/// The essential terms' postings are added up in a window that stays in the processor's first cache; only passages that
/// could still enter look the other terms up. Windows in which no term is essential are skipped unread.
struct WindowedSearch {
    static let windowSize = 4096

    private let reader: PostingsReader
    private let scratch: SearchScratch
    private let searcher: BM25Searcher
    private let allowed: OrdinalSet?
    private let cursors: UnsafeMutablePointer<PostingsCursor>
    private let cursorCount: Int
    private var best = TopK(0)
    /// Indices of `cursors` with postings in the window, by ascending bound; and the bounds' running sums.
    private var order: [(cursor: Int, bound: Float)] = []
    private var sums: [Float] = []

    static func makeScratch() -> SearchScratch { SearchScratch(windowSize: windowSize) }

    init(
        _ plan: QueryPlan, _ reader: PostingsReader, _ scratch: SearchScratch, searcher: BM25Searcher,
        allowed: OrdinalSet?
    ) {
        self.reader = reader
        self.scratch = scratch
        self.searcher = searcher
        self.allowed = allowed
        let held = plan.terms.filter { $0.record != nil }
        scratch.reserve(terms: held.count)
        cursors = scratch.cursors
        cursorCount = held.count
        for (place, term) in held.enumerated() {
            guard let record = term.record else { continue }
            (cursors + place).initialize(
                to: PostingsCursor(record: record, weight: term.weight, buffers: scratch.buffers(place)))
        }
        order.reserveCapacity(held.count)
        sums.reserveCapacity(held.count)
    }

    /// The k best.
    mutating func run(k: Int) throws -> [SearchHit] {
        for index in 0..<cursorCount { try cursors[index].validate(reader) }
        // Taken out of the class, where each use would be checked for exclusive access.
        swap(&best, &scratch.best)
        defer { swap(&best, &scratch.best) }
        best.reset(k)
        var start: UInt32 = 0
        while start < reader.passages {
            let end = min(reader.passages, start + UInt32(Self.windowSize))
            let next = orderTerms(from: start, below: end)
            if order.isEmpty {
                // No posting before `next`; it is `PostingsCursor.end`, beyond all passages, when none is left at all.
                start = max(end, min(next, reader.passages))
                continue
            }
            try search(from: start, below: end)
            start = end
        }
        return best.hits
    }

    /// Fills `order` and `sums` for a window.
    ///
    /// - Returns: the smallest ordinal that any term may hold from the window on.
    private mutating func orderTerms(from start: UInt32, below end: UInt32) -> UInt32 {
        order.removeAll(keepingCapacity: true)
        sums.removeAll(keepingCapacity: true)
        var nearest = PostingsCursor.end
        for index in 0..<cursorCount {
            let next = cursors[index].skip(to: start, reader)
            nearest = min(nearest, next)
            guard next < end else { continue }
            let bound = cursors[index].bound(below: end, reader) { largestScore($0, weight: $1) }
            var place = order.count
            order.append((index, bound))
            while place > 0, order[place - 1].bound > bound {
                order.swapAt(place, place - 1)
                place -= 1
            }
        }
        var sum: Float = 0
        for item in order {
            sum += item.bound
            sums.append(sum)
        }
        return nearest
    }

    /// The most that a posting under the bound can score; computed as scores are, so never below one.
    private func largestScore(_ bound: ImpactBound, weight: Float) -> Float {
        max(
            score(weight, bound.shortFrequency, bound.shortLength), score(weight, bound.longFrequency, bound.longLength)
        )
    }

    private func score(_ weight: Float, _ frequency: UInt16, _ length: UInt32) -> Float {
        if frequency == .max { return reader.grid.rounded(weight) }
        let inverse = BM25.inverseNorm(
            length: length, averageLength: searcher.statistics.averageLength, parameters: searcher.parameters)
        return reader.grid.rounded(
            BM25.contribution(weight: weight, frequency: Float(frequency), inverseNorm: inverse))
    }

    private mutating func search(from start: UInt32, below end: UInt32) throws {
        let threshold = best.threshold
        // Passages come by ascending ordinal, so one that only equals the k-th best cannot enter.
        let skipped = sums.firstIndex { $0 > threshold } ?? sums.count
        guard skipped < order.count else { return }
        for item in order[skipped...] {
            try cursors[item.cursor].accumulate(from: start, below: end, into: scratch.window, reader)
        }
        try collect(from: start, skipped: skipped)
    }

    /// Looks through the window for scores that can still enter, and clears it.
    private mutating func collect(from start: UInt32, skipped: Int) throws {
        let missing = skipped == 0 ? 0 : sums[skipped - 1]
        let window = scratch.window
        var limit = max(0, best.threshold - missing)
        try window.drain { group in
            let scores = window.sums.load(fromByteOffset: 4 * group, as: SIMD16<Float>.self)
            guard any(scores .> limit) else { return }
            for offset in group..<(group + ScoreWindow.groupSize) {
                let score = window.sums.load(fromByteOffset: 4 * offset, as: Float.self)
                guard score > limit else { continue }
                try consider(start + UInt32(truncatingIfNeeded: offset), score, skipped: skipped)
                limit = max(0, best.threshold - missing)
            }
        }
    }

    /// Adds the skipped terms, strongest first, as long as the passage can still enter.
    @inline(__always)
    private mutating func consider(_ ordinal: UInt32, _ partial: Float, skipped: Int) throws {
        if let allowed, !allowed.contains(ordinal) { return }
        var score = partial
        var index = skipped - 1
        while index >= 0 {
            guard score + sums[index] > best.threshold else { return }
            let cursor = order[index].cursor
            if try cursors[cursor].seek(ordinal, reader) == ordinal { score += cursors[cursor].score(reader) }
            index -= 1
        }
        best.offer(ordinal, score)
    }
}
