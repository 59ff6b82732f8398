/// The merges of a byte-pair model: from two ids to the rank of their merge and the id of what they become, in one
/// open-addressed table.
struct MergeTable: Sendable {
    /// What becomes of a pair.
    struct Merge: Sendable, Equatable {
        /// The place in the list of merges; smaller ones come first.
        var rank: UInt32
        /// The id of the two joined.
        var id: Int32
    }

    /// No merge.
    static let none = Merge(rank: .max, id: -1)

    private var keys: [UInt64]
    private var merges: [Merge]
    private let shift: UInt64
    private static let free = UInt64.max

    /// An empty table for up to `count` merges.
    init(count: Int) {
        var bits: UInt64 = 4
        while 1 << bits < count * 2 { bits += 1 }
        shift = 64 - bits
        keys = Array(repeating: Self.free, count: 1 << bits)
        merges = Array(repeating: Self.none, count: 1 << bits)
    }

    @inline(__always)
    private func place(of key: UInt64) -> Int {
        let mask = keys.count &- 1
        var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while keys[index] != key && keys[index] != Self.free { index = (index &+ 1) & mask }
        return index
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// What becomes of two ids.
    subscript(_ left: Int32, _ right: Int32) -> Merge {
        @inline(__always) get { merges[place(of: Self.key(left, right))] }
    }

    /// Adds a merge; returns false, and changes nothing, when the pair has one already.
    mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) -> Bool {
        let key = Self.key(left, right)
        let index = place(of: key)
        guard keys[index] == Self.free else { return false }
        keys[index] = key
        merges[index] = merge
        return true
    }

    /// Appends all merges in the order of their ranks, for fingerprints.
    func appendBytes(to output: inout [UInt8]) {
        let found = keys.indices.filter { keys[$0] != Self.free }.sorted { merges[$0].rank < merges[$1].rank }
        for index in found {
            withUnsafeBytes(of: keys[index].littleEndian) { output.append(contentsOf: $0) }
            withUnsafeBytes(of: merges[index].id.littleEndian) { output.append(contentsOf: $0) }
        }
    }
}
