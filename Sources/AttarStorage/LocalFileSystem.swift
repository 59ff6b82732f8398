import Foundation

/// The file system of the machine, through POSIX calls.
///
/// With a root, every path must lie below it (absolute, or relative to the root), ".." is refused, and no symbolic link
/// below the root is followed, also not one that appears while a call is under way: folders are walked by descriptors.
public struct LocalFileSystem: FileSystem {
    /// The folder that no path may leave, without a trailing slash; nil when any path is allowed.
    public let root: String?

    /// The file system, confined to `root` when one is given.
    public init(root: String? = nil) {
        guard var root else {
            self.root = nil
            return
        }
        while root.utf8.count > 1, root.hasSuffix("/") { root.removeLast() }
        self.root = root
    }

    /// What stands at the path; symbolic links are reported as such below a root and followed without one.
    public func information(at path: String) throws -> FileInformation? {
        guard root == nil else { return try entry(at: path) }
        // A link to nowhere is still something that can be removed.
        return try status(of: path, flags: 0) ?? entry(at: path)
    }

    /// What stands at the path itself.
    public func entry(at path: String) throws -> FileInformation? {
        try status(of: path, flags: AT_SYMLINK_NOFOLLOW)
    }

    private func status(of path: String, flags: Int32) throws -> FileInformation? {
        do {
            return try withParent(of: path) { parent, name in
                var status = stat()
                if fstatat(parent, name, &status, flags) == 0 { return FileInformation(status) }
                if errno == ENOENT || errno == ENOTDIR { return nil }
                throw StorageError.system(errno, path: path, action: "look at it")
            }
        } catch let error as StorageError where error.kind == .notFound || error.kind == .notADirectory {
            return nil
        }
    }

    /// The whole file.
    public func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
        let descriptor = try open(path, flags: O_RDONLY, action: "read")
        return try descriptor.readAll(maximumBytes: maximumBytes)
    }

    /// A handle for writing; new files get mode 0644 as the user's mask allows.
    public func openForWriting(_ path: String, mode: WriteMode) throws -> any WritableFile {
        let flags: Int32 =
            switch mode {
            case .createNew: O_CREAT | O_EXCL
            case .replace: O_CREAT | O_TRUNC
            case .append: O_CREAT | O_APPEND
            }
        return LocalWritableFile(try open(path, flags: O_WRONLY | flags, action: "write"))
    }

    /// Makes the folder's names durable.
    public func synchronizeDirectory(_ path: String) throws {
        let descriptor = try open(path, flags: O_RDONLY | O_DIRECTORY, action: "synchronise the folder")
        try descriptor.synchronize()
    }

    /// Replaces `destination` by `source` in one step.
    public func rename(_ source: String, to destination: String) throws {
        try requireReplaceable(destination)
        try withParent(of: source) { sourceParent, sourceName in
            try withParent(of: destination) { parent, name in
                guard renameat(sourceParent, sourceName, parent, name) == 0 else {
                    throw StorageError.system(errno, path: destination, action: "rename \(source) to it")
                }
            }
        }
    }

    /// Removes a file, a symbolic link or an empty folder.
    public func remove(_ path: String) throws {
        if let root, try Self.components(of: path, below: root).isEmpty {
            // A folder cannot be removed by the name "." inside of itself.
            return try LocalFileSystem().remove(root)
        }
        do {
            try withParent(of: path) { parent, name in
                if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
                // Linux answers EISDIR for a folder, POSIX and Darwin EPERM.
                let code = errno
                guard code == EISDIR || code == EPERM else {
                    throw StorageError.system(code, path: path, action: "remove it")
                }
                guard unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
                    throw StorageError.system(errno, path: path, action: "remove it")
                }
            }
        } catch let error as StorageError where error.kind == .notFound {
            return
        }
    }

    /// Makes the folder and those above it that are missing.
    public func makeDirectory(_ path: String) throws {
        if let present = try information(at: path) {
            guard present.kind == .directory else {
                throw StorageError(
                    .notADirectory, path: path, "a file stands where a folder must be made; move it away.")
            }
            return
        }
        let above = Self.folder(of: path)
        if above != path, above != "." { try makeDirectory(above) }
        try withParent(of: path) { parent, name in
            guard mkdirat(parent, name, 0o755) == 0 || errno == EEXIST else {
                throw StorageError.system(errno, path: path, action: "make the folder")
            }
        }
    }

    /// The names in the folder, sorted by their bytes.
    public func list(_ path: String) throws -> [String] {
        let descriptor = try open(path, flags: O_RDONLY | O_DIRECTORY, action: "list the folder")
        return try descriptor.names()
    }

    /// Takes the lock with `flock`, and leaves this process's number in the file for whoever is refused.
    public func lock(_ path: String) throws -> any FileLock {
        try LocalFileLock(open(path, flags: O_RDWR | O_CREAT, action: "lock"))
    }
}

extension FileInformation {
    init(_ status: stat) {
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .other
            }
        self.init(kind: kind, size: Int(status.st_size))
    }
}
