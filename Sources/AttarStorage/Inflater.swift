import CZlib
import Foundation

/// Decompresses gzip members one after the other, as RFC 1952 allows a file to hold several; or one raw stream.
final class Inflater {
    /// What stands around the compressed data.
    enum Wrapping: Int32 {
        /// The header and trailer of gzip. Zlib takes 15 for the largest window and adds 16 for gzip.
        case gzip = 31
        /// Nothing, as in a zip file.
        case none = -15
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let path: String
    /// Between members: the next byte must start a new member or be padding.
    private var betweenMembers = false

    init(path: String, wrapping: Wrapping = .gzip) throws {
        self.path = path
        // zlib keeps the address of the stream, so it must not move.
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = inflateInit2_(stream, wrapping.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            throw StorageError(.inputOutput, path: path, "zlib could not be started (error \(code)).")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Decompresses from `input` into `output` until either is used up.
    ///
    /// - Returns: how many bytes were taken and made.
    func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws -> (taken: Int, made: Int) {
        var taken = 0
        if betweenMembers {
            taken = skipPadding(input)
            guard taken < input.count else { return (taken, 0) }
            guard input[taken] == 0x1f else { throw corrupt("bytes follow the compressed data") }
            inflateReset(stream)
            betweenMembers = false
        }
        let rest = UnsafeRawBufferPointer(rebasing: input[taken...])
        let source = rest.bindMemory(to: Bytef.self)
        let target = output.bindMemory(to: Bytef.self)
        let inputCount = min(source.count, Int(UInt32.max))
        let outputCount = min(target.count, Int(UInt32.max))
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(inputCount)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(outputCount)
        let code = CZlib.inflate(stream, Z_NO_FLUSH)
        taken += inputCount - Int(stream.pointee.avail_in)
        let made = outputCount - Int(stream.pointee.avail_out)
        switch code {
        case Z_OK, Z_BUF_ERROR: return (taken, made)
        case Z_STREAM_END:
            betweenMembers = true
            return (taken, made)
        default: throw corrupt(stream.pointee.msg.map { String(cString: $0) } ?? "error \(code)")
        }
    }

    /// Throws when the file ended inside a member.
    func requireEnd() throws {
        guard betweenMembers else { throw corrupt("the file ends in the middle; it was cut off") }
    }

    /// Tape-style padding of zero bytes may follow a member.
    private func skipPadding(_ input: UnsafeRawBufferPointer) -> Int {
        input.firstIndex { $0 != 0 } ?? input.count
    }

    private func corrupt(_ reason: String) -> StorageError {
        StorageError(.corrupt, path: path, "the compressed data is broken (\(reason)); fetch or compress the file again.")
    }
}
