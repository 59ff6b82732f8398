import AttarStorage
import AttarText
import Foundation
import GRDB

/// Writes `documents.sqlite`: one transaction from the first row to `commit()`, so that a writer that is killed or
/// fails leaves nothing behind.
///
/// The transaction is committed just before the manifest is replaced. Between these two steps the rows exist but belong
/// to a segment that no manifest names: readers never see them, and the next writer removes them.
final class DocumentStoreWriter {
    let path: String
    private let queue: DatabaseQueue
    private var inTransaction = false

    /// Opens or creates the database.
    ///
    /// - Parameter maximumPages: a limit on the file's size, which stands for a full disk in tests.
    init(path: String, maximumPages: Int? = nil) throws {
        self.path = path
        queue = try DocumentTable.reporting(path) {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            // The transaction stays open from one `add` to the next.
            configuration.allowsUnsafeTransactions = true
            configuration.prepareDatabase { database in
                try database.execute(
                    sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304")
                if let maximumPages { try database.execute(sql: "PRAGMA max_page_count = \(maximumPages)") }
            }
            return try DatabaseQueue(path: path, configuration: configuration)
        }
        try makeTables()
    }

    private func makeTables() throws {
        try run { database in
            let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            guard version <= DocumentTable.schemaVersion else {
                throw CollectionError.newerVersion(self.path, found: version, known: DocumentTable.schemaVersion)
            }
            guard version == 0 else { return }
            try database.inTransaction(.immediate) {
                try database.execute(sql: DocumentTable.schema)
                return .commit
            }
        }
    }

    private func run<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try DocumentTable.reporting(path) { try queue.writeWithoutTransaction(body) }
    }

    /// Begins the transaction.
    func begin() throws {
        try run { database in
            try database.beginTransaction(.immediate)
            inTransaction = true
        }
    }

    /// Begins the transaction, and removes the rows of all segments but the given ones.
    func begin(keeping segments: [Int]) throws {
        try begin()
        try run { database in
            for keys in Self.gaps(between: segments) {
                for table in DocumentTable.tables {
                    try database.execute(
                        sql: "DELETE FROM \(table) WHERE key >= ? AND key < ?", arguments: [keys.lowerBound, keys.upperBound])
                }
            }
        }
    }

    /// Removes rows of all segments but the given ones, for some time.
    ///
    /// - Returns: whether none are left.
    func removeRows(keeping segments: [Int], for time: Duration) throws -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + time
        let most = 1000
        return try run { database in
            for keys in Self.gaps(between: segments) {
                for table in DocumentTable.tables {
                    repeat {
                        guard clock.now < end else { return false }
                        try database.cachedStatement(
                            sql: """
                                DELETE FROM \(table) WHERE key IN
                                    (SELECT key FROM \(table) WHERE key >= ? AND key < ? LIMIT \(most))
                                """
                        ).execute(arguments: [keys.lowerBound, keys.upperBound])
                    } while database.changesCount == most
                }
            }
            return true
        }
    }

    /// The keys that belong to none of some segments.
    private static func gaps(between segments: [Int]) -> [Range<Int64>] {
        var start: Int64 = 0
        var gaps: [Range<Int64>] = []
        for range in segments.sorted().map({ RowKey.range(ofSegment: $0) }) {
            if start < range.lowerBound { gaps.append(start..<range.lowerBound) }
            start = range.upperBound
        }
        return gaps + [start..<Int64.max]
    }

    /// The keys of all rows with an id, also of documents that are deleted.
    func keys(ofDocument id: String) throws -> [RowKey] {
        try run { try DocumentTable.keys(ofDocument: id, in: $0) }
    }

    /// A document by its key; nil when the row is missing.
    func document(_ key: RowKey) throws -> Document? {
        try run { try DocumentTable.document(key, in: $0) }
    }

    /// What a document with passages at some keys adds to the hashes of its segment.
    func hashes(of document: Document, passages keys: Range<Int64>) throws -> DocumentHashes {
        try run { database in
            var hashes = DocumentHashes()
            try hashes.content.add(document)
            try DocumentTable.forEachPassage(keys, in: database) { hashes.add($0) }
            guard hashes.passageCount == keys.count else {
                throw CollectionError.corrupt(self.path, "passages of document \"\(document.id)\" are missing")
            }
            return hashes
        }
    }

    /// Removes the rows of a document that was never committed.
    func remove(_ key: RowKey, passages keys: Range<Int64>) throws {
        try run { database in
            try database.execute(sql: "DELETE FROM documents WHERE key = ?", arguments: [key.value])
            try database.execute(
                sql: "DELETE FROM passages WHERE key >= ? AND key < ?", arguments: [keys.lowerBound, keys.upperBound])
        }
    }

    /// Adds a document.
    ///
    /// - Precondition: the id is new in the segment.
    func insert(_ document: Document, _ key: RowKey) throws {
        let headings = document.headings.isEmpty ? "[]" : try JSONText.encode(document.headings)
        let metadata = document.metadata.isEmpty ? "{}" : try JSONText.encode(document.metadata)
        try run { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO documents (key, segment, id, title, url, headings, metadata, text)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            try statement.execute(arguments: [
                key.value, key.segment, Data(document.id.utf8), Data(document.title.utf8),
                document.url.map { Data($0.utf8) }, headings, metadata, Data(document.text.utf8),
            ])
        }
    }

    /// Adds the passages of a document, whose ordinals in the segment follow each other from `first`.
    func insert(_ passages: [Passage], document: RowKey, first: Int) throws {
        try run { database in
            let statement = try database.cachedStatement(
                sql: "INSERT INTO passages (key, document, start, end, heading) VALUES (?, ?, ?, ?, ?)")
            for (index, passage) in passages.enumerated() {
                try statement.execute(arguments: [
                    RowKey(segment: document.segment, ordinal: first + index).value, document.ordinal,
                    passage.utf8Range.lowerBound, passage.utf8Range.upperBound,
                    passage.heading.map { Data($0.utf8) },
                ])
            }
        }
    }

    /// Copies the rows of documents that follow each other to where they stand in a merged segment.
    func copy(_ run: MergeLayout.Run, to segment: Int) throws {
        try self.run { database in
            let source = run.segment.record.number
            let documents = RowKey.range(ofSegment: source, run.documents)
            let passages = RowKey.range(ofSegment: source, run.passages)
            try database.cachedStatement(
                sql: """
                    INSERT INTO documents (key, segment, id, title, url, headings, metadata, text)
                    SELECT key + ?, ?, id, title, url, headings, metadata, text FROM documents WHERE key >= ? AND key < ?
                    """
            ).execute(arguments: [
                RowKey(segment: segment, ordinal: run.firstDocument).value - documents.lowerBound, segment,
                documents.lowerBound, documents.upperBound,
            ])
            try database.cachedStatement(
                sql: """
                    INSERT INTO passages (key, document, start, end, heading)
                    SELECT key + ?, document + ?, start, end, heading FROM passages WHERE key >= ? AND key < ?
                    """
            ).execute(arguments: [
                RowKey(segment: segment, ordinal: run.firstPassage).value - passages.lowerBound,
                run.firstDocument - run.documents.lowerBound, passages.lowerBound, passages.upperBound,
            ])
        }
    }

    /// Makes all rows durable.
    ///
    /// - Parameter shrinking: whether SQLite's log is emptied, only to keep the folder small.
    func commit(shrinking: Bool = true) throws {
        try run { try $0.commit() }
        inTransaction = false
        // A reader in the way is no reason to fail.
        if shrinking { _ = try? run { try $0.checkpoint(.truncate) } }
    }

    /// Forgets all rows since `begin`.
    func rollback() {
        guard inTransaction else { return }
        inTransaction = false
        try? run { try $0.rollback() }
    }

    func close() {
        rollback()
        try? queue.close()
    }
}
