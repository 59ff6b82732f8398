import AttarStorage
import AttarText
import Foundation
import GRDB

/// The schema of `documents.sqlite` and how errors of SQLite are told.
///
/// Texts, titles, ids and addresses are stored as blobs of UTF-8, because SQLite's text values end at the first zero
/// byte and documents need not. `SELECT CAST(text AS TEXT)` shows them in the `sqlite3` shell.
enum DocumentTable {
    static let fileName = "documents.sqlite"

    /// The database and the files that SQLite puts beside it.
    static let fileNames = [fileName, fileName + "-wal", fileName + "-shm", fileName + "-journal"]

    /// The tables, all with `RowKey`s as their keys.
    static let tables = ["documents", "passages"]

    /// The version of the tables, in SQLite's `user_version`.
    static let schemaVersion = 1

    static let schema = """
        CREATE TABLE documents (
            key INTEGER PRIMARY KEY,
            segment INTEGER NOT NULL,
            id BLOB NOT NULL,
            title BLOB NOT NULL,
            url BLOB,
            headings TEXT NOT NULL,
            metadata TEXT NOT NULL,
            text BLOB NOT NULL,
            UNIQUE (id, segment));
        CREATE TABLE passages (
            key INTEGER PRIMARY KEY,
            document INTEGER NOT NULL,
            start INTEGER NOT NULL,
            end INTEGER NOT NULL,
            heading BLOB);
        PRAGMA user_version = \(schemaVersion);
        """

    /// Runs `body` and tells what SQLite says as a `CollectionError`.
    static func reporting<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                throw CollectionError.corrupt(path, error.message ?? "it is no SQLite database")
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                throw CollectionError.locked(path)
            default:
                throw CollectionError.storage(path, error.message ?? "\(error.resultCode)")
            }
        } catch is RowDecodingError {
            throw CollectionError.corrupt(path, "a row holds a value of another kind than its column")
        } catch is DecodingError {
            throw CollectionError.corrupt(path, "the headings or metadata of a row are not as they were written")
        }
    }

    /// The column order that `document(from:)` reads.
    static let documentColumns = "key, id, title, url, headings, metadata, text"

    /// One row of `documents`, columns in the order of `documentColumns`.
    static func document(from row: Row) throws -> (key: RowKey, document: Document) {
        let key = RowKey(try row.decode(Int64.self, atIndex: 0))
        var document = Document(id: try text(row, 1) ?? "", title: try text(row, 2) ?? "", text: try text(row, 6) ?? "")
        document.url = try text(row, 3)
        let (headings, metadata) = (try row.decode(String.self, atIndex: 4), try row.decode(String.self, atIndex: 5))
        document.headings = try JSONText.decode([String].self, from: headings, absent: "[]") ?? []
        document.metadata = try JSONText.decode([String: MetadataValue].self, from: metadata, absent: "{}") ?? [:]
        return (key, document)
    }

    /// A document by its key; nil when the row is missing.
    static func document(_ key: RowKey, in database: Database) throws -> Document? {
        let statement = try database.cachedStatement(sql: "SELECT \(documentColumns) FROM documents WHERE key = ?")
        return try Row.fetchOne(statement, arguments: [key.value]).map { try document(from: $0).document }
    }

    /// The keys of the documents with an id, whatever their segments.
    static func keys(ofDocument id: String, in database: Database) throws -> [RowKey] {
        let statement = try database.cachedStatement(sql: "SELECT key FROM documents WHERE id = ?")
        return try Int64.fetchAll(statement, arguments: [Data(id.utf8)]).map { RowKey($0) }
    }

    /// Calls `body` with the passage rows of a range of keys in one segment, in order.
    static func forEachPassage(
        _ keys: Range<Int64>, in database: Database, _ body: (PassageRecord) throws -> Void
    ) throws {
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT p.key, p.document, p.start, p.end, coalesce(length(d.text), -1), p.heading
                    FROM passages p LEFT JOIN documents d ON d.key = ? + p.document
                    WHERE p.key >= ? AND p.key < ? ORDER BY p.key
                    """),
            arguments: [keys.lowerBound & ~0xFFFF_FFFF, keys.lowerBound, keys.upperBound])
        while let row = try rows.next() { try body(PassageRecord(row)) }
    }

    /// A blob column as text, nil for NULL. What is in the table was valid UTF-8 when it was written.
    static func text(_ row: Row, _ column: Int) throws -> String? {
        try row.decode(Data?.self, atIndex: column).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// JSON in a column: keys sorted, so that equal values have equal bytes.
enum JSONText {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Nil where the column holds the text of an absent value, which is the common case and needs no decoder.
    static func decode<Value: Decodable>(_ type: Value.Type, from text: String, absent: String) throws -> Value? {
        text == absent ? nil : try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
