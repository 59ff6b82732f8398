import AttarStorage
import Foundation
import GRDB

extension DocumentStore {
    /// Names a file that is missing, no file or not readable, which SQLite calls "unable to open" in all three cases.
    static func requireFile(_ path: String) throws {
        // It is looked at and not opened: closing any descriptor of the file would free the locks that SQLite holds on
        // it for this process's other connections.
        guard let information = try LocalFileSystem().information(at: path) else {
            throw CollectionError.corrupt(path, "it is missing")
        }
        guard information.kind == .file else {
            throw StorageError(.notAFile, path: path, "a regular file was expected here.")
        }
        guard access(path, R_OK) == 0 else { throw StorageError.system(errno, path: path, action: "open it") }
    }

    /// Connections for reading, and one that tidies up behind them where the folder may be written.
    static func connect(_ path: String) throws -> (pool: DatabasePool, keeper: DatabaseQueue?) {
        let keeper = keeper(path)
        do {
            return (try pool(path), keeper)
        } catch let error as DatabaseError where needsRoom(error) && !hasLog(path) {
            // Readers put two small files beside the database. Where that is impossible (a read-only medium, another
            // user's folder, a full disk) the file is read as one that nobody changes.
            try? keeper?.close()
            return (try pool(unchangingAddress(path)), nil)
        }
    }

    private static func pool(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 8
        let pool = try DatabasePool(path: path, configuration: configuration)
        // The first read shows whether reading is possible.
        _ = try pool.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
        return pool
    }

    private static func keeper(_ path: String) -> DatabaseQueue? {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        guard let queue = try? DatabaseQueue(path: path, configuration: configuration) else { return nil }
        // Only a connection that has read takes part in the log that it is to remove.
        _ = try? queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
        return queue
    }

    private static func needsRoom(_ error: DatabaseError) -> Bool {
        [.SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_FULL].contains(error.resultCode)
    }

    /// Whether there is a log with pages that the database file does not have yet.
    private static func hasLog(_ path: String) -> Bool {
        ((try? LocalFileSystem().information(at: path + "-wal"))??.size ?? 0) > 0
    }

    private static func unchangingAddress(_ path: String) -> String {
        let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed.subtracting(["?", "#"])) ?? path
        return "file:\(escaped)?immutable=1"
    }
}
