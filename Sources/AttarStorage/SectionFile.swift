import CAttarKernels
import Foundation

/// A file of named sections with checksums, mapped into memory: the container of every index file.
///
/// Layout, little-endian, offsets from the beginning of the file:
///
///     header    64 bytes: "ATTARSEC", container version u32, format version u32, kind (32 bytes, zero-padded),
///               12 bytes of zeros, CRC-32C of the 60 bytes before it u32
///     sections  each at a multiple of 64 bytes, zeros between them
///     table     per section: name length u16, name, offset u64, length u64, CRC-32C u32
///     trailer   64 bytes: table offset u64, table length u64, file length u64, section count u32, CRC-32C of the
///               table u32, 20 bytes of zeros, "ATTAREND", CRC-32C of the 60 bytes before it u32
///
/// The table stands at the end so that a writer only ever appends, in bounded memory. Opening reads the header, the
/// table and the trailer, and checks their sums and every offset against the file's length; the sections' own sums are
/// read by `verify()`, because reading gigabytes at each start is too slow. Code that reads sections must therefore
/// stay in bounds whatever they hold.
public final class SectionFile: Sendable {
    /// One named run of bytes.
    public struct Section: Sendable, Equatable {
        /// Its name, unique in the file.
        public let name: String
        /// Where it starts.
        public let offset: Int
        /// Its length in bytes.
        public let length: Int
        /// The CRC-32C of its bytes.
        public let checksum: UInt32
    }

    /// The path.
    public let path: String
    /// What the file is, such as "inverted".
    public let kind: String
    /// The version of that kind's format.
    public let version: Int
    /// The sections in the order of the file.
    public let sections: [Section]
    /// The mapped bytes.
    public let file: MappedFile

    /// Opens a file of a kind.
    ///
    /// - Parameters:
    ///   - kind: what the file must be.
    ///   - newestVersion: the newest format of that kind that the caller can read.
    ///   - followingLinks: whether the path may be a symbolic link.
    /// - Throws: `StorageError`: `corrupt` when the file is cut off or altered in header, table or trailer or is of
    ///   another kind; `newerVersion` naming both versions; and what `MappedFile` throws.
    public init(path: String, kind: String, newestVersion: Int, followingLinks: Bool = false) throws {
        file = try MappedFile(path: path, followingLinks: followingLinks)
        self.path = path
        let header = try SectionFileHeader(file: file)
        guard header.containerVersion <= SectionFileHeader.containerVersion else {
            throw Self.newer(path, found: header.containerVersion, known: SectionFileHeader.containerVersion)
        }
        guard header.kind == kind else {
            throw StorageError(
                .corrupt, path: path, "this is a file of kind \"\(header.kind)\", one of kind \"\(kind)\" was expected."
            )
        }
        guard header.version <= newestVersion else {
            throw Self.newer(path, found: header.version, known: newestVersion)
        }
        self.kind = header.kind
        version = header.version
        sections = try SectionTable.read(from: file)
    }

    private static func newer(_ path: String, found: Int, known: Int) -> StorageError {
        StorageError(
            .newerVersion, path: path,
            "the file has format version \(found), this program reads up to version \(known); use a newer Attar, "
                + "or build the index again.")
    }

    /// The size of the file in bytes.
    public var byteCount: Int { file.count }

    /// The bytes of a section; valid only while this object lives, see `MappedFile.bytes`.
    ///
    /// - Throws: `corrupt` when the file has no such section.
    public func bytes(_ name: String) throws -> UnsafeRawBufferPointer {
        guard let section = sections.first(where: { $0.name == name }) else {
            throw StorageError(.corrupt, path: path, "the section \"\(name)\" is missing; build the index again.")
        }
        return UnsafeRawBufferPointer(rebasing: file.bytes[section.offset..<(section.offset + section.length)])
    }

    /// Calls `body` with the bytes of a section, which are valid only during the call.
    public func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        try withExtendedLifetime(self) { try body(bytes(name)) }
    }

    /// A section as elements of one type.
    ///
    /// - Parameter count: how many there must be; nil when any whole number will do.
    /// - Throws: `corrupt` when the section is missing or its length does not fit.
    public func array<Element: BitwiseCopyable>(
        _ name: String, of type: Element.Type = Element.self, count: Int? = nil
    ) throws -> MappedArray<Element> {
        let bytes = try bytes(name)
        let stride = MemoryLayout<Element>.stride
        let fits = bytes.count % stride == 0 && (count.map { $0 == bytes.count / stride } ?? true)
        guard fits else {
            let expected = count.map { "\($0) elements" } ?? "whole elements"
            throw StorageError(
                .corrupt, path: path,
                "section \"\(name)\" has \(bytes.count) bytes, \(expected) of \(stride) bytes were expected; build it again."
            )
        }
        return MappedArray(file: file, bytes: bytes)
    }

    /// A small section that holds JSON; its checksum is compared at once.
    ///
    /// - Throws: `corrupt` when it is missing, altered, or not what `type` decodes.
    public func decoded<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        let bytes = try bytes(name)
        for section in sections where section.name == name { try verify(section) }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw StorageError(.corrupt, path: path, "section \"\(name)\" cannot be read (\(error)); build it again.")
        }
    }

    /// Reads every byte and compares every checksum.
    ///
    /// - Throws: `corrupt` naming the first section whose bytes were altered.
    /// - Complexity: O(bytes of the file).
    public func verify() throws {
        var end = SectionFileHeader.size
        for section in sections {
            try verifyPadding(end..<section.offset, before: section.name)
            try verify(section)
            end = section.offset + section.length
        }
    }

    private func verify(_ section: Section) throws {
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[section.offset..<(section.offset + section.length)])
        let found = CRC32C.checksum(of: bytes)
        guard found == section.checksum else {
            throw StorageError(
                .corrupt, path: path,
                "section \"\(section.name)\" was altered (checksum \(hex(found)), \(hex(section.checksum)) was written); "
                    + "build the index again.")
        }
    }

    private func verifyPadding(_ range: Range<Int>, before name: String) throws {
        guard file.bytes[range].allSatisfy({ $0 == 0 }) else {
            throw StorageError(.corrupt, path: path, "bytes before section \"\(name)\" were altered; build it again.")
        }
    }

    private func hex(_ number: UInt32) -> String { String(number, radix: 16) }
}

/// CRC-32C of bytes, by the processor's own instruction where it has one.
public enum CRC32C {
    /// The checksum of the bytes that follow those whose checksum is `previous`.
    public static func checksum(of bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        attar_crc32c(previous, bytes.baseAddress, bytes.count)
    }

    /// The checksum of an array of bytes.
    public static func checksum(of bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { checksum(of: $0) }
    }
}
