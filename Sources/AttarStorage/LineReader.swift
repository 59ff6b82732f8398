import Foundation

/// The lines of a text file, plain or gzip (told by its first bytes, not its name), in bounded memory.
///
/// Lines end at "\n" or "\r\n" (neither is part of the line); the last one needs no end; a byte order mark at the
/// beginning is dropped. Nothing else is validated: see `TextFile.text(of:path:line:)` for that.
///
///     let reader = try LineReader(path: "corpus.jsonl.gz")
///     while let line = try reader.next() { print(line.number, line.bytes.count) }
public final class LineReader {
    /// One line.
    public struct Line: Sendable, Equatable {
        /// Its number, from 1.
        public let number: Int
        /// Its bytes without the line end.
        public let bytes: [UInt8]
    }

    /// The path, for messages.
    public var path: String { reader.path }
    private let reader: ByteReader
    private let maximumLineBytes: Int
    private var buffer: [UInt8]
    /// The unread part of the buffer, and from where no line end has been looked for yet.
    private var start = 0
    private var scanned = 0
    private var end = 0
    private var atEnd = false
    private var number = 0

    /// Opens the file.
    ///
    /// - Parameters:
    ///   - maximumBytes: how many (decompressed) bytes the file may hold.
    ///   - maximumLineBytes: how long one line may be.
    /// - Throws: `StorageError`: `notFound`, `notAFile`, `permission`, `corrupt`.
    public convenience init(path: String, maximumBytes: Int = .max, maximumLineBytes: Int = 1 << 30) throws {
        try self.init(ByteReader(path: path, maximumBytes: maximumBytes), maximumLineBytes: maximumLineBytes)
    }

    /// Reads lines from an open reader, such as the standard input.
    public init(_ reader: ByteReader, maximumLineBytes: Int = 1 << 30) throws {
        self.reader = reader
        self.maximumLineBytes = maximumLineBytes
        buffer = [UInt8](repeating: 0, count: 1 << 18)
        while end < 3, !atEnd { try fill() }
        if end >= 3, buffer[..<3] == [0xEF, 0xBB, 0xBF] { start = 3 }
        scanned = start
    }

    /// The next line, or nil after the last one.
    ///
    /// - Throws: `corrupt` for broken gzip data, `tooLarge` for a line or file above its limit.
    /// - Complexity: O(length of the line), amortised.
    public func next() throws -> Line? {
        while true {
            if let newline = findNewline() { return try take(upTo: newline, skipping: 1) }
            scanned = end
            guard end - start <= maximumLineBytes else { throw lineTooLong() }
            if atEnd { return start < end ? try take(upTo: end, skipping: 0) : nil }
            try fill()
        }
    }

    private func findNewline() -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard scanned < end, let base = bytes.baseAddress else { return nil }
            guard let hit = memchr(base + scanned, 0x0A, end - scanned) else { return nil }
            return base.distance(to: UnsafeRawPointer(hit))
        }
    }

    private func take(upTo newline: Int, skipping skipped: Int) throws -> Line {
        var last = newline
        if last > start, buffer[last - 1] == 0x0D { last -= 1 }
        guard last - start <= maximumLineBytes else { throw lineTooLong() }
        number += 1
        let line = Line(number: number, bytes: Array(buffer[start..<last]))
        start = newline + skipped
        scanned = start
        return line
    }

    /// Reads more behind the unread bytes, which move to the front; the buffer doubles when one line fills it.
    private func fill() throws {
        if start > 0 {
            buffer.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                memmove(base, base + start, end - start)
            }
            end -= start
            scanned = max(0, scanned - start)
            start = 0
        }
        if end == buffer.count { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
        let count = try buffer.withUnsafeMutableBytes { bytes in
            try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[end...]))
        }
        end += count
        atEnd = count == 0
    }

    private func lineTooLong() -> StorageError {
        StorageError(
            .tooLarge, path: path,
            "line \(number + 1) has more than \(maximumLineBytes) bytes, which is the limit for one line.")
    }
}
