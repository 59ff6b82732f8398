/// One passage that a search found.
public struct SearchHit: Sendable, Hashable, Codable {
    /// The passage's number in the index, from 0.
    public let ordinal: UInt32
    /// Its score; larger is better.
    public let score: Float

    /// A hit.
    public init(ordinal: UInt32, score: Float) {
        self.ordinal = ordinal
        self.score = score
    }
}

/// The best k of a stream of scored passages: score descending, then ordinal ascending. NaN is never among them.
///
/// A binary heap whose smallest key is on top; a key holds the score's bits, made monotone, above the ordinal's
/// complement, so that one comparison of integers decides.
public struct TopK: Sendable {
    private var heap: [UInt64] = []
    private var capacity = 0

    /// What a score must exceed to enter: the k-th best so far, or minus infinity while there are fewer than k.
    ///
    /// An equal score enters only by a smaller ordinal, so passages offered by ascending ordinal may be dropped when
    /// their score is not above it.
    public private(set) var threshold: Float = -.infinity

    /// Keeps the best `k`.
    public init(_ k: Int) { reset(k) }

    /// How many were kept so far, at most k.
    public var count: Int { heap.count }

    /// Forgets everything and keeps the best `k` from now on; the memory is used again.
    public mutating func reset(_ k: Int) {
        heap.removeAll(keepingCapacity: true)
        capacity = max(0, k)
        threshold = capacity == 0 ? .infinity : -.infinity
    }

    /// Offers a passage.
    ///
    /// - Complexity: O(log k) when it enters, O(1) otherwise.
    @inline(__always)
    public mutating func offer(_ ordinal: UInt32, _ score: Float) {
        guard score >= threshold else { return }
        insert(Self.key(ordinal, score))
    }

    private mutating func insert(_ key: UInt64) {
        if heap.count < capacity {
            heap.append(key)
            siftUp()
        } else {
            guard let smallest = heap.first, key > smallest else { return }
            siftDown(key)
        }
        if heap.count == capacity { threshold = Self.hit(heap[0]).score }
    }

    /// Moves the last key up to its place.
    private mutating func siftUp() {
        heap.withUnsafeMutableBufferPointer { heap in
            var child = heap.count - 1
            let key = heap[child]
            while child > 0, key < heap[(child - 1) / 2] {
                heap[child] = heap[(child - 1) / 2]
                child = (child - 1) / 2
            }
            heap[child] = key
        }
    }

    /// Replaces the smallest key by a larger one.
    private mutating func siftDown(_ key: UInt64) {
        heap.withUnsafeMutableBufferPointer { heap in
            var parent = 0
            while true {
                var child = 2 * parent + 1
                guard child < heap.count else { break }
                // Which child is smaller is a coin's toss: added, not branched on.
                if child + 1 < heap.count { child += heap[child + 1] < heap[child] ? 1 : 0 }
                guard heap[child] < key else { break }
                heap[parent] = heap[child]
                parent = child
            }
            heap[parent] = key
        }
    }

    /// Adds what another one kept.
    public mutating func merge(_ other: TopK) {
        for key in other.heap {
            let hit = Self.hit(key)
            offer(hit.ordinal, hit.score)
        }
    }

    /// What was kept: score descending, then ordinal ascending.
    public var hits: [SearchHit] { heap.sorted().reversed().map(Self.hit) }

    /// The same in no particular order, without the sorting.
    public var unorderedHits: [SearchHit] { heap.map(Self.hit) }

    private static func key(_ ordinal: UInt32, _ score: Float) -> UInt64 {
        // −0 must tie with 0.
        let bits = (score + 0).bitPattern
        let monotone = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
        return UInt64(monotone) << 32 | UInt64(~ordinal)
    }

    private static func hit(_ key: UInt64) -> SearchHit {
        let monotone = UInt32(key >> 32)
        let bits = monotone >> 31 == 1 ? monotone & 0x7FFF_FFFF : ~monotone
        return SearchHit(ordinal: ~UInt32(truncatingIfNeeded: key), score: Float(bitPattern: bits))
    }
}
