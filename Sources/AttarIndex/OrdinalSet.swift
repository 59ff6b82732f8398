/// A set of passage ordinals below a fixed bound, one bit each: what a filter lets through, what was deleted.
public struct OrdinalSet: Sendable, Equatable {
    /// The bound: members are below it.
    public let capacity: Int
    /// The bits, lowest ordinal first; bits at and above `capacity` are zero.
    public private(set) var words: [UInt64]

    /// The empty set, or the set of all ordinals below `capacity`.
    public init(capacity: Int, full: Bool = false) {
        precondition(capacity >= 0, "a set of \(capacity) ordinals")
        self.capacity = capacity
        words = [UInt64](repeating: full ? .max : 0, count: (capacity + 63) / 64)
        trim()
    }

    /// The set whose bits are given.
    ///
    /// - Precondition: there is a word for each 64 ordinals, rounded up.
    public init(capacity: Int, words: [UInt64]) {
        precondition(words.count == (capacity + 63) / 64, "\(words.count) words for \(capacity) ordinals")
        self.capacity = capacity
        self.words = words
        trim()
    }

    private mutating func trim() {
        if capacity % 64 != 0 { words[words.count - 1] &= (1 << UInt64(capacity % 64)) - 1 }
    }

    /// Adds an ordinal.
    ///
    /// - Precondition: it is below `capacity`.
    public mutating func insert(_ ordinal: UInt32) {
        precondition(Int(ordinal) < capacity, "ordinal \(ordinal) in a set of \(capacity)")
        words[Int(ordinal) >> 6] |= 1 << UInt64(ordinal & 63)
    }

    /// Removes an ordinal, whether it was a member or not.
    public mutating func remove(_ ordinal: UInt32) {
        guard Int(ordinal) < capacity else { return }
        words[Int(ordinal) >> 6] &= ~(1 << UInt64(ordinal & 63))
    }

    /// Whether the ordinal is a member; anything at or above `capacity` is not.
    @inline(__always)
    public func contains(_ ordinal: UInt32) -> Bool {
        Int(ordinal) < capacity && words[Int(ordinal) >> 6] >> UInt64(ordinal & 63) & 1 == 1
    }

    /// The number of members.
    ///
    /// - Complexity: O(capacity / 64).
    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The number of members below a bound.
    ///
    /// - Complexity: O(bound / 64).
    public func count(below bound: Int) -> Int {
        let bound = min(max(0, bound), capacity)
        let whole = words[..<(bound >> 6)].reduce(0) { $0 + $1.nonzeroBitCount }
        guard bound & 63 != 0 else { return whole }
        return whole + (words[bound >> 6] & (1 << UInt64(bound & 63) - 1)).nonzeroBitCount
    }

    /// The ordinals below `capacity` that are no members.
    public var complement: OrdinalSet { OrdinalSet(capacity: capacity, words: words.map { ~$0 }) }

    /// Keeps the members that `other` has too.
    ///
    /// - Precondition: both have the same capacity.
    public mutating func formIntersection(_ other: OrdinalSet) {
        precondition(capacity == other.capacity, "sets of \(capacity) and \(other.capacity) ordinals")
        for index in words.indices { words[index] &= other.words[index] }
    }

    /// Adds the members of `other`.
    ///
    /// - Precondition: both have the same capacity.
    public mutating func formUnion(_ other: OrdinalSet) {
        precondition(capacity == other.capacity, "sets of \(capacity) and \(other.capacity) ordinals")
        for index in words.indices { words[index] |= other.words[index] }
    }

    /// Calls `body` with each member, ascending.
    public func forEach(_ body: (UInt32) throws -> Void) rethrows {
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                try body(UInt32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
    }
}
