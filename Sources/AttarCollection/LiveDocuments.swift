import AttarIndex
import AttarStorage

/// Which documents there are for a writer: those of the last commit and its own, less those that it has deleted.
struct LiveDocuments {
    /// The segments of the last commit by number; they also hold the leases that keep their files and rows in place.
    private var committed: [Int: Segment] = [:]
    /// The maps of the writer's own finished segments.
    private var finished: [Int: SegmentMap] = [:]
    /// The highest number of a segment that is not this writer's.
    private var newest = 0
    /// What is deleted of each segment, where this writer has deleted something.
    private var deletions: [Int: Deletions] = [:]

    /// No documents.
    init() {}

    /// - Parameter newest: the highest number of a segment that is not this writer's.
    init(_ collection: Collection, newest: Int) {
        self.newest = newest
        committed = Dictionary(uniqueKeysWithValues: collection.segments.map { ($0.record.number, $0) })
    }

    /// Takes in a segment that the writer has finished.
    mutating func add(_ record: SegmentRecord, in path: String) throws {
        let folder = SegmentBuilder.folder(of: record.number, in: path)
        finished[record.number] = try SegmentMap(
            path: folder + "/" + SegmentMap.fileName, documentCount: record.documentCount,
            passageCount: record.passageCount)
    }

    /// Whether the row is that of a document which is there.
    ///
    /// Rows of segments that only readers of older commits know are not.
    func contains(_ key: RowKey) -> Bool {
        if let deletions = deletions[key.segment] { return !deletions.documents.contains(UInt32(key.ordinal)) }
        if let segment = committed[key.segment] { return !(segment.deleted?.contains(UInt32(key.ordinal)) ?? false) }
        return key.segment > newest
    }

    /// The ordinals of a document's passages in its segment.
    ///
    /// - Precondition: the segment is not the one under construction.
    func passages(of key: RowKey) -> Range<Int> {
        guard let map = committed[key.segment]?.map ?? finished[key.segment] else {
            preconditionFailure("segment \(key.segment) is unknown")
        }
        return map.passages(of: key.ordinal)
    }

    /// Deletes a document that is there.
    mutating func delete(_ key: RowKey, _ hashes: DocumentHashes) {
        var deletions = deletions[key.segment] ?? committed[key.segment].map { Deletions(of: $0) } ?? Deletions()
        deletions.add(key.ordinal, hashes)
        self.deletions[key.segment] = deletions
    }

    /// Writes what was deleted, and puts it into the manifest of the next commit; segments of which nothing is left
    /// are left out.
    func writeDeletions(
        to manifest: inout CollectionManifest, in path: String, on fileSystem: any FileSystem
    ) throws {
        manifest.segments = try manifest.segments.compactMap { record in
            guard let deletions = deletions[record.number] else { return record }
            var record = record
            // Also where nothing is left, so that a repair that has no manifest to go by knows that.
            record.deletions = try deletions.write(
                in: SegmentBuilder.folder(of: record.number, in: path), documentCount: record.documentCount,
                on: fileSystem)
            return record.liveDocumentCount > 0 ? record : nil
        }
    }
}
