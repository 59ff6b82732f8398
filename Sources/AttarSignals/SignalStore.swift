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
        migrator.registerMigration("checksums of keys") { database in
            database.add(function: keyedChecksum)
            try database.execute(sql: "UPDATE vectors SET checksum = keyed_checksum(key, vector, checksum)")
        }
        return migrator
    }

    /// The checksum of a row that an older Attar stored: with one of the vector alone, or with none. One that does not
    /// fit stays as it is, and fits no more.
    private static let keyedChecksum = DatabaseFunction("keyed_checksum", argumentCount: 3, pure: true) { values in
        guard let key = Data.fromDatabaseValue(values[0]), let vector = Data.fromDatabaseValue(values[1]) else { return nil }
        let old = Int64.fromDatabaseValue(values[2])
        return old == nil || old == checksum(vector) ? checksum(vector, of: key) : old
    }

    /// The stored vectors of the given keys; nil where the teacher was never asked, or what it said is damaged.
    ///
    /// - Complexity: O(`keys.count` · log(stored)).
    public func vectors(_ keys: [SignalKey]) throws -> [[Float]?] {
        try reporting {
            try database.read { database in
                let statement = try database.cachedStatement(sql: "SELECT vector, checksum FROM vectors WHERE key = ?")
                return try keys.map { key in
                    try Row.fetchOne(statement, arguments: [key.data]).flatMap { try Self.vector($0, of: key.data) }
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
                    try statement.execute(arguments: [key.data, bytes, Self.checksum(bytes, of: key.data)])
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

    /// The vector of a row; nil when it is not what was stored under this key. SQLite itself does not look: a damaged
    /// page may give the bytes of one row under the key of another.
    private static func vector(_ row: Row, of key: Data) throws -> [Float]? {
        let data = try row.decode(Data.self, atIndex: 0)
        return try row.decode(Int64?.self, atIndex: 1) == checksum(data, of: key) ? floats(data) : nil
    }

    /// The CRC-32C of a vector's bytes, behind those of its key where one is given.
    private static func checksum(_ data: Data, of key: Data = Data()) -> Int64 {
        let start = key.withUnsafeBytes { CRC32C.checksum(of: $0) }
        return Int64(data.withUnsafeBytes { CRC32C.checksum(of: $0, continuing: start) })
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
