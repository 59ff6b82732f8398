/// The places that a walk has met: one bit each, so that those of a million vectors stay in the second cache.
///
/// What was set is remembered, so that clearing costs what the walk did and not what the graph holds.
struct VisitedSet {
    private var words: UnsafeMutablePointer<UInt64>
    private var wordCount: Int
    /// Places that were set, as long as they are fewer than words.
    private var set: UnsafeMutablePointer<UInt32>
    private(set) var count = 0

    init() {
        wordCount = 0
        words = .allocate(capacity: 1)
        set = .allocate(capacity: 1)
    }

    func deallocate() {
        words.deallocate()
        set.deallocate()
    }

    /// Makes room for places below `capacity`, and forgets all.
    mutating func reset(_ capacity: Int) {
        let needed = (capacity + 63) / 64
        guard needed > wordCount else { return clear() }
        deallocate()
        wordCount = max(needed, 2 * wordCount)
        words = .allocate(capacity: wordCount)
        words.initialize(repeating: 0, count: wordCount)
        set = .allocate(capacity: wordCount)
        count = 0
    }

    private mutating func clear() {
        if count <= wordCount {
            for index in 0..<count { words[Int(set[index] >> 6)] = 0 }
        } else {
            words.update(repeating: 0, count: wordCount)
        }
        count = 0
    }

    /// Adds a place.
    ///
    /// - Precondition: it is below the capacity of the last `reset`.
    /// - Returns: whether it was new.
    @inline(__always)
    mutating func insert(_ place: UInt32) -> Bool {
        let word = words[Int(place >> 6)]
        let bit = UInt64(1) << UInt64(place & 63)
        guard word & bit == 0 else { return false }
        words[Int(place >> 6)] = word | bit
        if count < wordCount { set[count] = place }
        count += 1
        return true
    }
}
