import Foundation

/// The first 64 bytes of a section file.
struct SectionFileHeader {
    static let size = 64
    static let magic = Array("ATTARSEC".utf8)
    static let containerVersion = 1
    static let maximumKindBytes = 32

    let containerVersion: Int
    let version: Int
    let kind: String

    /// - Precondition: the kind has 1 to 32 UTF-8 bytes.
    init(kind: String, version: Int) {
        precondition((1...Self.maximumKindBytes).contains(kind.utf8.count), "the kind \"\(kind)\" has no 1 to 32 bytes")
        containerVersion = Self.containerVersion
        self.version = version
        self.kind = kind
    }

    init(file: MappedFile) throws {
        guard file.count >= Self.size, file.bytes.prefix(8).elementsEqual(Self.magic) else {
            throw StorageError(
                .corrupt, path: file.path,
                "this is no Attar index file (the first 8 bytes differ); build the index again.")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[..<Self.size])
        guard bytes.littleEndian(UInt32.self, at: 60) == checksum(bytes, count: 60) else {
            throw StorageError(.corrupt, path: file.path, "the header was altered; build the index again.")
        }
        containerVersion = Int(bytes.littleEndian(UInt32.self, at: 8))
        version = Int(bytes.littleEndian(UInt32.self, at: 12))
        kind = String(decoding: bytes[16..<48].prefix { $0 != 0 }, as: UTF8.self)
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: UInt32(containerVersion))
        bytes.append(littleEndian: UInt32(version))
        bytes += Array(kind.utf8) + [UInt8](repeating: 0, count: 60 - 16 - kind.utf8.count)
        bytes.append(littleEndian: CRC32C.checksum(of: bytes))
        return bytes
    }
}

/// The names and places of the sections, and the last 64 bytes of the file, which lead to them.
enum SectionTable {
    static let trailerSize = 64
    static let endMagic = Array("ATTAREND".utf8)
    static let maximumSections = 4096

    /// The table and the trailer, to be written at `offset`.
    static func encoded(_ sections: [SectionFile.Section], at offset: Int) -> [UInt8] {
        var table: [UInt8] = []
        for section in sections {
            table.append(littleEndian: UInt16(section.name.utf8.count))
            table += Array(section.name.utf8)
            table.append(littleEndian: UInt64(section.offset))
            table.append(littleEndian: UInt64(section.length))
            table.append(littleEndian: section.checksum)
        }
        var trailer: [UInt8] = []
        trailer.append(littleEndian: UInt64(offset))
        trailer.append(littleEndian: UInt64(table.count))
        trailer.append(littleEndian: UInt64(offset + table.count + trailerSize))
        trailer.append(littleEndian: UInt32(sections.count))
        trailer.append(littleEndian: CRC32C.checksum(of: table))
        trailer += [UInt8](repeating: 0, count: 20) + endMagic
        trailer.append(littleEndian: CRC32C.checksum(of: trailer))
        return table + trailer
    }

    /// The table of a mapped file, every offset checked.
    static func read(from file: MappedFile) throws -> [SectionFile.Section] {
        let bytes = file.bytes
        guard bytes.count >= SectionFileHeader.size + trailerSize else { throw cutOff(file) }
        let trailer = UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - trailerSize)...])
        guard trailer[52..<60].elementsEqual(endMagic),
            trailer.littleEndian(UInt32.self, at: 60) == checksum(trailer, count: 60),
            trailer.littleEndian(UInt64.self, at: 16) == UInt64(bytes.count)
        else { throw cutOff(file) }
        let offset = trailer.littleEndian(UInt64.self, at: 0)
        let length = trailer.littleEndian(UInt64.self, at: 8)
        let end = UInt64(bytes.count - trailerSize)
        guard offset >= UInt64(SectionFileHeader.size), offset <= end, length == end - offset else {
            throw altered(file)
        }
        let table = UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(end)])
        guard checksum(table, count: table.count) == trailer.littleEndian(UInt32.self, at: 28) else {
            throw altered(file)
        }
        let count = Int(trailer.littleEndian(UInt32.self, at: 24))
        return try sections(in: table, count: count, dataEnd: Int(offset), file: file)
    }

    private static func sections(
        in table: UnsafeRawBufferPointer, count: Int, dataEnd: Int, file: MappedFile
    ) throws -> [SectionFile.Section] {
        guard count <= maximumSections else { throw altered(file) }
        var sections: [SectionFile.Section] = []
        var position = 0
        var previousEnd = SectionFileHeader.size
        for _ in 0..<count {
            guard position + 2 <= table.count else { throw altered(file) }
            let nameLength = Int(table.littleEndian(UInt16.self, at: position))
            let fields = position + 2 + nameLength
            guard fields + 20 <= table.count else { throw altered(file) }
            let name = String(decoding: table[(position + 2)..<fields], as: UTF8.self)
            let offset = table.littleEndian(UInt64.self, at: fields)
            let length = table.littleEndian(UInt64.self, at: fields + 8)
            guard offset % 64 == 0, offset >= UInt64(previousEnd), offset <= UInt64(dataEnd),
                length <= UInt64(dataEnd) - offset, !sections.contains(where: { $0.name == name })
            else { throw altered(file) }
            let sum = table.littleEndian(UInt32.self, at: fields + 16)
            sections.append(.init(name: name, offset: Int(offset), length: Int(length), checksum: sum))
            previousEnd = Int(offset) + Int(length)
            position = fields + 20
        }
        guard position == table.count else { throw altered(file) }
        return sections
    }

    private static func cutOff(_ file: MappedFile) -> StorageError {
        StorageError(.corrupt, path: file.path, "the file was cut off or its end was altered; build the index again.")
    }

    private static func altered(_ file: MappedFile) -> StorageError {
        StorageError(.corrupt, path: file.path, "the section table was altered; build the index again.")
    }
}

private func checksum(_ bytes: UnsafeRawBufferPointer, count: Int) -> UInt32 {
    CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
}

extension UnsafeRawBufferPointer {
    /// The number at a byte offset, which needs no alignment.
    ///
    /// - Precondition: it lies inside the buffer.
    func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at offset: Int) -> Number {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= count, "offset \(offset) in \(count) bytes")
        return Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

extension [UInt8] {
    /// Appends a number, lowest byte first.
    mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
