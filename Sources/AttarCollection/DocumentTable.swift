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
        }
    }

    /// The column order that `document(from:)` reads.
    static let documentColumns = "key, id, title, url, headings, metadata, text"

    /// One row of `documents`, columns in the order of `documentColumns`.
    static func document(from row: Row) throws -> (key: RowKey, document: Document) {
        let key = RowKey(row[0] as Int64)
        var document = Document(id: text(row, 1), title: text(row, 2), text: text(row, 6))
        if row[3] != nil { document.url = text(row, 3) }
        document.headings = try JSONText.decode([String].self, from: row[4], absent: "[]") ?? []
        document.metadata = try JSONText.decode([String: MetadataValue].self, from: row[5], absent: "{}") ?? [:]
        return (key, document)
    }

    /// A blob column as text. What is in the table was valid UTF-8 when it was written.
    static func text(_ row: Row, _ column: Int) -> String {
        let data: Data? = row[column]
        return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
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
