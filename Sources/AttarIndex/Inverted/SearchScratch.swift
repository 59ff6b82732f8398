import CAttarKernels

/// The memory of one search, used again by the next one.
final class SearchScratch {
    /// The most passages of a window.
    static let windowSize = 1 << 16

    /// The sums of the window under way.
    let window: ScoreWindow
    var best = TopK(0)
    /// Places of cursors with postings in the window, and what they can score there: see `WindowedSearch`.
    var order: [(cursor: Int, bound: Float)] = []
    var sums: [Float] = []
    /// Passages that may enter: see `LayeredSearch`.
    var open: [SearchHit] = []
    private var query: UnsafeMutableBufferPointer<Float>?
    private var memory: UnsafeMutableRawPointer
    private(set) var cursors: UnsafeMutablePointer<PostingsCursor>
    private var capacity = 8
    private static let bytesPerTerm = PostingBlock.size * 8

    init() {
        window = ScoreWindow(size: Self.windowSize)
        memory = .allocate(byteCount: capacity * Self.bytesPerTerm, alignment: 64)
        cursors = .allocate(capacity: capacity)
    }

    deinit {
        window.deallocate()
        memory.deallocate()
        cursors.deallocate()
        query?.deallocate()
    }

    /// Zeros, one more than columns, which must be zeros again after use.
    func denseQuery(width: Int) -> UnsafeMutablePointer<Float> {
        if let query, query.count == width + 1, let start = query.baseAddress { return start }
        query?.deallocate()
        let start = UnsafeMutablePointer<Float>.allocate(capacity: width + 1)
        start.initialize(repeating: 0, count: width + 1)
        query = UnsafeMutableBufferPointer(start: start, count: width + 1)
        return start
    }

    /// The passages of a window in which the postings of a search are about `aim`, as every window costs each term a
    /// little; small windows are at least one part, and stay in the processor's first cache.
    static func windowSize(postings: Int, passages: Int, aim: Int) -> Int {
        var size = ScoreWindow.partSize
        while size < windowSize, postings * size < passages * aim { size *= 2 }
        return size
    }

    /// Makes room for so many cursors.
    func reserve(terms: Int) {
        guard terms > capacity else { return }
        memory.deallocate()
        cursors.deallocate()
        capacity = max(terms, capacity * 2)
        memory = .allocate(byteCount: capacity * Self.bytesPerTerm, alignment: 64)
        cursors = .allocate(capacity: capacity)
    }

    /// The buffers of one cursor.
    func buffers(_ index: Int) -> PostingBuffers {
        precondition(index < capacity, "cursor \(index) of \(capacity)")
        let start = memory + index * Self.bytesPerTerm
        return PostingBuffers(
            ordinals: start.assumingMemoryBound(to: UInt32.self),
            scores: (start + PostingBlock.size * 4).assumingMemoryBound(to: Float.self))
    }
}

/// Room for one unpacked block: 128 ordinals and 128 numbers or scores.
struct PostingBuffers {
    let ordinals: UnsafeMutablePointer<UInt32>
    let scores: UnsafeMutablePointer<Float>
}

/// Sums of scores for neighbouring passages, and which groups of 16 of them were touched, so that a window in which few
/// passages hold a term is not read as a whole. All zero between searches.
struct ScoreWindow {
    static let groupSize = Int(ATTAR_WINDOW_GROUP)
    static let partSize = 4096
    private let sums: UnsafeMutablePointer<Float>
    private let marks: UnsafeMutablePointer<UInt8>
    /// What `take` found: places in the part, and sums.
    let offsets: UnsafeMutablePointer<UInt32>
    let scores: UnsafeMutablePointer<Float>

    /// - Parameter size: the most passages of a window, a multiple of `partSize`.
    init(size: Int) {
        sums = .allocate(capacity: size)
        marks = .allocate(capacity: size / Self.groupSize)
        offsets = .allocate(capacity: Self.partSize)
        scores = .allocate(capacity: Self.partSize)
        sums.initialize(repeating: 0, count: size)
        marks.initialize(repeating: 0, count: size / Self.groupSize)
    }

    func deallocate() {
        sums.deallocate()
        marks.deallocate()
        offsets.deallocate()
        scores.deallocate()
    }

    /// Adds to the sums of passages; `start` is the window's first.
    @inline(__always)
    func add(_ ordinals: UnsafePointer<UInt32>, _ scores: UnsafePointer<Float>, count: Int, start: UInt32) {
        attar_window_add(ordinals, scores, count, start, sums, marks)
    }

    /// Finds the sums above `limit` in the part of `partSize` passages that begins at a place, ascending by place in
    /// the part, and clears the part.
    ///
    /// - Returns: how many there are, in `offsets` and `scores`.
    func take(part: Int, above limit: Float) -> Int {
        attar_window_take(
            sums + part, marks + part / Self.groupSize, Self.partSize / Self.groupSize, limit, offsets, scores)
    }

    /// How many sums are above `limit` among the first `end` passages.
    func count(above limit: Float, below end: Int) -> Int {
        attar_window_count(sums, marks, (end + 8 * Self.groupSize - 1) / (8 * Self.groupSize) * 8, limit)
    }
}
