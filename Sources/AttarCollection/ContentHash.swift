import AttarStorage

/// A hash of a set of documents that does not depend on their order, and to which documents can be added and from which
/// they can be taken: the sum of the documents' SHA-256 digests modulo 2^256.
///
/// It tells corpora apart in reports and finds damage; it is no defence against somebody who constructs collisions.
public struct ContentHash: Codable, Sendable, Equatable, CustomStringConvertible {
    /// Four words, the lowest first.
    private var words: [UInt64] = [0, 0, 0, 0]

    /// The hash of no documents.
    public init() {}

    /// Reads the hexadecimal form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let digits = Array(try container.decode(String.self).utf8)
        guard digits.count == 64 else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a hash has 64 hexadecimal digits")
        }
        for index in 0..<4 {
            let part = String(decoding: digits[(index * 16)..<(index * 16 + 16)], as: UTF8.self)
            guard let word = UInt64(part, radix: 16) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(part) is not hexadecimal")
            }
            words[3 - index] = word
        }
    }

    /// Writes the hexadecimal form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }

    /// 64 lower-case hexadecimal digits, the highest first.
    public var hex: String {
        words.reversed().map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The hexadecimal form.
    public var description: String { hex }

    /// Adds the documents that another hash stands for.
    public mutating func add(_ other: ContentHash) {
        var carry: UInt64 = 0
        for index in 0..<4 {
            let (partial, first) = words[index].addingReportingOverflow(other.words[index])
            let (sum, second) = partial.addingReportingOverflow(carry)
            words[index] = sum
            carry = first || second ? 1 : 0
        }
    }

    /// Takes the documents away that another hash stands for.
    public mutating func subtract(_ other: ContentHash) {
        var borrow: UInt64 = 0
        for index in 0..<4 {
            let (partial, first) = words[index].subtractingReportingOverflow(other.words[index])
            let (rest, second) = partial.subtractingReportingOverflow(borrow)
            words[index] = rest
            borrow = first || second ? 1 : 0
        }
    }

    /// Adds one document, given as its fields; each field goes in with its length, so that fields cannot flow together.
    mutating func add(fields: [String]) {
        let hasher = SHA256Hasher()
        for field in fields {
            withUnsafeBytes(of: UInt64(field.utf8.count).littleEndian) { hasher.update($0) }
            var field = field
            field.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
        }
        add(ContentHash(digest: hasher.finish().bytes))
    }

    private init(digest: [UInt8]) {
        for index in 0..<4 {
            let bytes = digest[(24 - index * 8)..<(32 - index * 8)]
            words[index] = bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}
