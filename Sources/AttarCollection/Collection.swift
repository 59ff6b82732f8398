import AttarIndex
import AttarModels
import AttarStorage
import AttarText

/// Documents and their indexes in a folder, as they were at one commit.
///
/// An opened collection is a snapshot: it keeps the files of its commit mapped, and sees nothing of what writers do
/// later. Any number of threads may read it.
///
/// ```swift
/// let collection = try Collection.ingest(into: "my-collection") { writer in
///     try writer.add(Document(id: "1", title: "Attar", text: "The essence that is left."))
/// }
/// print(collection.documentCount, try collection.document(id: "1")?.title ?? "")
/// ```
public final class Collection: Sendable {
    /// The folder.
    public let path: String
    /// What belongs to this commit.
    public let manifest: CollectionManifest
    /// The segments, in the order of their ordinals.
    public let segments: [Segment]
    /// What makes terms out of texts and queries.
    public let analyzer: Analyzer
    let store: DocumentStore
    let selections = SelectionCache()
    /// What is not deleted; nil when nothing is deleted.
    public let live: Selection?

    /// Opens the last commit of a collection.
    ///
    /// - Throws: `CollectionError` when nothing, something else, a damaged collection or one of a newer format stands
    ///   there.
    public static func open(at path: String) throws -> Collection {
        try Collection(path: normalized(path), on: LocalFileSystem())
    }

    init(path: String, on fileSystem: any FileSystem) throws {
        self.path = path
        (manifest, segments) = try Self.snapshot(path, on: fileSystem)
        analyzer = try Analyzer(manifest.configuration.analyzer)
        live = Selection(live: segments)
        store = try DocumentStore(path: path + "/" + DocumentTable.fileName)
    }

    /// The last commit with its segments open, which keeps their files and rows in place.
    ///
    /// A writer may commit and remove segments while they are opened, so the manifest is read again when all are held:
    /// what it still names then can no longer be removed. Otherwise it is all done again.
    private static func snapshot(
        _ path: String, on fileSystem: any FileSystem
    ) throws -> (CollectionManifest, [Segment]) {
        var manifest = try readManifest(path, on: fileSystem)
        while true {
            let segments = Result { try open(manifest, path) }
            let next = try readManifest(path, on: fileSystem)
            let named = Set(next.segments.map(\.number))
            switch segments {
            case .success(let segments) where manifest.segments.allSatisfy({ named.contains($0.number) }):
                return (manifest, segments)
            case .failure(let error) where next == manifest: throw error
            default: manifest = next
            }
        }
    }

    private static func open(_ manifest: CollectionManifest, _ path: String) throws -> [Segment] {
        var (passages, documents) = (0, 0)
        return try manifest.segments.map { record in
            defer {
                passages += record.passageCount
                documents += record.documentCount
            }
            return try Segment(
                record, of: manifest, collection: path, passages: passages, documents: documents)
        }
    }

    /// Whether a collection stands at the path, of whatever version and state.
    public static func exists(at path: String) -> Bool {
        (try? LocalFileSystem().exists(normalized(path) + "/" + CollectionManifest.fileName)) ?? false
    }

    /// The number of documents, deleted ones included: ordinals are below it.
    public var documentCount: Int { manifest.documentCount }
    /// The number of passages, those of deleted documents included: ordinals are below it.
    public var passageCount: Int { manifest.passageCount }
    /// The number of documents that are not deleted.
    public var liveDocumentCount: Int { manifest.liveDocumentCount }
    /// The number of their passages.
    public var livePassageCount: Int { manifest.livePassageCount }
    /// A hash of what the documents say; equal corpora have equal hashes, however they were ingested.
    public var contentHash: String { manifest.contentHash }

    /// The encoders whose vectors cover the whole collection.
    public var encoders: [EncoderRecord] {
        manifest.encoders.filter { encoder in
            manifest.segments.allSatisfy { $0.file(named: encoder.fileName) != nil }
        }
    }

    /// The encoders that still have to encode documents that were added after them.
    public var incompleteEncoders: [EncoderRecord] {
        let complete = Set(encoders.map(\.fileName))
        return manifest.encoders.filter { !complete.contains($0.fileName) }
    }

    /// The bytes of the word index, and of each encoder's vectors with their index, weights and token vectors, by their
    /// file names.
    public var indexBytes: (text: Int, vectors: [String: Int]) {
        var text = 0
        var vectors: [String: Int] = [:]
        for file in manifest.segments.flatMap(\.files) {
            if file.name == Segment.textFileName { text += file.bytes }
            for encoder in manifest.encoders where [encoder.fileName, encoder.index?.fileName].contains(file.name) {
                vectors[encoder.fileName, default: 0] += file.bytes
            }
            for record in manifest.learnedIndexes where record.fileName == file.name {
                vectors[record.fileName, default: 0] += file.bytes
            }
        }
        return (text, vectors)
    }

    // MARK: Ordinals

    /// The segment that holds a passage, and the passage's ordinal within it.
    ///
    /// - Complexity: O(number of segments), without allocation.
    /// - Precondition: `passage` is below `passageCount`.
    public func locate(passage: Int) -> (segment: Segment, ordinal: Int) {
        precondition(passage >= 0 && passage < passageCount, "passage \(passage) of \(passageCount)")
        for segment in segments where passage < segment.firstPassage + segment.record.passageCount {
            return (segment, passage - segment.firstPassage)
        }
        preconditionFailure("passage \(passage) is in none of \(segments.count) segments")
    }

    /// The ordinal of the document that a passage belongs to.
    ///
    /// - Complexity: O(number of segments), without allocation.
    public func document(ofPassage passage: Int) -> Int {
        let (segment, ordinal) = locate(passage: passage)
        return segment.firstDocument + segment.map.document(ofPassage: ordinal)
    }

    /// The id of a document by its ordinal, from memory.
    public func identifier(ofDocument document: Int) -> String {
        let (segment, ordinal) = locate(document: document)
        return segment.map.identifier(of: ordinal)
    }

    func locate(document: Int) -> (segment: Segment, ordinal: Int) {
        precondition(document >= 0 && document < documentCount, "document \(document) of \(documentCount)")
        for segment in segments where document < segment.firstDocument + segment.record.documentCount {
            return (segment, document - segment.firstDocument)
        }
        preconditionFailure("document \(document) is in none of \(segments.count) segments")
    }

    static func normalized(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
