import AttarModels
import AttarStorage
import AttarTensor
import Foundation
import GRDB

/// What teachers said, kept so that none is asked the same thing twice.
///
/// The store is content-addressed: the key of an answer is the SHA-256 of everything that decides it (the teacher's
/// fingerprint, the role, the length limit, the text). It is an SQLite database in write-ahead mode; each batch of
/// answers is one transaction, so a killed run loses nothing that a teacher has already answered.
public final class SignalStore: Sendable {
    /// The path of the database.
    public let path: String
    private let database: DatabaseQueue

    /// Opens the store, creating it and its folder when absent.
    ///
    /// - Throws: `SignalError.store`.
    public init(path: String) throws {
        self.path = path
        do {
            let folder = URL(filePath: path).deletingLastPathComponent().path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            var configuration = Configuration()
            configuration.busyMode = .timeout(30)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            try Self.migrator.migrate(database)
        } catch {
            throw SignalError.store(path: path, detail: "\(error)")
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("vectors") { database in
            try database.execute(sql: """
                CREATE TABLE teachers (fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, width INTEGER NOT NULL);
                CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
                CREATE TABLE ledger (
                    teacher TEXT NOT NULL, texts INTEGER NOT NULL, seconds REAL NOT NULL);
                """)
        }
        migrator.registerMigration("checksums") { database in
            try database.execute(sql: "ALTER TABLE vectors ADD COLUMN checksum INTEGER")
        }
        return migrator
    }

    /// The stored vectors of the given keys; nil where the teacher was never asked, or what it said is damaged.
    ///
    /// - Complexity: O(`keys.count` · log(stored)).
    public func vectors(_ keys: [SignalKey]) throws -> [[Float]?] {
        try reporting {
            try database.read { database in
                let statement = try database.cachedStatement(sql: "SELECT vector, checksum FROM vectors WHERE key = ?")
                return try keys.map { key in
                    try Row.fetchOne(statement, arguments: [key.data]).flatMap(Self.vector)
                }
            }
        }
    }

    /// Stores one batch of answers and what they cost, in one transaction.
    ///
    /// - Parameter vectors: `[keys, width]`.
    /// - Throws: `SignalError.widthChanged` when this fingerprint answered with another width before.
    public func store(
        _ vectors: Matrix, for keys: [SignalKey], teacher: EncoderFingerprint, seconds: Double
    ) throws {
        precondition(vectors.rows == keys.count, "\(vectors.rows) vectors for \(keys.count) keys")
        try reporting {
            try database.write { database in
                try Self.register(teacher, width: vectors.columns, in: database)
                let statement = try database.cachedStatement(
                    sql: "INSERT OR REPLACE INTO vectors (key, vector, checksum) VALUES (?, ?, ?)")
                for (index, key) in keys.enumerated() {
                    let bytes = vectors.row(index).withUnsafeBytes { Data($0) }
                    try statement.execute(arguments: [key.data, bytes, Self.checksum(bytes)])
                }
                try database.execute(
                    sql: "INSERT INTO ledger (teacher, texts, seconds) VALUES (?, ?, ?)",
                    arguments: [teacher.id, keys.count, seconds])
            }
        }
    }

    /// All that was ever asked of a teacher: texts answered, and seconds spent.
    public func ledger(of teacher: EncoderFingerprint) throws -> (texts: Int, seconds: Double) {
        try reporting {
            try database.read { database in
                let row = try Row.fetchOne(
                    database,
                    sql: "SELECT COALESCE(SUM(texts), 0), COALESCE(SUM(seconds), 0.0) FROM ledger WHERE teacher = ?",
                    arguments: [teacher.id])
                return (try row?.decode(Int.self, atIndex: 0) ?? 0, try row?.decode(Double.self, atIndex: 1) ?? 0)
            }
        }
    }

    private static func register(_ teacher: EncoderFingerprint, width: Int, in database: Database) throws {
        let known = try Int.fetchOne(
            database, sql: "SELECT width FROM teachers WHERE fingerprint = ?", arguments: [teacher.id])
        if let known, known != width {
            throw SignalError.widthChanged(teacher: teacher.name, expected: known, found: width)
        }
        if known == nil {
            try database.execute(
                sql: "INSERT INTO teachers (fingerprint, name, width) VALUES (?, ?, ?)",
                arguments: [teacher.id, teacher.name, width])
        }
    }

    /// The vector of a row; nil when its bytes are not those that were stored. SQLite itself does not look.
    private static func vector(_ row: Row) throws -> [Float]? {
        let data = try row.decode(Data.self, atIndex: 0)
        // Older stores kept no checksum.
        if let stored = try row.decode(Int64?.self, atIndex: 1), stored != checksum(data) { return nil }
        return floats(data)
    }

    private static func checksum(_ data: Data) -> Int64 {
        Int64(data.withUnsafeBytes { CRC32C.checksum(of: $0) })
    }

    private static func floats(_ data: Data) -> [Float] {
        data.withUnsafeBytes { bytes in
            (0..<(bytes.count / 4)).map {
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }

    /// Runs database work, giving its failures this store's name.
    private func reporting<Result>(_ work: () throws -> Result) throws -> Result {
        do {
            return try work()
        } catch let error as SignalError {
            throw error
        } catch {
            throw SignalError.store(path: path, detail: "\(error)")
        }
    }
}

/// The address of one answer: the SHA-256 of what was asked, of whom.
public struct SignalKey: Hashable, Sendable {
    let data: Data

    /// The key of a teacher's vector for a text in a role, cut at `maximumLength` tokens.
    public init(teacher: EncoderFingerprint, role: TextRole, maximumLength: Int, text: String) {
        let hasher = SHA256Hasher()
        // Lengths and separators cannot be confused with content: every part but the last is free of zero bytes.
        hasher.update(Array("vector\u{0}\(teacher.id)\u{0}\(role)\u{0}\(maximumLength)\u{0}".utf8))
        hasher.update(Array(text.utf8))
        data = Data(hasher.finish().bytes)
    }
}
