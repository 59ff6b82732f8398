/// The memory of one search, used again by the next one.
final class SearchScratch {
    /// The sums of the window under way.
    let window: ScoreWindow
    var best = TopK(0)
    private var memory: UnsafeMutableRawPointer
    private(set) var cursors: UnsafeMutablePointer<PostingsCursor>
    private var capacity = 8
    private static let bytesPerTerm = PostingBlock.size * 8

    init(windowSize: Int) {
        window = ScoreWindow(size: windowSize)
        memory = .allocate(byteCount: capacity * Self.bytesPerTerm, alignment: 64)
        cursors = .allocate(capacity: capacity)
    }

    deinit {
        window.deallocate()
        memory.deallocate()
        cursors.deallocate()
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

/// Room for one unpacked block: 128 ordinals and 128 frequencies or scores.
struct PostingBuffers {
    let ordinals: UnsafeMutablePointer<UInt32>
    let scores: UnsafeMutablePointer<Float>
}

/// Sums of scores for neighbouring passages, and which groups of 16 of them were touched, so that a window in which few
/// passages hold a term is not read as a whole. All zero between searches.
struct ScoreWindow {
    static let groupSize = 16
    let sums: UnsafeMutableRawPointer
    let marks: UnsafeMutableRawPointer
    /// Marks, rounded up to whole words of eight.
    let markCount: Int

    init(size: Int) {
        let groups = (size + Self.groupSize - 1) / Self.groupSize
        markCount = (groups + 7) / 8 * 8
        sums = .allocate(byteCount: markCount * Self.groupSize * 4, alignment: 64)
        marks = .allocate(byteCount: markCount, alignment: 64)
        sums.initializeMemory(as: UInt8.self, repeating: 0, count: markCount * Self.groupSize * 4)
        marks.initializeMemory(as: UInt8.self, repeating: 0, count: markCount)
    }

    func deallocate() {
        sums.deallocate()
        marks.deallocate()
    }

    /// Adds to the sum of the passage at an offset.
    @inline(__always)
    func add(_ offset: Int, _ score: Float) {
        marks.storeBytes(of: 1, toByteOffset: offset >> 4, as: UInt8.self)
        let sum = sums.load(fromByteOffset: offset << 2, as: Float.self)
        sums.storeBytes(of: sum + score, toByteOffset: offset << 2, as: Float.self)
    }

    /// Calls `body` with the first offset of each touched group, ascending, and clears the marks; the sums of the group
    /// are cleared after the call.
    @inline(__always)
    func drain(_ body: (Int) throws -> Void) rethrows {
        for word in stride(from: 0, to: markCount, by: 8) {
            var bits = marks.load(fromByteOffset: word, as: UInt64.self)
            if bits == 0 { continue }
            marks.storeBytes(of: 0, toByteOffset: word, as: UInt64.self)
            while bits != 0 {
                let group = word + bits.trailingZeroBitCount / 8
                bits &= bits &- 1
                try body(group * Self.groupSize)
                sums.storeBytes(
                    of: SIMD16<Float>(repeating: 0), toByteOffset: group * Self.groupSize * 4, as: SIMD16<Float>.self)
            }
        }
    }
}
