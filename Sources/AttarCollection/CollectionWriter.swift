import AttarIndex
import AttarStorage
import AttarText

/// Adds documents to a collection, as one commit.
///
/// There is one writer at a time, in all processes: it holds a lock until `close()`. Readers are never disturbed.
/// Memory holds the postings of the segment under construction, never the texts; a segment is finished when it has
/// `passagesPerSegment` passages.
///
/// A writer that fails, is killed, or is closed without `commit()` leaves the collection as it was. What it may leave
/// in the folder belongs to no commit, is never read, and is removed by the next writer.
public final class CollectionWriter {
    /// The folder.
    public let path: String
    /// The number of documents added.
    public private(set) var documentCount = 0
    /// The number of passages added.
    public private(set) var passageCount = 0
    /// The number of documents that were left out because they have neither text nor title.
    public private(set) var skippedEmpty = 0

    let fileSystem: any FileSystem
    private let lock: any FileLock
    private let store: DocumentStoreWriter
    private let analyzer: Analyzer
    private let passagesPerSegment: Int
    private var manifest: CollectionManifest
    private var finished: [SegmentRecord] = []
    private var segment: SegmentBuilder
    private var state = State.open

    private enum State { case open, failed, closed }

    /// Locks the collection for writing and removes what killed writers left.
    ///
    /// - Parameter passagesPerSegment: the most passages of one segment, but never less than one document's.
    /// - Throws: `CollectionError`: locked, not found, not a collection, newer version, damaged.
    public convenience init(
        path: String, fileSystem: any FileSystem = LocalFileSystem(), passagesPerSegment: Int = 1_000_000
    ) throws {
        try self.init(
            path: path, fileSystem: fileSystem, passagesPerSegment: passagesPerSegment, maximumDatabasePages: nil)
    }

    init(path: String, fileSystem: any FileSystem, passagesPerSegment: Int, maximumDatabasePages: Int?) throws {
        precondition(passagesPerSegment > 0, "\(passagesPerSegment) passages a segment")
        let path = Collection.normalized(path)
        // Before the lock, so that no lock file appears in a folder that is no collection.
        _ = try Collection.readManifest(path, on: fileSystem)
        lock = try Collection.lock(path, on: fileSystem)
        // What is damaged is not built on: it would be missed only later, by whoever searches.
        manifest = try Collection(path: path, on: fileSystem).manifest
        analyzer = try Analyzer(manifest.configuration.analyzer)
        self.path = path
        self.fileSystem = fileSystem
        self.passagesPerSegment = passagesPerSegment
        segment = SegmentBuilder(
            number: manifest.nextSegment, positions: manifest.configuration.positions)
        store = try DocumentStoreWriter(
            path: path + "/" + DocumentTable.fileName, maximumPages: maximumDatabasePages)
        try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        try store.begin(keeping: manifest.segments.map(\.number))
    }

    deinit { close() }

    /// Adds a document.
    ///
    /// - Parameter source: the file and line it comes from, for messages.
    /// - Throws: `CollectionError`: the id is empty or taken; SQLite failed. After an error nothing can be committed.
    /// - Complexity: O(length of the text), and O(log n) for n documents.
    public func add(_ document: Document, from source: String? = nil) throws {
        try attempt {
            guard !document.id.isEmpty else {
                throw CollectionError.unsuitable(
                    "A document without id cannot be added (its title is \"\(document.title)\").")
            }
            guard !Self.isEmpty(document) else {
                skippedEmpty += 1
                return
            }
            guard try !store.contains(id: document.id) else {
                throw CollectionError.duplicateIdentifier(document.id, path: path, source: source)
            }
            try insert(document)
            if segment.passageCount >= passagesPerSegment { try finishSegment() }
        }
    }

    /// Makes all that was added part of the collection, and closes the writer.
    ///
    /// Order: segment files and their folders are made durable, then the rows, then the manifest is replaced.
    ///
    /// - Returns: the collection as it is now.
    /// - Throws: `CollectionError.emptyCorpus` when no document was added; what the disk throws.
    public func commit() throws -> Collection {
        try attempt {
            guard documentCount > 0 else { throw CollectionError.emptyCorpus(path) }
            if segment.documentCount > 0 { try finishSegment() }
            try fileSystem.synchronizeDirectory(path + "/" + CollectionLayout.segments)
            try store.commit()
            manifest.segments += finished
            manifest.nextSegment = segment.number
            // Whether a failure here came before or after the rename is unknown, so nothing is removed after it.
            finished = []
            try Collection.write(manifest, to: path, on: fileSystem)
        }
        close()
        return try Collection(path: path, on: fileSystem)
    }

    /// Gives up what was not committed, and frees the lock. Closing twice does nothing.
    public func close() {
        guard state != .closed else { return }
        state = .closed
        store.close()
        for number in finished.map(\.number) + [segment.number] {
            try? fileSystem.removeTree(SegmentBuilder.folder(of: number, in: path))
        }
        lock.unlock()
    }

    private static func isEmpty(_ document: Document) -> Bool {
        let isBlank = { (text: String) in
            text.utf8.allSatisfy { $0 == UInt8(ascii: " ") || (UInt8(ascii: "\t")...UInt8(ascii: "\r")).contains($0) }
        }
        return isBlank(document.text) && isBlank(document.title)
    }

    private func insert(_ document: Document) throws {
        var passages = manifest.configuration.chunking.passages(of: document)
        if passages.isEmpty { passages = Chunking.whole.passages(of: document) }
        let key = RowKey(segment: segment.number, ordinal: segment.documentCount)
        try store.insert(document, key)
        try store.insert(passages, document: key, first: segment.passageCount)
        try segment.add(document, passages: passages, analyzer: analyzer)
        documentCount += 1
        passageCount += passages.count
    }

    private func finishSegment() throws {
        finished.append(try segment.write(in: path, on: fileSystem))
        segment = SegmentBuilder(number: segment.number + 1, positions: manifest.configuration.positions)
    }

    /// After a failure the writer can only be closed: half of a document may have been taken in.
    private func attempt<Result>(_ body: () throws -> Result) throws -> Result {
        precondition(state != .closed, "the writer of \(path) is closed")
        guard state == .open else {
            throw CollectionError.unsuitable("The writer of \(path) has failed before; close it and begin again.")
        }
        do {
            return try body()
        } catch {
            state = .failed
            throw error
        }
    }
}
