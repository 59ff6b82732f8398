/// Where bytes are written, and where everything that can fail, fails.
///
/// All writing of Attar goes through this protocol, so that a test can put a file system in its place that fails the
/// seventh write or tears it in the middle. Bulk reading goes through `MappedFile`, because memory maps need real
/// files. Paths are strings as POSIX knows them; every method throws `StorageError`.
public protocol FileSystem: Sendable {
    /// What stands at the path, or nil when nothing does.
    func information(at path: String) throws -> FileInformation?

    /// The whole file.
    ///
    /// - Throws: `tooLarge` when it has more than `maximumBytes`.
    func read(_ path: String, maximumBytes: Int) throws -> [UInt8]

    /// A handle that writes from the beginning (`createNew`, `replace`) or from the end (`append`).
    func openForWriting(_ path: String, mode: WriteMode) throws -> any WritableFile

    /// Makes names that were created, renamed or removed in the folder survive a power cut.
    func synchronizeDirectory(_ path: String) throws

    /// What stands at the path itself, or nil when nothing does: a symbolic link is reported, never followed.
    func entry(at path: String) throws -> FileInformation?

    /// Replaces `destination` by `source` in one step.
    ///
    /// - Throws: `notAFile` when `requireReplaceable` does.
    func rename(_ source: String, to destination: String) throws

    /// Removes a file or an empty folder; nothing happens when none stands there.
    func remove(_ path: String) throws

    /// Makes the folder and those above it that are missing; nothing happens when it exists.
    func makeDirectory(_ path: String) throws

    /// The names in the folder, without "." and "..", sorted by their bytes.
    func list(_ path: String) throws -> [String]

    /// Takes the writer lock that the file at `path` (created when missing) stands for.
    ///
    /// - Throws: `locked` at once when another process or handle holds it.
    func lock(_ path: String) throws -> any FileLock
}

extension FileSystem {
    /// Whether anything stands at the path.
    public func exists(_ path: String) throws -> Bool {
        try information(at: path) != nil
    }

    /// The size of the file in bytes.
    public func size(_ path: String) throws -> Int {
        guard let information = try information(at: path) else {
            throw StorageError.system(2, path: path, action: "read its size")
        }
        return information.size
    }

    /// The whole file, of at most 1 GiB.
    public func read(_ path: String) throws -> [UInt8] {
        try read(path, maximumBytes: 1 << 30)
    }

    /// Checks that a file may take the place of what stands at the path, if anything does.
    ///
    /// - Throws: `notAFile` for a folder, for a symbolic link, and for what is no file at all, such as a device or a
    ///   pipe: to replace these harms others.
    public func requireReplaceable(_ path: String) throws {
        let found: String
        switch try entry(at: path)?.kind {
        case nil, .file: return
        case .directory: found = "a folder stands here, where a file is to be written."
        case .symbolicLink: found = "a symbolic link stands here; give the path of the file itself."
        case .other: found = "a device or a pipe stands here, which a file cannot replace; give the path of a file."
        }
        throw StorageError(.notAFile, path: path, found)
    }

    /// Removes a folder with all it holds, or a file; symbolic links are removed, not followed.
    public func removeTree(_ path: String) throws {
        guard let information = try entry(at: path) else { return }
        if information.kind == .directory {
            for name in try list(path) { try removeTree(path + "/" + name) }
        }
        try remove(path)
    }
}

/// How a file is opened for writing.
public enum WriteMode: Sendable {
    /// The file must not exist.
    case createNew
    /// What the file held is dropped.
    case replace
    /// What the file holds stays; writing goes on at its end.
    case append
}

/// What stands at a path.
public struct FileInformation: Sendable, Equatable {
    /// The kinds of thing that a path can name.
    public enum Kind: Sendable {
        case file, directory, symbolicLink, other
    }

    /// What it is.
    public let kind: Kind
    /// Its length in bytes (files only; otherwise whatever the system says).
    public let size: Int

    /// A description of what stands at a path.
    public init(kind: Kind, size: Int) {
        self.kind = kind
        self.size = size
    }
}

/// An open file that grows at its end. Closed at the latest when it is released.
public protocol WritableFile: AnyObject {
    /// Appends all the bytes, or throws; how many were written before a failure is unknown.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Makes the bytes written so far survive a power cut.
    func synchronize() throws
    /// Closes the file. Closing twice does nothing.
    func close() throws
}

extension WritableFile {
    /// Appends all the bytes of an array.
    public func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}

/// A lock held until `unlock()` or until it is released; the system frees it when the process dies.
public protocol FileLock: AnyObject, Sendable {
    /// Frees the lock. Freeing twice does nothing.
    func unlock()
}
