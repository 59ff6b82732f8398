import AttarIndex
import AttarStorage
import AttarText

/// Adds, replaces and deletes documents of a collection, as one commit: all of it, or nothing.
///
/// There is one writer at a time, in all processes: it holds a lock until `close()`. Readers are never disturbed: what
/// an opened collection can read stays there for as long as it is open. Memory holds the postings of the segment under
/// construction and a bit for each document, never the texts; a segment is finished when it has `passagesPerSegment`
/// passages.
///
/// A writer that fails, is killed, or is closed without `commit()` leaves the collection as it was. What it may leave
/// in the folder belongs to no commit, is never read, and is removed by the next writer.
///
/// ```swift
/// let writer = try CollectionWriter(path: "my-collection")
/// try writer.update(Document(id: "1", text: "The new text."))
/// try writer.delete(id: "2")
/// let collection = try writer.commit()
/// ```
public final class CollectionWriter {
    /// The folder.
    public let path: String
    /// The number of documents added, those in the place of others included.
    public private(set) var documentCount = 0
    /// The number of passages added.
    public private(set) var passageCount = 0
    /// The number of documents that were left out because they have neither text nor title.
    public private(set) var skippedEmpty = 0
    /// The number of documents that were taken away, those that others replaced included.
    public private(set) var deletedCount = 0
    /// The number of documents that were to be updated and say already what they were to say.
    public private(set) var unchangedCount = 0

    let fileSystem: any FileSystem
    private let lock: any FileLock
    private let store: DocumentStoreWriter
    private let analyzer: Analyzer
    private let passagesPerSegment: Int
    /// The last commit.
    private let manifest: CollectionManifest
    private var finished: [SegmentRecord] = []
    private var segment: SegmentBuilder
    private var live: LiveDocuments
    private var base: Collection?
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
        lock = try Collection.lockForWriting(path, on: fileSystem)
        // What is damaged is not built on: it would be missed only later, by whoever searches.
        let current = try Collection(path: path, on: fileSystem)
        manifest = current.manifest
        base = current
        analyzer = try Analyzer(manifest.configuration.analyzer)
        self.path = path
        self.fileSystem = fileSystem
        self.passagesPerSegment = passagesPerSegment
        store = try DocumentStoreWriter(
            path: path + "/" + DocumentTable.fileName, maximumPages: maximumDatabasePages)
        let held = try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        try store.begin(keeping: manifest.segments.map(\.number) + held)
        let number = manifest.freeSegment(held: held)
        segment = SegmentBuilder(number: number, positions: manifest.configuration.positions)
        live = LiveDocuments(current, newest: number - 1)
    }

    deinit { close() }

    // ----------------------------------------------------------------------------------------------- adding, deleting

    /// Adds a document.
    ///
    /// - Parameter source: the file and line it comes from, for messages.
    /// - Throws: `CollectionError`: the id is empty or taken; SQLite failed. After an error nothing can be committed.
    /// - Complexity: O(length of the text), and O(log n) for n documents.
    public func add(_ document: Document, from source: String? = nil) throws {
        try attempt {
            try requireIdentifier(document)
            guard !Self.isEmpty(document) else {
                skippedEmpty += 1
                return
            }
            guard try liveKey(ofDocument: document.id) == nil else {
                throw CollectionError.duplicateIdentifier(document.id, path: path, source: source)
            }
            try insert(document)
        }
    }

    /// Adds a document, in the place of the one with its id where there is one.
    ///
    /// A document that is there already word for word keeps its place and its vectors. One without text and title only
    /// takes the old one away.
    ///
    /// - Throws: `CollectionError`: the id is empty; SQLite failed. After an error nothing can be committed.
    /// - Complexity: O(length of the texts), and O(log n) for n documents.
    public func update(_ document: Document) throws {
        try attempt {
            try requireIdentifier(document)
            let isEmpty = Self.isEmpty(document)
            if isEmpty { skippedEmpty += 1 }
            if let key = try liveKey(ofDocument: document.id) {
                guard let old = try store.document(key) else { throw missing(document.id) }
                if old == document {
                    unchangedCount += 1
                    return
                }
                try remove(key, old)
            }
            if !isEmpty { try insert(document) }
        }
    }

    /// Deletes a document.
    ///
    /// - Returns: whether there was one with this id.
    /// - Complexity: O(length of its text), and O(log n) for n documents.
    @discardableResult
    public func delete(id: String) throws -> Bool {
        try attempt {
            guard let key = try liveKey(ofDocument: id) else { return false }
            guard let old = try store.document(key) else { throw missing(id) }
            try remove(key, old)
            return true
        }
    }

    /// Deletes documents.
    ///
    /// - Returns: the ids that no document has.
    @discardableResult
    public func delete(ids: some Sequence<String>) throws -> [String] {
        var unknown: [String] = []
        for id in ids where try !delete(id: id) { unknown.append(id) }
        return unknown
    }

    /// Deletes the documents of the last commit that a filter lets through, and that are still there.
    ///
    /// - Returns: how many.
    /// - Complexity: that of `Collection.selection`, and O(length of the texts).
    @discardableResult
    public func delete(where filter: MetadataFilter) throws -> Int {
        try attempt {
            guard let base else { return 0 }
            let before = deletedCount
            for (segment, documents) in zip(base.segments, try base.selection(filter).documents) {
                try documents.forEach { ordinal in
                    let key = RowKey(segment: segment.record.number, ordinal: Int(ordinal))
                    guard live.contains(key) else { return }
                    guard let old = try store.document(key) else {
                        throw missing(segment.map.identifier(of: key.ordinal))
                    }
                    try remove(key, old)
                }
            }
            return deletedCount - before
        }
    }

    private func requireIdentifier(_ document: Document) throws {
        guard !document.id.isEmpty else {
            throw CollectionError.unsuitable(
                "A document without id cannot be added (its title is \"\(document.title)\").")
        }
    }

    private static func isEmpty(_ document: Document) -> Bool {
        let isBlank = { (text: String) in
            text.utf8.allSatisfy { $0 == UInt8(ascii: " ") || (UInt8(ascii: "\t")...UInt8(ascii: "\r")).contains($0) }
        }
        return isBlank(document.text) && isBlank(document.title)
    }

    private func missing(_ id: String) -> CollectionError {
        .corrupt(store.path, "the row of document \"\(id)\" is missing")
    }

    /// The row of the document that has an id now; rows of deleted documents may have it too.
    private func liveKey(ofDocument id: String) throws -> RowKey? {
        try store.keys(ofDocument: id).first { live.contains($0) }
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
        if segment.passageCount >= passagesPerSegment { try finishSegment() }
    }

    private func remove(_ key: RowKey, _ document: Document) throws {
        let passages = key.segment == segment.number
            ? segment.passages(ofDocument: key.ordinal) : live.passages(of: key)
        let keys = RowKey.range(ofSegment: key.segment, passages)
        try live.delete(key, store.hashes(of: document, passages: keys))
        // Nobody can have seen the rows of this commit, and an id stands in a segment once.
        if key.segment >= manifest.nextSegment { try store.remove(key, passages: keys) }
        deletedCount += 1
    }

    private func finishSegment() throws {
        let record = try segment.write(in: path, on: fileSystem)
        finished.append(record)
        try live.add(record, in: path)
        segment = SegmentBuilder(number: segment.number + 1, positions: manifest.configuration.positions)
    }

    // --------------------------------------------------------------------------------------------------------- ending

    /// Makes all that was done part of the collection, and closes the writer.
    ///
    /// Order: the files of segments and of deletions and their folders are made durable, then the rows, then the
    /// manifest is replaced. The files and rows that no commit needs any more are removed by the next writer.
    ///
    /// - Returns: the collection as it is now.
    /// - Throws: `CollectionError.emptyCorpus` when there was nothing to do; what the disk throws.
    public func commit() throws -> Collection {
        try attempt {
            guard documentCount + deletedCount + unchangedCount > 0 else { throw CollectionError.emptyCorpus(path) }
            if documentCount + deletedCount > 0 { try makeCommit() }
        }
        close()
        return try Collection(path: path, on: fileSystem)
    }

    private func makeCommit() throws {
        if segment.documentCount > 0 { try finishSegment() }
        var next = manifest
        next.segments += finished
        next.nextSegment = segment.number
        try live.writeDeletions(to: &next, in: path, on: fileSystem)
        try fileSystem.synchronizeDirectory(path + "/" + CollectionLayout.segments)
        try store.commit()
        // Whether a failure here came before or after the rename is unknown, so nothing is removed after it.
        finished = []
        try Collection.write(next, to: path, on: fileSystem)
    }

    /// Gives up what was not committed, and frees the lock. Closing twice does nothing.
    public func close() {
        guard state != .closed else { return }
        state = .closed
        store.close()
        for number in finished.map(\.number) + [segment.number] {
            try? fileSystem.removeTree(SegmentBuilder.folder(of: number, in: path))
        }
        live = LiveDocuments()
        base = nil
        lock.unlock()
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
