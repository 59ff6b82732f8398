import Foundation

/// The bytes of a file in order, decompressed when it is gzip.
public final class ByteReader {
    /// Whether gzip is undone.
    public enum Decompression: Sendable {
        /// When the first two bytes are those of gzip, whatever the file's name.
        case automatic
        /// Never.
        case none
    }

    /// The path, or "standard input", for messages.
    public let path: String
    private let descriptor: FileDescriptor
    private let limit: Int
    private var delivered = 0
    private var input: [UInt8] = []
    private var inputStart = 0
    private var atEnd = false
    private var inflater: Inflater?

    /// Opens a file.
    ///
    /// - Parameter maximumBytes: how many bytes it may deliver at most; guards against decompression bombs.
    /// - Throws: `StorageError`: `notFound`, `notAFile`, `permission`, `corrupt`.
    public convenience init(
        path: String, decompression: Decompression = .automatic, maximumBytes: Int = .max
    ) throws {
        let handle = retrying { open(path, O_RDONLY | O_CLOEXEC) }
        guard handle >= 0 else { throw StorageError.system(errno, path: path, action: "open it") }
        try self.init(FileDescriptor(handle, path: path), decompression: decompression, maximumBytes: maximumBytes)
    }

    /// Reads the standard input.
    public static func standardInput(maximumBytes: Int = .max) throws -> ByteReader {
        let descriptor = FileDescriptor(0, path: "standard input", closes: false)
        return try ByteReader(descriptor, decompression: .automatic, maximumBytes: maximumBytes)
    }

    private init(_ descriptor: FileDescriptor, decompression: Decompression, maximumBytes: Int) throws {
        self.descriptor = descriptor
        path = descriptor.path
        limit = maximumBytes
        try descriptor.requireReadable()
        guard decompression == .automatic else { return }
        while input.count < 2, !atEnd { try refill(keeping: input) }
        if input.starts(with: [0x1f, 0x8b]) { inflater = try Inflater(path: path) }
    }

    /// Fills the buffer as far as one step goes.
    ///
    /// - Returns: the number of bytes; 0 only at the end (or for an empty buffer).
    /// - Throws: `corrupt` for broken gzip data, `tooLarge` beyond the limit.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard buffer.count > 0 else { return 0 }
        let count = try inflater.map { try inflate(with: $0, into: buffer) } ?? copy(into: buffer)
        delivered += count
        guard delivered <= limit else {
            throw StorageError(
                .tooLarge, path: path, "the content has more than \(limit) bytes, which is the limit here.")
        }
        return count
    }

    /// All that is left.
    public func readToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try read(into: $0) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// What was read while looking for the magic number comes first, then the file straight into the buffer.
    private func copy(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let waiting = min(input.count - inputStart, buffer.count)
        guard waiting > 0 else { return try descriptor.read(into: buffer) }
        buffer.copyBytes(from: input[inputStart..<(inputStart + waiting)])
        inputStart += waiting
        return waiting
    }

    private func inflate(with inflater: Inflater, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            if inputStart == input.count {
                if !atEnd { try refill(keeping: []) }
                if atEnd {
                    try inflater.requireEnd()
                    return 0
                }
            }
            let (taken, made) = try input.withUnsafeBytes { bytes in
                try inflater.inflate(UnsafeRawBufferPointer(rebasing: bytes[inputStart...]), into: buffer)
            }
            inputStart += taken
            if made > 0 { return made }
        }
    }

    private func refill(keeping kept: [UInt8]) throws {
        var chunk = [UInt8](repeating: 0, count: 1 << 17)
        let count = try chunk.withUnsafeMutableBytes { try descriptor.read(into: $0) }
        chunk.removeLast(chunk.count - count)
        atEnd = count == 0
        input = kept + chunk
        inputStart = 0
    }
}
