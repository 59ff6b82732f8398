import AttarTestSupport
import Foundation
import GRDBSQLite
import Synchronization

/// Records what SQLite writes, so that power cuts can be simulated for it as for everything else.
///
/// SQLite asks its VFS for everything it does with files. The one of the machine stays at work; this one stands before
/// it as the default, and of each opened file it exchanges the four methods that change something. What is not below a
/// recorded folder goes through untouched. The log's index (`-shm`) is shared memory that SQLite makes anew, and is not
/// recorded.
enum RecordedDatabases {
    fileprivate struct File {
        let methods: UnsafePointer<sqlite3_io_methods>
        let own: UnsafeMutablePointer<sqlite3_io_methods>
        let path: String
        let trace: PowerCutTrace
        /// The system's VFS synchronises the folder with the first synchronisation of a log that it has made.
        var folderToSynchronize: String?
    }

    private struct State: @unchecked Sendable {
        var system: UnsafeMutablePointer<sqlite3_vfs>?
        var traces: [PowerCutTrace] = []
        var files: [UnsafeMutablePointer<sqlite3_file>: File] = [:]
    }

    private static let state = Mutex(State())

    /// Records databases below the trace's folder while `body` runs.
    static func record<Result>(into trace: PowerCutTrace, _ body: () throws -> Result) rethrows -> Result {
        register()
        state.withLock { $0.traces.append(trace) }
        defer { state.withLock { $0.traces.removeAll { $0 === trace } } }
        return try body()
    }

    private static func register() {
        state.withLock { state in
            guard state.system == nil, let system = sqlite3_vfs_find(nil) else { return }
            state.system = system
            let own = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
            own.initialize(to: system.pointee)
            // It stays for as long as the process.
            own.pointee.zName = UnsafePointer(strdup("attar-recording"))
            own.pointee.pNext = nil
            own.pointee.xOpen = { RecordedDatabases.open($1, $2, $3, $4) }
            own.pointee.xDelete = { RecordedDatabases.delete($1, $2) }
            sqlite3_vfs_register(own, 1)
        }
    }

    private static func system() -> UnsafeMutablePointer<sqlite3_vfs>? {
        nonisolated(unsafe) var system: UnsafeMutablePointer<sqlite3_vfs>?
        state.withLock { system = $0.system }
        return system
    }

    fileprivate static func file(_ pointer: UnsafeMutablePointer<sqlite3_file>?) -> File? {
        guard let pointer else { return nil }
        nonisolated(unsafe) let key = pointer
        nonisolated(unsafe) var file: File?
        state.withLock { file = $0.files[key] }
        return file
    }

    // --------------------------------------------------------------------------------------------------- the VFS's

    private static func open(
        _ name: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let system = system() else { return SQLITE_CANTOPEN }
        let path = name.map { String(cString: $0) }
        let existed = path.map { access($0, F_OK) == 0 } ?? true
        let result = system.pointee.xOpen(system, name, file, flags, outFlags)
        guard result == SQLITE_OK, let path, let file, let methods = file.pointee.pMethods else { return result }
        let trace = state.withLock { $0.traces.first { $0.relative(path) != nil } }
        guard let trace else { return result }
        let isLog = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL) != 0
        if !existed { trace.record(path) { .createFile($0) } }
        let own = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        own.initialize(to: methods.pointee)
        own.pointee.xWrite = { RecordedDatabases.write($0, $1, $2, $3) }
        own.pointee.xTruncate = { RecordedDatabases.truncate($0, $1) }
        own.pointee.xSync = { pointer, _ in RecordedDatabases.synchronize(pointer) }
        own.pointee.xClose = { RecordedDatabases.close($0) }
        nonisolated(unsafe) let entry = File(
            methods: methods, own: own, path: path, trace: trace,
            folderToSynchronize: isLog && !existed ? folder(of: path) : nil)
        nonisolated(unsafe) let key = file
        state.withLock { $0.files[key] = entry }
        file.pointee.pMethods = UnsafePointer(own)
        return result
    }

    private static func delete(_ name: UnsafePointer<CChar>?, _ synchronizesFolder: Int32) -> Int32 {
        guard let system = system(), let name else { return SQLITE_IOERR }
        let path = String(cString: name)
        let result = system.pointee.xDelete(system, name, synchronizesFolder)
        let trace = state.withLock { $0.traces.first { $0.relative(path) != nil } }
        guard result == SQLITE_OK, let trace else { return result }
        trace.record(path) { .remove($0) }
        if synchronizesFolder != 0 { trace.record(folder(of: path)) { .synchronizeFolder($0) } }
        return result
    }

    // ------------------------------------------------------------------------------------------------- the methods

    private static func write(
        _ pointer: UnsafeMutablePointer<sqlite3_file>?, _ bytes: UnsafeRawPointer?, _ count: Int32, _ offset: Int64
    ) -> Int32 {
        guard let file = file(pointer) else { return SQLITE_IOERR }
        let result = file.methods.pointee.xWrite(pointer, bytes, count, offset)
        if result == SQLITE_OK {
            let copy = Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            file.trace.record(file.path) { .write($0, offset: Int(offset), copy) }
        }
        return result
    }

    private static func truncate(_ pointer: UnsafeMutablePointer<sqlite3_file>?, _ size: Int64) -> Int32 {
        guard let file = file(pointer) else { return SQLITE_IOERR }
        let result = file.methods.pointee.xTruncate(pointer, size)
        if result == SQLITE_OK { file.trace.record(file.path) { .truncate($0, Int(size)) } }
        return result
    }

    private static func synchronize(_ pointer: UnsafeMutablePointer<sqlite3_file>?) -> Int32 {
        // The disk itself is not troubled: what counts as safe, the trace says.
        guard let pointer, let file = file(pointer) else { return SQLITE_IOERR }
        file.trace.record(file.path) { .synchronize($0) }
        if let folder = file.folderToSynchronize {
            file.trace.record(folder) { .synchronizeFolder($0) }
            nonisolated(unsafe) let key = pointer
            state.withLock { $0.files[key]?.folderToSynchronize = nil }
        }
        return SQLITE_OK
    }

    private static func close(_ pointer: UnsafeMutablePointer<sqlite3_file>?) -> Int32 {
        guard let pointer, let file = file(pointer) else { return SQLITE_IOERR }
        nonisolated(unsafe) let key = pointer
        state.withLock { _ = $0.files.removeValue(forKey: key) }
        pointer.pointee.pMethods = file.methods
        file.own.deallocate()
        return file.methods.pointee.xClose(pointer)
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
