/// The best places met by a walk, best first, and which of them it has gone on from.
///
/// A sorted array of one word a place: for some hundred places, moving half of it on an insertion takes less time than
/// what a heap's branches cost, and nothing has to be sorted at the end. A word holds the score's bits, made monotone,
/// above the place's complement, above a bit that tells whether the walk was there.
struct CandidatePool {
    private var words: UnsafeMutablePointer<UInt64>
    private var room: Int
    /// How many are kept at most.
    private(set) var capacity = 0
    private(set) var count = 0
    /// No place before this one is still to be visited.
    private var next = 0

    init() {
        room = 256
        words = .allocate(capacity: room)
    }

    func deallocate() { words.deallocate() }

    /// Forgets everything and keeps the best `capacity` from now on.
    mutating func reset(_ capacity: Int) {
        if capacity > room {
            words.deallocate()
            room = max(capacity, 2 * room)
            words = .allocate(capacity: room)
        }
        self.capacity = capacity
        count = 0
        next = 0
    }

    /// Keeps the place if it is among the best; NaN never is. A place must not be offered twice.
    ///
    /// - Returns: whether it was kept.
    @inline(__always)
    @discardableResult
    mutating func offer(_ place: UInt32, _ score: Float) -> Bool {
        guard score == score else { return false }
        let word = Self.word(place, score)
        if count == capacity {
            guard capacity > 0, word > words[count - 1] else { return false }
            count -= 1
        }
        insert(word)
        return true
    }

    private mutating func insert(_ word: UInt64) {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if words[middle] > word { low = middle + 1 } else { high = middle }
        }
        (words + low + 1).update(from: words + low, count: count - low)
        words[low] = word
        count += 1
        next = min(next, low)
    }

    /// The best place that the walk has not gone on from, which it does now.
    @inline(__always)
    mutating func popNext() -> UInt32? {
        while next < count {
            let word = words[next]
            next += 1
            if word & 1 == 0 {
                words[next - 1] = word | 1
                return Self.place(word)
            }
        }
        return nil
    }

    /// Keeps the first `most` places that the set holds.
    mutating func keep(_ most: Int, in allowed: OrdinalSet?) {
        var kept = 0
        for rank in 0..<count where kept < most && (allowed?.contains(self[rank]) ?? true) {
            words[kept] = words[rank]
            kept += 1
        }
        count = kept
        next = kept
    }

    /// The place at a rank, 0 for the best.
    subscript(rank: Int) -> UInt32 {
        precondition(rank < count, "rank \(rank) of \(count)")
        return Self.place(words[rank])
    }

    /// The score at a rank.
    func score(_ rank: Int) -> Float {
        precondition(rank < count, "rank \(rank) of \(count)")
        let monotone = UInt32(words[rank] >> 32)
        return Float(bitPattern: monotone >> 31 == 1 ? monotone & 0x7FFF_FFFF : ~monotone)
    }

    private static func word(_ place: UInt32, _ score: Float) -> UInt64 {
        // −0 must tie with 0.
        let bits = (score + 0).bitPattern
        let monotone = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
        return UInt64(monotone) << 32 | UInt64(~place << 1)
    }

    private static func place(_ word: UInt64) -> UInt32 { ~UInt32(truncatingIfNeeded: word) >> 1 }
}
