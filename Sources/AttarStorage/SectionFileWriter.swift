import Foundation

/// Writes a section file from front to back, in bounded memory, and gives it its name only when it is complete.
///
///     let writer = try SectionFileWriter(path: "text.inv", kind: "inverted", version: 1)
///     try writer.add("lengths", lengths)
///     try writer.add("postings") { section in try section.append(bytes) }
///     try writer.finish()
public final class SectionFileWriter {
    /// Where a section's bytes go.
    public struct Sink {
        fileprivate let writer: SectionFileWriter

        /// Appends raw bytes.
        public func append(_ bytes: UnsafeRawBufferPointer) throws { try writer.append(bytes) }

        /// Appends the bytes of fixed-size elements.
        public func append<Element: BitwiseCopyable>(_ elements: [Element]) throws {
            try elements.withUnsafeBytes { try writer.append($0) }
        }

        /// The number of bytes in this section so far.
        public var count: Int { writer.position - writer.sectionStart }
    }

    /// The final path.
    public let path: String
    private let fileSystem: any FileSystem
    private let temporary: String
    private let file: any WritableFile
    private var buffer: [UInt8] = []
    private var position = 0
    private var sectionStart = 0
    private var sectionChecksum: UInt32 = 0
    private var openSection: String?
    private var sections: [SectionFile.Section] = []
    private var finished = false

    /// Starts a file under a temporary name beside `path`.
    ///
    /// - Parameters:
    ///   - kind: what the file is, 1 to 32 bytes.
    ///   - version: the version of that kind's format.
    public init(path: String, kind: String, version: Int, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        self.path = path
        self.fileSystem = fileSystem
        temporary = AtomicFile.temporaryName(for: path)
        file = try fileSystem.openForWriting(temporary, mode: .createNew)
        buffer.reserveCapacity(1 << 20)
        try SectionFileHeader(kind: kind, version: version).bytes.withUnsafeBytes { try write($0) }
    }

    deinit { abandon() }

    /// Adds a section whose bytes `body` appends piece by piece.
    ///
    /// - Precondition: the name is new and has 1 to 255 bytes.
    public func add(_ name: String, _ body: (Sink) throws -> Void) throws {
        let sink = try begin(name)
        try body(sink)
        end()
    }

    /// Opens a section that stays open until `end()`, for rows that arrive over time.
    ///
    /// - Precondition: no other section is open; the name is new and has 1 to 255 bytes.
    public func begin(_ name: String) throws -> Sink {
        precondition(!finished, "section \(name) was added to a finished file")
        precondition(openSection == nil, "section \(name) was begun inside of \(openSection ?? "")")
        precondition((1...255).contains(name.utf8.count), "the section name \"\(name)\" has no 1 to 255 bytes")
        precondition(!sections.contains { $0.name == name }, "section \(name) was added twice")
        precondition(sections.count < SectionTable.maximumSections, "more than \(sections.count) sections")
        try [UInt8](repeating: 0, count: (64 - position % 64) % 64).withUnsafeBytes { try write($0) }
        sectionStart = position
        sectionChecksum = 0
        openSection = name
        return Sink(writer: self)
    }

    /// Closes the section that `begin(_:)` opened.
    public func end() {
        guard let name = openSection else { preconditionFailure("no section is open in \(path)") }
        openSection = nil
        sections.append(
            .init(name: name, offset: sectionStart, length: position - sectionStart, checksum: sectionChecksum))
    }

    /// Adds a section of fixed-size elements.
    public func add<Element: BitwiseCopyable>(_ name: String, _ elements: [Element]) throws {
        try add(name) { try $0.append(elements) }
    }

    /// Adds a small section of JSON, its keys in order so that equal values give equal bytes.
    public func add(_ name: String, json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try add(name, Array(encoder.encode(value)))
    }

    /// Writes table and trailer, synchronises, and renames the file to its final path.
    ///
    /// - Returns: the size of the file in bytes.
    @discardableResult
    public func finish() throws -> Int {
        precondition(!finished, "\(path) was finished twice")
        precondition(openSection == nil, "section \(openSection ?? "") of \(path) is still open")
        try SectionTable.encoded(sections, at: position).withUnsafeBytes { try write($0) }
        try flush()
        try file.synchronize()
        try file.close()
        try fileSystem.rename(temporary, to: path)
        finished = true
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
        return position
    }

    /// Drops what was written; nothing happens after `finish()`. Called by itself when the writer is released.
    public func abandon() {
        guard !finished else { return }
        finished = true
        try? file.close()
        try? fileSystem.remove(temporary)
    }

    fileprivate func append(_ bytes: UnsafeRawBufferPointer) throws {
        sectionChecksum = CRC32C.checksum(of: bytes, continuing: sectionChecksum)
        try write(bytes)
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        position += bytes.count
        if buffer.count + bytes.count > 1 << 20 { try flush() }
        if bytes.count > 1 << 20 {
            try file.write(bytes)
        } else {
            buffer.append(contentsOf: bytes)
        }
    }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
