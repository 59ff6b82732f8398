import AttarText

/// A plain value of metadata as bytes whose order is that of the values: truth values, then numbers, then texts.
struct MetadataKey: Hashable, Comparable, Sendable {
    /// What a value is; the first byte.
    enum Kind: UInt8 {
        case bool = 1
        case number = 2
        case string = 3
        /// A text too long for an index, which knows only that there is one.
        case longString = 4
    }

    /// Texts of more bytes are not in an index: what is so long is no value to filter by, and would fill memory.
    static let longestString = 512

    let bytes: [UInt8]

    var kind: UInt8 { bytes.first ?? 0 }

    init(_ value: MetadataFilter.Value) {
        switch value {
        case .bool(let flag): bytes = [Kind.bool.rawValue, flag ? 1 : 0]
        case .number(let number): bytes = [Kind.number.rawValue] + Self.ordered(number)
        case .string(let text): bytes = [Kind.string.rawValue] + Array(text.utf8)
        }
    }

    /// Nil for a list, whose elements have keys.
    init?(_ value: MetadataValue) {
        switch value {
        case .bool(let flag): self.init(MetadataFilter.Value.bool(flag))
        case .number(let number): self.init(MetadataFilter.Value.number(number))
        case .string(let text): self.init(MetadataFilter.Value.string(text))
        case .list: return nil
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The key as an index holds it.
    var indexed: MetadataKey {
        bytes.count > 1 + Self.longestString && kind == Kind.string.rawValue ? Self.first(of: .longString) : self
    }

    /// The smallest key of a kind.
    static func first(of kind: Kind) -> MetadataKey { MetadataKey(bytes: [kind.rawValue]) }

    /// A key above all of the kind of this one, and below all of the next.
    var endOfKind: MetadataKey { MetadataKey(bytes: [kind + 1]) }

    /// The smallest key of this one's kind.
    var startOfKind: MetadataKey { MetadataKey(bytes: [kind]) }

    static func < (one: Self, other: Self) -> Bool { one.bytes.lexicographicallyPrecedes(other.bytes) }

    /// Eight bytes, the highest first, that order as the numbers do.
    private static func ordered(_ number: Double) -> [UInt8] {
        // −0 equals 0.
        let bits = (number + 0).bitPattern
        let monotone = bits >> 63 == 0 ? bits | 1 << 63 : ~bits
        return (0..<8).map { UInt8(truncatingIfNeeded: monotone >> (56 - 8 * UInt64($0))) }
    }
}
