import AttarIndex
import AttarStorage

/// What is deleted of a segment, as the manifest tells it.
///
/// The documents' ordinals stay, and so do their rows until the segment is merged; only nobody finds them any more.
public struct DeletionRecord: Codable, Sendable, Equatable {
    /// How often documents of this segment were deleted; a part of the file's name.
    public let generation: Int
    /// The file in the segment's folder that has a bit for each document.
    public let file: FileRecord
    /// The number of deleted documents.
    public let documentCount: Int
    /// The number of their passages.
    public let passageCount: Int
    /// The hash of the deleted documents.
    public let contentHash: ContentHash
    /// The hash of the places and headings of their passages.
    public let passageHash: ContentHash
}

/// The deleted documents of a segment: which they are, and the hashes of what they said.
///
/// The file `deleted.<generation>.bits` is a section file of kind "deleted", version 1, with one section, `documents`:
/// a bit for each document of the segment, lowest ordinal first, in little-endian words of 64 bits; 1 is deleted. It is
/// never changed: further deletions write the next generation, and the manifest says which one counts.
struct Deletions {
    private static let kind = "deleted"
    private static let version = 1

    /// Members are the deleted documents, by their ordinals in the segment.
    private(set) var documents = OrdinalSet(capacity: 0)
    private(set) var passageCount = 0
    private(set) var contentHash = ContentHash()
    private(set) var passageHash = ContentHash()
    private var generation = 0

    /// Nothing is deleted.
    init() {}

    /// Documents that are deleted, of a segment whose manifest is lost.
    init(documents: OrdinalSet, generation: Int) { (self.documents, self.generation) = (documents, generation) }

    /// What is deleted of a segment.
    init(of segment: Segment) {
        guard let record = segment.record.deletions, let deleted = segment.deleted else { return }
        documents = deleted
        generation = record.generation
        passageCount = record.passageCount
        contentHash = record.contentHash
        passageHash = record.passageHash
    }

    /// Adds a document that was not deleted before.
    mutating func add(_ ordinal: Int, _ told: DocumentHashes) {
        if ordinal >= documents.capacity { documents = documents.resized(max(ordinal + 1, 2 * documents.capacity)) }
        documents.insert(UInt32(ordinal))
        passageCount += told.passageCount
        contentHash.add(told.content)
        passageHash.add(told.passages)
    }

    /// Takes other documents, and what all of them told.
    mutating func replace(by members: [Int], _ told: DocumentHashes, passageCount: Int) {
        if let last = members.last, last >= documents.capacity { documents = documents.resized(last + 1) }
        for ordinal in members { documents.insert(UInt32(ordinal)) }
        (contentHash, passageHash, self.passageCount) = (told.content, told.passages, passageCount)
    }

    // ------------------------------------------------------------------------------------------------------- the file

    /// The generation that a file's name tells; nil for other files.
    static func generation(ofFile name: String) -> Int? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let number = Int(parts[1]), number > 0, fileName(number) == name else { return nil }
        return number
    }

    private static func fileName(_ generation: Int) -> String { "deleted.\(generation).bits" }

    /// Writes the next generation's file and makes it durable.
    func write(in folder: String, documentCount: Int, on fileSystem: any FileSystem) throws -> DeletionRecord {
        let name = Self.fileName(generation + 1)
        let writer = try SectionFileWriter(
            path: folder + "/" + name, kind: Self.kind, version: Self.version, on: fileSystem)
        try writer.add("documents", documents.resized(documentCount).words)
        try writer.finish()
        return record(generation + 1, file: try FileRecord(hashing: name, in: folder))
    }

    private func record(_ generation: Int, file: FileRecord) -> DeletionRecord {
        DeletionRecord(
            generation: generation, file: file, documentCount: documents.count, passageCount: passageCount,
            contentHash: contentHash, passageHash: passageHash)
    }

    /// The file that is there already.
    ///
    /// - Parameter isSound: whether it can be read; otherwise the record is one that no file fits.
    func record(in folder: String, isSound: Bool) throws -> DeletionRecord {
        let name = Self.fileName(generation)
        return record(
            generation,
            file: isSound ? try FileRecord(hashing: name, in: folder) : FileRecord(name: name, bytes: 0, sha256: ""))
    }

    /// Reads a file: the deleted documents of a segment with `documentCount` of them.
    ///
    /// - Throws: `StorageError`, `CollectionError.corrupt` when the bits are not what the manifest tells.
    static func read(_ record: DeletionRecord, in folder: String, documentCount: Int) throws -> OrdinalSet {
        let path = folder + "/" + record.file.name
        let documents = try read(path, documentCount: documentCount)
        guard documents.count == record.documentCount else {
            throw CollectionError.corrupt(
                path, "it deletes \(documents.count) documents, and \(record.documentCount) were committed")
        }
        return documents
    }

    /// Reads the file of a generation, of which nothing is known.
    static func read(generation: Int, in folder: String, documentCount: Int) throws -> OrdinalSet {
        try read(folder + "/" + fileName(generation), documentCount: documentCount)
    }

    private static func read(_ path: String, documentCount: Int) throws -> OrdinalSet {
        let file = try SectionFile(path: path, kind: kind, newestVersion: version)
        let words: MappedArray<UInt64> = try file.array("documents", count: (documentCount + 63) / 64)
        let documents = OrdinalSet(capacity: documentCount, words: Array(words))
        guard documents.words.elementsEqual(words) else {
            throw CollectionError.corrupt(path, "it deletes documents that the segment does not have")
        }
        return documents
    }
}

/// What a document adds to the hashes of its segment.
struct DocumentHashes {
    var content = ContentHash()
    var passages = ContentHash()
    private(set) var passageCount = 0

    /// Adds a passage of the document.
    mutating func add(_ passage: PassageRecord) {
        passageCount += 1
        passages.add(
            passageOf: passage.documentOrdinal, utf8Range: passage.start, passage.end, heading: passage.heading)
    }
}

extension OrdinalSet {
    /// The members below another bound.
    fileprivate func resized(_ capacity: Int) -> OrdinalSet {
        let count = (capacity + 63) / 64
        let padding = [UInt64](repeating: 0, count: max(0, count - words.count))
        return OrdinalSet(capacity: capacity, words: Array(words.prefix(count)) + padding)
    }
}
