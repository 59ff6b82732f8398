import CZlib
import Foundation

/// The members of a zip file, such as NumPy's `.npz`: stored or deflated, without encryption, below 4 GiB.
///
/// Nothing is trusted: places are checked against the file, sizes against what deflate can make of so many bytes, and
/// every member against its checksum.
public final class ZipFile {
    private struct Member {
        let method: Int
        let checksum: UInt32
        let compressedSize: Int
        let size: Int
        let headerStart: Int
    }

    private let file: MappedFile
    private var members: [String: Member] = [:]
    /// A deflated byte makes at most so many.
    private static let largestRatio = 1032
    private static let localHeaderSize = 30
    private static let directoryEntrySize = 46
    private static let endSize = 22

    /// Opens a zip file and reads its directory.
    ///
    /// - Throws: `StorageError`: `corrupt`, and what `MappedFile` throws.
    public init(path: String) throws {
        file = try MappedFile(path: path)
        try file.withBytes { try readDirectory($0) }
    }

    /// The names of the members.
    public var names: [String] { members.keys.sorted() }

    /// The bytes of a member; nil when there is none of that name.
    ///
    /// - Throws: `StorageError`: `corrupt`.
    public func read(_ name: String) throws -> [UInt8]? {
        guard let member = members[name] else { return nil }
        let bytes = try file.withBytes { try content(of: member, name, in: $0) }
        guard ZipFile.checksum(of: bytes) == member.checksum else { throw corrupt("\(name) was altered") }
        return bytes
    }

    private func readDirectory(_ bytes: UnsafeRawBufferPointer) throws {
        let signature: [UInt8] = [0x50, 0x4B, 0x05, 0x06]
        // A comment of up to 64 KiB may follow.
        let earliest = max(0, bytes.count - Self.endSize - 0xFFFF)
        guard bytes.count >= Self.endSize,
            let end = stride(from: bytes.count - Self.endSize, through: earliest, by: -1).first(where: {
                bytes[$0..<($0 + 4)].elementsEqual(signature)
            })
        else { throw corrupt("it has no directory at its end") }
        let count = Int(bytes.number(at: end + 10, UInt16.self))
        var position = Int(bytes.number(at: end + 16, UInt32.self))
        for _ in 0..<count {
            guard position + Self.directoryEntrySize <= end, bytes.number(at: position, UInt32.self) == 0x0201_4B50
            else { throw corrupt("its directory is cut off, or it is larger than 4 GiB") }
            let nameEnd = position + Self.directoryEntrySize + Int(bytes.number(at: position + 28, UInt16.self))
            guard nameEnd <= end else { throw corrupt("its directory is cut off") }
            let name = String(decoding: bytes[(position + Self.directoryEntrySize)..<nameEnd], as: UTF8.self)
            guard bytes.number(at: position + 8, UInt16.self) & 1 == 0 else { throw corrupt("\(name) is encrypted") }
            members[name] = Member(
                method: Int(bytes.number(at: position + 10, UInt16.self)),
                checksum: bytes.number(at: position + 16, UInt32.self),
                compressedSize: Int(bytes.number(at: position + 20, UInt32.self)),
                size: Int(bytes.number(at: position + 24, UInt32.self)),
                headerStart: Int(bytes.number(at: position + 42, UInt32.self)))
            position = nameEnd + Int(bytes.number(at: position + 30, UInt16.self))
                + Int(bytes.number(at: position + 32, UInt16.self))
        }
    }

    private func content(of member: Member, _ name: String, in bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
        let header = member.headerStart
        guard header + Self.localHeaderSize <= bytes.count, bytes.number(at: header, UInt32.self) == 0x0403_4B50 else {
            throw corrupt("\(name) does not begin where the directory says")
        }
        let start = header + Self.localHeaderSize + Int(bytes.number(at: header + 26, UInt16.self))
            + Int(bytes.number(at: header + 28, UInt16.self))
        guard start + member.compressedSize <= bytes.count else { throw corrupt("\(name) is cut off") }
        let data = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + member.compressedSize)])
        switch member.method {
        case 0 where member.size == member.compressedSize: return Array(data)
        case 8 where member.size / Self.largestRatio <= member.compressedSize:
            return try inflated(data, size: member.size, name)
        case 0, 8: throw corrupt("\(name) cannot have the size that the directory says")
        default: throw corrupt("\(name) is compressed by method \(member.method), only deflate is known")
        }
    }

    private func inflated(_ data: UnsafeRawBufferPointer, size: Int, _ name: String) throws -> [UInt8] {
        let inflater = try Inflater(path: file.path, wrapping: .none)
        var bytes: [UInt8] = []
        var (taken, made) = (0, 0)
        // Also when all is taken, something may be left to be made.
        while true {
            if made == bytes.count {
                // Room for what came so far once more, and for one byte too many, so that data that goes on is noticed.
                guard made <= size else { break }
                bytes.append(contentsOf: repeatElement(0, count: min(size + 1 - made, max(1 << 16, made))))
            }
            let step = try bytes.withUnsafeMutableBytes { target in
                try inflater.inflate(
                    UnsafeRawBufferPointer(rebasing: data[taken...]),
                    into: UnsafeMutableRawBufferPointer(rebasing: target[made...]))
            }
            if step == (0, 0) { break }
            taken += step.taken
            made += step.made
        }
        guard made == size else { throw corrupt("\(name) has another size than the directory says") }
        bytes.removeLast(bytes.count - size)
        return bytes
    }

    private func corrupt(_ what: String) -> StorageError {
        StorageError(.corrupt, path: file.path, "no zip file that can be read: \(what); write or fetch it again.")
    }

    static func checksum(of bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { bytes in
            UInt32(truncatingIfNeeded: crc32_z(0, bytes.bindMemory(to: Bytef.self).baseAddress, bytes.count))
        }
    }
}

extension ZipFile {
    /// Writes a zip file of stored members; it appears whole or not at all.
    ///
    /// - Throws: `StorageError`; `tooLarge` above 4 GiB.
    public static func write(
        _ members: [(name: String, bytes: [UInt8])], to path: String, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        let room = members.reduce(endSize) { $0 + $1.bytes.count + 2 * $1.name.utf8.count + 128 }
        guard room < Int(UInt32.max), members.count < 0xFFFF else {
            throw StorageError(.tooLarge, path: path, "no zip file of more than 4 GiB is written; write a .csr file.")
        }
        var file: [UInt8] = []
        file.reserveCapacity(room)
        var directory: [UInt8] = []
        for member in members {
            let start = UInt32(file.count)
            let facts = facts(of: member)
            file.append(number: 0x0403_4B50 as UInt32)
            file += facts
            file += Array(member.name.utf8)
            file += member.bytes
            directory.append(number: 0x0201_4B50 as UInt32)
            directory.append(number: 20 as UInt16)
            directory += facts
            for _ in 0..<3 { directory.append(number: 0 as UInt16) }
            directory.append(number: 0 as UInt32)
            directory.append(number: start)
            directory += Array(member.name.utf8)
        }
        let start = UInt32(file.count)
        file += directory
        file.append(number: 0x0605_4B50 as UInt32)
        file.append(number: 0 as UInt32)
        for _ in 0..<2 { file.append(number: UInt16(members.count)) }
        file.append(number: UInt32(directory.count))
        file.append(number: start)
        file.append(number: 0 as UInt16)
        try AtomicFile.write(file, to: path, on: fileSystem)
    }

    /// What stands in the local header and in the directory alike: version, flags (names in UTF-8), method, the first
    /// of January 1980, checksum, sizes, and the lengths of name and extra field.
    private static func facts(of member: (name: String, bytes: [UInt8])) -> [UInt8] {
        var facts: [UInt8] = []
        for number in [20, 0x0800, 0, 0, 0x21] as [UInt16] { facts.append(number: number) }
        facts.append(number: checksum(of: member.bytes))
        for _ in 0..<2 { facts.append(number: UInt32(member.bytes.count)) }
        facts.append(number: UInt16(member.name.utf8.count))
        facts.append(number: 0 as UInt16)
        return facts
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian number at a place that was checked.
    fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Number.Type) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

extension [UInt8] {
    fileprivate mutating func append(number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
