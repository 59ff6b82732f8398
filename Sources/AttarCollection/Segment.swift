import AttarIndex
import AttarModels
import AttarStorage

/// An immutable part of a collection, with its files mapped.
///
/// Ordinals within a segment start at 0; adding `firstPassage` or `firstDocument` gives the collection's ordinals.
public final class Segment: Sendable {
    /// What the manifest says about it.
    public let record: SegmentRecord
    /// The ordinal in the collection of its first passage.
    public let firstPassage: Int
    /// The ordinal in the collection of its first document.
    public let firstDocument: Int
    /// Passages to documents, documents to ids.
    public let map: SegmentMap
    /// The word index over `PassageText.embedding`.
    public let text: InvertedIndex
    /// The metadata of the documents; nil in segments of collections that were made before it was indexed.
    let metadata: MetadataIndex?
    /// The deleted documents, by their ordinals within the segment; nil when there are none.
    public let deleted: OrdinalSet?
    /// The passages of the documents that are not deleted; nil when none is.
    public let live: OrdinalSet?
    /// Keeps the rows and files in place while a reader may need them: see `Leftovers`.
    private let lease: FileLease
    private let vectorsByFile: [String: FlatVectorIndex]
    private let indexesByFile: [String: any VectorIndex]
    let learned: LearnedIndexes
    let folder: String

    static let textFileName = "text.inv"

    /// Maps the segment's files.
    ///
    /// - Complexity: O(passages), for the check that the map of passages stays in its bounds.
    /// - Throws: `CollectionError.corrupt` when a file is missing, of another size, or damaged where it is read first.
    init(
        _ record: SegmentRecord, of manifest: CollectionManifest, collection path: String, passages: Int, documents: Int
    ) throws {
        let encoders = manifest.encoders
        self.record = record
        firstPassage = passages
        firstDocument = documents
        folder = path + "/" + CollectionLayout.segments + "/" + record.folderName
        lease = try Self.lease(folder)
        for file in record.allFiles {
            let size = try LocalFileSystem().information(at: folder + "/" + file.name)?.size
            guard size == file.bytes else {
                let found = size.map { "has \($0) bytes" } ?? "is missing"
                throw CollectionError.corrupt(folder + "/" + file.name, "it \(found), and \(file.bytes) were committed")
            }
        }
        map = try SegmentMap(
            path: folder + "/" + SegmentMap.fileName, documentCount: record.documentCount,
            passageCount: record.passageCount)
        if let problem = map.firstProblem() {
            throw CollectionError.corrupt(folder + "/" + SegmentMap.fileName, problem)
        }
        deleted = try record.deletions.map { [folder] deletions in
            try Deletions.read(deletions, in: folder, documentCount: record.documentCount)
        }
        live = try deleted.map { [map, folder] in try Self.live($0, map, record, in: folder) }
        text = try InvertedIndex(path: folder + "/" + Self.textFileName)
        metadata = try record.file(named: MetadataIndex.fileName).map { [folder] file in
            try MetadataIndex(path: folder + "/" + file.name, documentCount: record.documentCount)
        }
        var vectors: [String: FlatVectorIndex] = [:]
        for encoder in encoders where record.file(named: encoder.fileName) != nil {
            vectors[encoder.fileName] = try FlatVectorIndex(path: folder + "/" + encoder.fileName)
        }
        vectorsByFile = vectors
        var indexes: [String: any VectorIndex] = [:]
        for encoder in encoders {
            guard let index = encoder.index, record.file(named: index.fileName) != nil,
                let vectors = vectors[encoder.fileName]
            else { continue }
            indexes[encoder.fileName] = try index.open(folder + "/" + index.fileName, over: vectors)
        }
        indexesByFile = indexes
        learned = try LearnedIndexes(manifest.learnedIndexes, of: record, in: folder)
        try checkCounts(encoders)
    }

    /// The vectors of an encoder, one row per passage; nil when it has not encoded this segment.
    public func vectors(of encoder: EncoderRecord) -> FlatVectorIndex? { vectorsByFile[encoder.fileName] }

    /// What finds the nearest of these vectors: the encoder's index, or the vectors themselves where the segment is too
    /// small for one.
    public func vectorIndex(of encoder: EncoderRecord) -> (any VectorIndex)? {
        indexesByFile[encoder.fileName] ?? vectorsByFile[encoder.fileName]
    }

    /// The weights of a sparse encoder; nil when it has not encoded this segment.
    public func weights(of record: LearnedIndexRecord) -> SparseIndex? { learned.weights(of: record) }

    /// The token vectors of an encoder; nil when it has not encoded this segment.
    public func tokens(of record: LearnedIndexRecord) -> MultiVectorIndex? { learned.tokens(of: record) }

    /// The index over these vectors; nil where each is looked at.
    func ownIndex(of encoder: EncoderRecord) -> (any VectorIndex)? { indexesByFile[encoder.fileName] }

    private static func lease(_ folder: String) throws -> FileLease {
        do {
            return try FileLease(path: folder + "/" + SegmentMap.fileName)
        } catch let error as StorageError where error.kind == .notFound {
            throw CollectionError.corrupt(error.path, "it is missing")
        }
    }

    /// The passages that are left when documents are deleted.
    private static func live(
        _ deleted: OrdinalSet, _ map: SegmentMap, _ record: SegmentRecord, in folder: String
    ) throws -> OrdinalSet {
        var live = OrdinalSet(capacity: record.passageCount, full: true)
        deleted.forEach { document in
            for passage in map.passages(of: Int(document)) { live.remove(UInt32(passage)) }
        }
        guard live.count == record.livePassageCount else {
            throw CollectionError.corrupt(
                folder, "\(live.count) passages are not deleted, and \(record.livePassageCount) were committed")
        }
        return live
    }

    /// The passages and words of the documents that are not deleted, as BM25 counts them.
    ///
    /// - Complexity: O(deleted passages).
    public var liveStatistics: CorpusStatistics {
        var statistics = text.statistics
        live?.complement.forEach { passage in
            let length = text.length(of: passage)
            statistics.totalLength -= length
            if length > 0 { statistics.passages -= 1 }
        }
        return statistics
    }

    private func checkCounts(_ encoders: [EncoderRecord]) throws {
        let expected = record.passageCount
        guard text.passages == expected else {
            throw CollectionError.corrupt(
                folder + "/" + Self.textFileName, "it indexes \(text.passages) passages instead of \(expected)")
        }
        for encoder in encoders {
            guard let vectors = vectors(of: encoder) else { continue }
            guard vectors.count == expected, vectors.dimension == encoder.fingerprint.dimension else {
                throw CollectionError.corrupt(
                    folder + "/" + encoder.fileName,
                    "it has \(vectors.count) vectors of width \(vectors.dimension) instead of \(expected) of width "
                        + "\(encoder.fingerprint.dimension)")
            }
        }
    }
}

/// The names in a collection's folder.
enum CollectionLayout {
    static let segments = "segments"
    static let lock = "writer.lock"
    static let mergeLock = "merge.lock"
    /// The folder among the segments where a merge's files come to be.
    static let merging = "merging"
}
