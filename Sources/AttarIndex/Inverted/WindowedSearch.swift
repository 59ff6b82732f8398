import AttarStorage

/// The search itself: MaxScore (Turtle & Flood 1995) over windows of passages, with block maxima.
///
/// In each window the terms are ordered by the most that any of their postings there can add. The weakest terms whose
/// sum cannot lift a passage over the k-th best score are not essential: a passage that holds only those cannot enter.
/// The essential terms' postings are added up in a window that stays in the processor's caches; only passages that
/// could still enter look the other terms up. Windows in which no term is essential are skipped unread.
struct WindowedSearch {
    private let reader: PostingsReader
    private let scratch: SearchScratch
    private let allowed: OrdinalSet?
    private let cursors: UnsafeMutablePointer<PostingsCursor>
    private let cursorCount: Int
    /// Cursors behind those of the terms: of what no passage may hold.
    private let excluded: Range<Int>
    private let windowSize: Int
    private var best = TopK(0)
    private var lookups = 0
    /// What the k-th best score will reach at least, less a step of the grid so that equal scores still enter.
    private var floor = -Float.infinity
    /// What at least `ImpactFloor.passages` postings of some term score.
    private var largestFloor: Float = 0
    /// What is added to ordinals of passages that are found.
    private let base: UInt32
    /// Indices of `cursors` with postings in the window, by ascending bound; and the bounds' running sums.
    private var order: [(cursor: Int, bound: Float)] = []
    private var sums: [Float] = []

    /// - Parameters:
    ///   - excluding: terms that no passage may hold.
    ///   - allowed: which passages may be found; nil for all.
    ///   - base: what is added to ordinals, for one of several indexes of a corpus.
    init(
        _ terms: [PlannedTerm], excluding others: [PlannedTerm] = [], _ reader: PostingsReader,
        _ scratch: SearchScratch, allowed: OrdinalSet?, base: UInt32 = 0
    ) {
        self.reader = reader
        self.scratch = scratch
        self.allowed = allowed
        self.base = base
        scratch.reserve(terms: terms.count + others.count)
        cursors = scratch.cursors
        cursorCount = terms.count
        excluded = terms.count..<(terms.count + others.count)
        var (postings, place) = (0, 0)
        for term in terms {
            (cursors + place).initialize(to: PostingsCursor(term, buffers: scratch.buffers(place)))
            postings += Int(term.record.documentFrequency)
            place += 1
            if term.floor > 0 { largestFloor = max(largestFloor, reader.score(weight: term.weight, strength: term.floor)) }
        }
        for term in others {
            (cursors + place).initialize(to: PostingsCursor(term, buffers: scratch.buffers(place)))
            place += 1
        }
        windowSize = SearchScratch.windowSize(
            postings: postings, passages: Int(reader.passages), aim: Self.postingsPerWindow)
    }

    /// Larger windows have looser bounds.
    private static let postingsPerWindow = 512

    /// The k best.
    ///
    /// - Parameter floor: see `TopK.reset(_:above:)`.
    mutating func run(k: Int, above floor: Float = -.infinity) throws -> [SearchHit] {
        scratch.best.reset(k, above: floor)
        if k <= ImpactFloor.passages, allowed == nil, excluded.isEmpty, largestFloor > 0 {
            self.floor = largestFloor - reader.grid.step
        }
        try offerAll()
        return scratch.best.hits
    }

    /// Offers what can enter to the best passages in `scratch`.
    mutating func offerAll() throws {
        for index in 0..<excluded.upperBound { try cursors[index].validate(reader) }
        // Taken out of the class, where each use would be checked for exclusive access.
        takeOver()
        defer { takeOver() }
        var start: UInt32 = 0
        // Without a score to exceed, the first windows are small, so that there soon is one.
        var size = threshold > -.infinity ? windowSize : ScoreWindow.partSize
        while start < reader.passages {
            let end = UInt32(min(Int(reader.passages), Int(start) + size))
            size = min(2 * size, windowSize)
            let next = orderTerms(from: start, below: end)
            if order.isEmpty {
                // No posting before `next`; it is `PostingsCursor.end`, beyond all passages, when none is left at all.
                start = max(end, min(next, reader.passages))
                continue
            }
            try search(from: start, below: end)
            start = end
        }
    }

    /// How many postings were scored or looked for.
    var scanned: Int { (0..<cursorCount).reduce(lookups) { $0 + cursors[$1].added } }

    /// What a passage must exceed to enter, as far as is known.
    private var threshold: Float {
        @inline(__always) get { max(best.threshold, floor) }
    }

    private mutating func takeOver() {
        swap(&best, &scratch.best)
        swap(&order, &scratch.order)
        swap(&sums, &scratch.sums)
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
            let bound = cursors[index].bound(below: end, reader)
            var place = order.count
            order.append((index, bound))
            while place > 0, order[place - 1].bound > bound {
                order[place] = order[place - 1]
                place -= 1
            }
            order[place] = (index, bound)
        }
        var sum: Float = 0
        for item in order {
            sum += item.bound
            sums.append(sum)
        }
        return nearest
    }

    private mutating func search(from start: UInt32, below end: UInt32) throws {
        let threshold = threshold
        // Passages come by ascending ordinal, so one that only equals the k-th best cannot enter.
        let skipped = sums.firstIndex { $0 > threshold } ?? sums.count
        guard skipped < order.count else { return }
        for item in order[skipped...] {
            try cursors[item.cursor].accumulate(from: start, below: end, into: scratch.window, reader)
        }
        let rest = try accumulateDense(from: start, below: end, skipped: skipped)
        try collect(from: start, below: end, skipped: rest)
    }

    /// Adds up further terms, the strongest first, whose postings are cheaper to add up one and all than to be looked
    /// up for each passage that could still enter.
    ///
    /// - Returns: how many terms are left.
    private mutating func accumulateDense(from start: UInt32, below end: UInt32, skipped: Int) throws -> Int {
        guard skipped > 0 else { return 0 }
        let size = Int(end - start)
        let candidates = scratch.window.count(above: max(0, threshold - sums[skipped - 1]), below: size)
        var skipped = skipped
        while skipped > 0 {
            let cursor = order[skipped - 1].cursor
            let postings = Int(cursors[cursor].record.documentFrequency) * size / Int(reader.passages)
            guard postings <= candidates * Self.additionsPerLookup else { break }
            try cursors[cursor].accumulate(from: start, below: end, into: scratch.window, reader)
            skipped -= 1
        }
        return skipped
    }

    /// How many postings are added up in the time of looking one up.
    private static let additionsPerLookup = 12

    /// Looks through the window for scores that can still enter, a part at a time so that what was found in one part
    /// raises what the next one must exceed, and clears it.
    private mutating func collect(from start: UInt32, below end: UInt32, skipped: Int) throws {
        let missing = skipped == 0 ? 0 : sums[skipped - 1]
        let window = scratch.window
        for part in stride(from: 0, to: Int(end - start), by: ScoreWindow.partSize) {
            let found = window.take(part: part, above: max(0, threshold - missing))
            for index in 0..<found {
                let score = window.scores[index]
                guard score + missing > threshold else { continue }
                let ordinal = start + UInt32(truncatingIfNeeded: part) + window.offsets[index]
                if let allowed, !allowed.contains(ordinal) { continue }
                if skipped == 0 { try offer(ordinal, score) } else { try complete(ordinal, score, skipped: skipped) }
            }
        }
    }

    /// Adds the skipped terms, strongest first, as long as the passage can still enter.
    @inline(__always)
    private mutating func complete(_ ordinal: UInt32, _ partial: Float, skipped: Int) throws {
        var score = partial
        for index in stride(from: skipped - 1, through: 0, by: -1) {
            let threshold = threshold
            guard score + sums[index] > threshold else { return }
            let cursor = order[index].cursor
            if let bound = cursors[cursor].boundUnlessLoaded(at: ordinal, reader) {
                // The bound of one block is tighter than that of the window, and saves most blocks from being unpacked.
                guard score + bound + (index == 0 ? 0 : sums[index - 1]) > threshold else { return }
            }
            lookups += 1
            if try cursors[cursor].seek(ordinal, reader) == ordinal { score += cursors[cursor].score(reader) }
        }
        try offer(ordinal, score)
    }

    @inline(__always)
    private mutating func offer(_ ordinal: UInt32, _ score: Float) throws {
        for index in excluded where try score >= threshold && cursors[index].seek(ordinal, reader) == ordinal { return }
        best.offer(ordinal + base, score)
    }
}
