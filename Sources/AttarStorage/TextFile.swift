import Foundation

/// Text files whose bytes are known to be UTF-8.
public enum TextFile {
    /// The whole file, plain or gzip, without a byte order mark.
    ///
    /// - Throws: `invalidUTF8` naming line and byte offset, `tooLarge` above `maximumBytes`, and what `ByteReader`
    ///   throws.
    public static func read(_ path: String, maximumBytes: Int = 1 << 30) throws -> String {
        let bytes = try ByteReader(path: path, maximumBytes: maximumBytes).readToEnd()
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if let text = String(validating: bytes[mark...], as: UTF8.self) { return text }
        let offset = firstInvalidOffset(in: bytes) ?? 0
        let line = 1 + bytes[..<offset].count { $0 == 0x0A }
        throw invalid(bytes[offset], offset: offset, line: line, path: path)
    }

    /// The text of one line of a file.
    ///
    /// - Throws: `invalidUTF8` naming the line and the byte's offset in it.
    public static func text(of bytes: [UInt8], path: String, line: Int) throws -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let offset = firstInvalidOffset(in: bytes) ?? 0
        throw invalid(bytes[offset], offset: offset, line: line, path: path)
    }

    /// Where the first byte stands that cannot be part of well-formed UTF-8 (Unicode 16, table 3-7), or nil.
    ///
    /// - Complexity: O(bytes).
    public static func firstInvalidOffset(in bytes: [UInt8]) -> Int? {
        var position = 0
        while position < bytes.count {
            guard let length = sequenceLength(bytes, at: position) else { return position }
            position += length
        }
        return nil
    }

    /// The length of the well-formed sequence at `position`, or nil.
    private static func sequenceLength(_ bytes: [UInt8], at position: Int) -> Int? {
        let first = bytes[position]
        var second: ClosedRange<UInt8> = 0x80...0xBF
        let length: Int
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else { return nil }
        let rest = bytes[(position + 2)..<(position + length)]
        return rest.allSatisfy { (0x80...0xBF).contains($0) } ? length : nil
    }

    private static func invalid(_ byte: UInt8, offset: Int, line: Int, path: String) -> StorageError {
        let digits = String(byte, radix: 16, uppercase: true)
        return StorageError(
            .invalidUTF8, path: path,
            "line \(line), byte \(offset): 0x\(digits) is not UTF-8 here; save the file as UTF-8.")
    }
}
