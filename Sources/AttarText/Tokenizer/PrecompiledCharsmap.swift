import Foundation

/// SentencePiece's compiled normalization rules (`precompiled_charsmap`), applied as Hugging Face `tokenizers` do: to
/// each grapheme cluster of fewer than six bytes as a whole, else to each of its scalars; the shortest rule that begins
/// there replaces all of it.
///
/// The bytes are: the length of a trie in bytes (little-endian, 32 bits); the trie as a double array (see
/// github.com/s-yata/darts-clone); then the replacements, each ended by a zero byte. A trie's value is the place of a
/// replacement.
struct PrecompiledCharsmap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// The bytes of the longest replacement.
    let longestReplacement: Int
    /// What becomes of each ASCII byte that stands alone.
    private let ascii: [Range<Int>?]

    /// Reads the rules from the base64 text of a file.
    ///
    /// - Throws: `TextError` when it is no base64, too short, or holds replacements that are no UTF-8.
    init(_ node: TokenizerNode) throws {
        guard let text = node.value.string else { throw node.mismatch("a string") }
        guard let data = Data(base64Encoded: text) else { throw node.error(.malformed, "is no base64.") }
        let bytes = [UInt8](data)
        guard bytes.count >= 4 else { throw node.error(.malformed, "holds \(bytes.count) bytes; 4 are the least.") }
        let length = Int(Self.word(in: bytes, at: 0)) & ~3
        guard length > 0, length <= bytes.count - 4 else {
            throw node.error(.malformed, "says its trie has \(length) bytes; \(bytes.count - 4) follow.")
        }
        let units = stride(from: 4, to: 4 + length, by: 4).map { Self.word(in: bytes, at: $0) }
        let replacements = Array(bytes[(4 + length)...])
        guard String(validating: replacements, as: UTF8.self) != nil else {
            throw node.error(.malformed, "holds replacements that are no UTF-8.")
        }
        self.units = units
        self.replacements = replacements
        longestReplacement = replacements.split(separator: 0).lazy.map(\.count).max() ?? 0
        ascii = (0..<0x80).map { (byte: UInt8) in
            Self.replacement(of: [byte], 0..<1, units: units, replacements: replacements)
        }
    }

    private static func word(in bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    /// The normalized UTF-8 of `bytes[range]`, which must be valid UTF-8.
    ///
    /// - Complexity: O(`range.count`).
    func normalize(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(range.count + 8)
        var position = range.lowerBound
        while position < range.upperBound {
            let end = segmentEnd(bytes, position..<range.upperBound)
            if end == position + 1 {
                if let found = ascii[Int(bytes[position] & 0x7F)] {
                    output.append(contentsOf: replacements[found])
                } else {
                    output.append(bytes[position])
                }
            } else {
                appendClusters(of: bytes, position..<end, to: &output)
            }
            position = end
        }
        return output
    }

    /// The end of what must be segmented together: between two ASCII characters other than CR and LF, clusters end.
    private func segmentEnd(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        var position = range.lowerBound
        while position + 1 < range.upperBound {
            let (byte, next) = (bytes[position], bytes[position + 1])
            if byte < 0x80 && next < 0x80 && !(byte == 0x0D && next == 0x0A) { return position + 1 }
            position += 1
        }
        return range.upperBound
    }

    private func appendClusters(of bytes: [UInt8], _ range: Range<Int>, to output: inout [UInt8]) {
        var position = range.lowerBound
        for cluster in String(decoding: bytes[range], as: UTF8.self) {
            let end = min(position + cluster.utf8.count, range.upperBound)
            if end - position < 6, let found = replacement(of: bytes, position..<end) {
                output.append(contentsOf: replacements[found])
                position = end
                continue
            }
            while position < end {
                var next = position
                _ = UTF8Bytes.scalar(in: bytes, at: &next)
                if let found = replacement(of: bytes, position..<next) {
                    output.append(contentsOf: replacements[found])
                } else {
                    output.append(contentsOf: bytes[position..<next])
                }
                position = next
            }
        }
    }

    private func replacement(of bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        Self.replacement(of: bytes, range, units: units, replacements: replacements)
    }

    /// The replacement of the shortest rule that begins `bytes[range]`.
    private static func replacement(
        of bytes: [UInt8], _ range: Range<Int>, units: [UInt32], replacements: [UInt8]
    ) -> Range<Int>? {
        var node = offset(of: units[0])
        for position in range {
            let byte = bytes[position]
            guard byte != 0 else { return nil }
            node ^= Int(byte)
            guard node < units.count, units[node] & 0x8000_00FF == UInt32(byte) else { return nil }
            let unit = units[node]
            node ^= offset(of: unit)
            guard unit >> 8 & 1 == 1 else { continue }
            guard node < units.count else { return nil }
            let start = Int(units[node] & 0x7FFF_FFFF)
            guard start <= replacements.count else { return nil }
            return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
        }
        return nil
    }

    private static func offset(of unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & 0x200) >> 6)
    }
}
