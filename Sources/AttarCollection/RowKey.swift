/// The primary key of a row of `documents` or `passages`: the segment in the upper bits, the ordinal within it below.
///
/// Rows of one segment are thus one range of keys: reading them in order is a range scan, and rows that a killed writer
/// left behind are removed by range.
struct RowKey: Equatable, Sendable {
    let segment: Int
    let ordinal: Int

    /// The ordinals that a segment can hold: what an index's `UInt32` can count.
    static let ordinals = 0..<(1 << 32)

    init(segment: Int, ordinal: Int) {
        precondition(Self.ordinals.contains(ordinal), "ordinal \(ordinal) in segment \(segment)")
        self.segment = segment
        self.ordinal = ordinal
    }

    init(_ value: Int64) {
        self.init(segment: Int(value >> 32), ordinal: Int(value & 0xFFFF_FFFF))
    }

    /// The key as SQLite stores it.
    var value: Int64 { Int64(segment) << 32 | Int64(ordinal) }

    /// The keys of some ordinals of a segment.
    static func range(ofSegment segment: Int, _ ordinals: Range<Int>) -> Range<Int64> {
        let start = Int64(segment) << 32
        return start + Int64(ordinals.lowerBound)..<start + Int64(ordinals.upperBound)
    }

    /// The keys that a segment can have.
    static func range(ofSegment segment: Int) -> Range<Int64> {
        Int64(segment) << 32..<Int64(segment + 1) << 32
    }
}
