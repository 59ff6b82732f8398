import AttarStorage
import AttarText
import Foundation
import GRDB

/// Reads `documents.sqlite`. Connections are pooled, so any number of threads may read at once.
///
/// Rows of a committed segment never change, and stay as long as somebody has it open (see `Leftovers`), so no read
/// needs a transaction that outlives it.
final class DocumentStore: Sendable {
    let path: String
    private let pool: DatabasePool
    /// Takes SQLite's `-wal` and `-shm` away when it is closed last, which connections that only read cannot: a
    /// collection that nobody uses has no other files than those it was committed with.
    private let keeper: DatabaseQueue?

    /// Opens the database for reading.
    ///
    /// - Throws: `CollectionError`, `StorageError` when the file cannot be read at all.
    init(path: String) throws {
        self.path = path
        try Self.requireFile(path)
        (pool, keeper) = try DocumentTable.reporting(path) { try Self.connect(path) }
        let version = try read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard version <= DocumentTable.schemaVersion else {
            throw CollectionError.newerVersion(path, found: version, known: DocumentTable.schemaVersion)
        }
        guard version > 0 else { throw CollectionError.corrupt(path, "it has no tables") }
    }

    deinit {
        // The keeper must be the last to leave.
        try? pool.close()
        try? keeper?.close()
    }

    private func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try DocumentTable.reporting(path) { try pool.read(body) }
    }

    /// A document by its key; nil when the row is missing.
    func document(_ key: RowKey) throws -> Document? {
        try read { try DocumentTable.document(key, in: $0) }
    }

    /// The keys of the documents with an id, whatever their segments.
    func keys(ofDocument id: String) throws -> [RowKey] {
        try read { try DocumentTable.keys(ofDocument: id, in: $0) }
    }

    /// A run of passages in order: at most `count`, and no more once their texts have `maximumBytes`.
    ///
    /// A document's text is read once for all its passages that follow each other.
    func passages(from start: RowKey, count: Int, maximumBytes: Int) throws -> [PassageRow] {
        try read { database in
            let end = RowKey.range(ofSegment: start.segment).upperBound
            let statement = try database.cachedStatement(
                sql:
                    "SELECT key, document, start, end, heading FROM passages WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
            )
            let rows = try Row.fetchCursor(statement, arguments: [start.value, end, count])
            var passages: [PassageRow] = []
            var current: (ordinal: Int, document: Document)?
            var bytes = 0
            while bytes < maximumBytes, let row = try rows.next() {
                let key = RowKey(try row.decode(Int64.self, atIndex: 0))
                let ordinal = try row.decode(Int.self, atIndex: 1)
                if current?.ordinal != ordinal {
                    guard RowKey.ordinals.contains(ordinal),
                        let found = try DocumentTable.document(RowKey(segment: key.segment, ordinal: ordinal), in: database)
                    else { throw missing(ordinal, of: key) }
                    current = (ordinal, found)
                }
                guard let document = current?.document else { break }
                let passage = try passage(key, ordinal, row, of: document)
                bytes += passage.text.utf8.count
                passages.append(passage)
            }
            return passages
        }
    }

    private func passage(_ key: RowKey, _ ordinal: Int, _ row: Row, of document: Document) throws -> PassageRow {
        let (start, end) = (try row.decode(Int.self, atIndex: 2), try row.decode(Int.self, atIndex: 3))
        let bytes = document.text.utf8
        guard start >= 0, start <= end, end <= bytes.count else {
            throw CollectionError.corrupt(
                path, "passage \(key.ordinal) of segment \(key.segment) lies outside its text")
        }
        let range = bytes.index(bytes.startIndex, offsetBy: start)..<bytes.index(bytes.startIndex, offsetBy: end)
        let text =
            range == bytes.startIndex..<bytes.endIndex ? document.text : String(decoding: bytes[range], as: UTF8.self)
        return PassageRow(
            key: key, documentOrdinal: ordinal, document: document, utf8Range: start..<end, text: text,
            heading: try DocumentTable.text(row, 4))
    }

    private func missing(_ ordinal: Int, of key: RowKey) -> CollectionError {
        .corrupt(path, "document \(ordinal) of passage \(key.ordinal) in segment \(key.segment) is missing")
    }

    /// Calls `body` with each document of a segment, in order. Texts are in memory one at a time.
    func forEachDocument(ofSegment segment: Int, _ body: (RowKey, Document) throws -> Void) throws {
        try read { database in
            let range = RowKey.range(ofSegment: segment)
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT \(DocumentTable.documentColumns) FROM documents WHERE key >= ? AND key < ? ORDER BY key",
                arguments: [range.lowerBound, range.upperBound])
            while let row = try rows.next() {
                let (key, document) = try DocumentTable.document(from: row)
                try body(key, document)
            }
        }
    }

    /// Calls `body` with the metadata of each document of a segment, in order.
    func forEachMetadata(ofSegment segment: Int, _ body: (RowKey, [String: MetadataValue]) throws -> Void) throws {
        try read { database in
            let range = RowKey.range(ofSegment: segment)
            let rows = try Row.fetchCursor(
                database, sql: "SELECT key, metadata FROM documents WHERE key >= ? AND key < ? ORDER BY key",
                arguments: [range.lowerBound, range.upperBound])
            while let row = try rows.next() {
                let (key, text) = (try row.decode(Int64.self, atIndex: 0), try row.decode(String.self, atIndex: 1))
                try body(RowKey(key), try JSONText.decode([String: MetadataValue].self, from: text, absent: "{}") ?? [:])
            }
        }
    }

    /// Calls `body` with each passage row of a segment, in order.
    func forEachPassage(ofSegment segment: Int, _ body: (PassageRecord) throws -> Void) throws {
        try read { try DocumentTable.forEachPassage(RowKey.range(ofSegment: segment), in: $0, body) }
    }

    /// Calls `body` with the passage rows of a range of keys in one segment, in order.
    func forEachPassage(_ keys: Range<Int64>, _ body: (PassageRecord) throws -> Void) throws {
        try read { try DocumentTable.forEachPassage(keys, in: $0, body) }
    }

    /// What SQLite itself finds wrong with the file.
    func integrityProblems() throws -> [String] {
        try read { try String.fetchAll($0, sql: "PRAGMA integrity_check(20)") }.filter { $0 != "ok" }
    }
}

/// A passage with the document around it, as the database holds it.
struct PassageRow {
    let key: RowKey
    let documentOrdinal: Int
    let document: Document
    let utf8Range: Range<Int>
    let text: String
    let heading: String?
}

/// A row of `passages` as it stands, for checking.
struct PassageRecord {
    let key: RowKey
    let documentOrdinal: Int
    let start: Int
    let end: Int
    /// The length of the document's text, -1 when the document is missing.
    let textLength: Int
    let heading: String?

    init(_ row: Row) throws {
        key = RowKey(try row.decode(Int64.self, atIndex: 0))
        documentOrdinal = try row.decode(Int.self, atIndex: 1)
        start = try row.decode(Int.self, atIndex: 2)
        end = try row.decode(Int.self, atIndex: 3)
        textLength = try row.decode(Int.self, atIndex: 4)
        heading = try DocumentTable.text(row, 5)
    }
}
