import AttarIndex
import AttarStorage
import AttarText

/// Something in a collection that is not as it was committed.
public struct CollectionProblem: Codable, Sendable, Equatable, CustomStringConvertible {
    /// The file, relative to the collection's folder where it lies in it.
    public let file: String
    /// What is wrong with it.
    public let detail: String

    /// File and sentence.
    public var description: String { file + ": " + detail }

    /// The same problem, with the file's path seen from a folder.
    func seen(from folder: String) -> Self {
        guard file.hasPrefix(folder + "/") else { return self }
        return Self(file: String(file.dropFirst(folder.count + 1)), detail: detail)
    }
}

extension Collection {
    /// Reads everything and compares it with what was committed: checksums of all files, SQLite's own check, the hash
    /// of the documents, and whether rows, passages, words and vectors count the same.
    ///
    /// What does not even open (manifest, headers of files) is thrown by `open`; `Collection.problems(at:)` covers
    /// both.
    ///
    /// - Returns: what is wrong; empty for a sound collection.
    /// - Complexity: O(bytes of the collection).
    public func verify() throws -> [CollectionProblem] {
        var problems: [CollectionProblem] = []
        for segment in segments {
            problems += try fileProblems(of: segment)
            for encoder in manifest.encoders {
                guard let index = segment.ownIndex(of: encoder) else { continue }
                problems += try Self.listing(path) {
                    try index.verify()
                    return []
                }
            }
            for record in manifest.learnedIndexes {
                problems += try Self.listing(path) {
                    try segment.learned.verify(record)
                    return []
                }
            }
            problems += try Self.listing(path) { try rowProblems(of: segment) }
        }
        return try problems + Self.listing(path) {
            try store.integrityProblems().map { CollectionProblem(file: DocumentTable.fileName, detail: $0) }
        }
    }

    /// Damage that ends the reading of one part is a problem like others: what follows is still looked at.
    static func listing(
        _ path: String, _ body: () throws -> [CollectionProblem]
    ) throws -> [CollectionProblem] {
        do {
            return try body()
        } catch let error as CollectionError {
            guard let damage = error.damage else { throw error }
            return [damage.seen(from: path)]
        } catch let error as StorageError where error.kind == .corrupt {
            return [CollectionProblem(file: error.path, detail: error.detail).seen(from: path)]
        }
    }

    /// The problems of the collection at a path, also of one that cannot be opened.
    ///
    /// - Throws: `CollectionError` when there is no collection, or one of a newer format: these are not damage.
    public static func problems(at path: String) throws -> [CollectionProblem] {
        let path = normalized(path)
        do {
            return try listing(path) { try open(at: path).verify() }
        } catch let error as StorageError where error.kind == .notFound {
            return [CollectionProblem(file: error.path, detail: error.detail).seen(from: path)]
        }
    }

    private func fileProblems(of segment: Segment) throws -> [CollectionProblem] {
        let folder = CollectionLayout.segments + "/" + segment.record.folderName
        return try segment.record.allFiles.compactMap { file in
            guard try FileRecord(hashing: file.name, in: segment.folder) != file else { return nil }
            return CollectionProblem(
                file: folder + "/" + file.name, detail: "its bytes are not those that were committed")
        }
    }

    /// Compares the rows of a segment with its files, one at a time.
    ///
    /// Rows of deleted documents may be there or not: those that the commit replaced which made them are gone.
    func rowProblems(of segment: Segment) throws -> [CollectionProblem] {
        let record = segment.record
        var problems: [CollectionProblem] = []
        var hash = ContentHash()
        var metadata = MetadataIndexBuilder()
        var (count, all) = (0, 0)
        try store.forEachDocument(ofSegment: record.number) { key, document in
            all += 1
            if segment.metadata != nil { metadata.add(document.metadata) }
            if key.ordinal >= record.documentCount || document.id != segment.map.identifier(of: key.ordinal) {
                problems.append(
                    rows(segment, "document \(key.ordinal) is \"\(document.id)\", which is not its id in the map"))
            }
            if segment.deleted?.contains(UInt32(key.ordinal)) ?? false { return }
            count += 1
            try hash.add(document)
        }
        guard count == record.liveDocumentCount else {
            return [rows(segment, "\(count) documents instead of \(record.liveDocumentCount)")]
        }
        if hash != record.liveContentHash {
            problems.append(rows(segment, "the documents are not those that were committed"))
        }
        if all == record.documentCount, let index = segment.metadata, try !index.agrees(with: metadata.tables()) {
            problems.append(
                CollectionProblem(
                    file: segment.folder + "/" + MetadataIndex.fileName, detail: "it is not that of the documents"
                ).seen(from: path))
        }
        return problems + (try passageProblems(of: segment))
    }

    private func passageProblems(of segment: Segment) throws -> [CollectionProblem] {
        var problems: [CollectionProblem] = []
        var hash = ContentHash()
        var count = 0
        try store.forEachPassage(ofSegment: segment.record.number) { passage in
            let (ordinal, document) = (passage.key.ordinal, passage.documentOrdinal)
            if ordinal >= segment.record.passageCount || document != segment.map.document(ofPassage: ordinal) {
                problems.append(rows(segment, "passage \(ordinal) belongs to another document than in the map"))
            }
            if passage.start < 0 || passage.start > passage.end || passage.end > passage.textLength {
                problems.append(rows(segment, "passage \(ordinal) lies outside its document's text"))
            }
            guard segment.live?.contains(UInt32(ordinal)) ?? true else { return }
            count += 1
            hash.add(passageOf: document, utf8Range: passage.start, passage.end, heading: passage.heading)
        }
        guard count == segment.record.livePassageCount else {
            return [rows(segment, "\(count) passages instead of \(segment.record.livePassageCount)")]
        }
        if let committed = segment.record.livePassageHash, hash != committed {
            problems.append(rows(segment, "the passages are not those that were committed"))
        }
        return problems
    }

    private func rows(_ segment: Segment, _ detail: String) -> CollectionProblem {
        CollectionProblem(file: DocumentTable.fileName, detail: "segment \(segment.record.number): \(detail)")
    }
}
