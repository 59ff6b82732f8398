import AttarStorage

/// A file system that works, and records what power cuts could leave of it.
///
/// The real disk is never told to synchronise: what counts as safe, the trace says. That also makes tests fast.
public struct RecordingFileSystem: FileSystem {
    private let base = LocalFileSystem()
    private let trace: PowerCutTrace

    /// A file system whose changes go into a trace.
    public init(_ trace: PowerCutTrace) { self.trace = trace }

    /// What stands at the path.
    public func information(at path: String) throws -> FileInformation? { try base.information(at: path) }

    /// What stands at the path itself.
    public func entry(at path: String) throws -> FileInformation? { try base.entry(at: path) }

    /// The whole file.
    public func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
        try base.read(path, maximumBytes: maximumBytes)
    }

    /// The names in the folder.
    public func list(_ path: String) throws -> [String] { try base.list(path) }

    /// The lock, whose file is not recorded: nothing depends on it after a cut.
    public func lock(_ path: String) throws -> any FileLock { try base.lock(path) }

    /// A file whose writes are recorded.
    public func openForWriting(_ path: String, mode: WriteMode) throws -> any WritableFile {
        let exists = try base.exists(path)
        let file = try base.openForWriting(path, mode: mode)
        if mode != .append || !exists { trace.record(path) { .createFile($0) } }
        return RecordingFile(base: file, path: path, trace: trace)
    }

    /// Recorded.
    public func synchronizeDirectory(_ path: String) throws {
        trace.record(path) { .synchronizeFolder($0) }
    }

    /// Recorded; both paths must lie below the root.
    public func rename(_ source: String, to destination: String) throws {
        try base.rename(source, to: destination)
        guard let destination = trace.relative(destination) else { return }
        trace.record(source) { .rename($0, to: destination) }
    }

    /// Recorded.
    public func remove(_ path: String) throws {
        let exists = try base.entry(at: path) != nil
        try base.remove(path)
        if exists { trace.record(path) { .remove($0) } }
    }

    /// Recorded with the folders above that it makes.
    public func makeDirectory(_ path: String) throws {
        if try base.exists(path) { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeDirectory(String(path[..<slash])) }
        try base.makeDirectory(path)
        trace.record(path) { .createFolder($0) }
    }
}

/// A file whose writes are recorded.
private final class RecordingFile: WritableFile {
    private let base: any WritableFile
    private let path: String
    private let trace: PowerCutTrace

    init(base: any WritableFile, path: String, trace: PowerCutTrace) {
        (self.base, self.path, self.trace) = (base, path, trace)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try base.write(bytes)
        trace.record(path) { .write($0, offset: nil, Array(bytes)) }
    }

    func synchronize() throws {
        trace.record(path) { .synchronize($0) }
    }

    func close() throws { try base.close() }
}
