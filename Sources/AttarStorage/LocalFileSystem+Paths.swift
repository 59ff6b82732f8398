import Foundation

extension LocalFileSystem {
    /// The folder in which the path's last component stands: "a/b" → "a", "a" → ".", "/a" → "/".
    public static func folder(of path: String) -> String {
        var bytes = path.utf8[...]
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == bytes.startIndex ? "/" : String(path[path.startIndex..<slash])
    }

    /// Opens a file of the file system, close-on-exec.
    func open(_ path: String, flags: Int32, action: String) throws -> FileDescriptor {
        try withParent(of: path) { parent, name in
            let guarded = flags | O_CLOEXEC | (root == nil ? 0 : O_NOFOLLOW)
            let handle = retrying { openat(parent, name, guarded, 0o644) }
            guard handle >= 0 else { throw StorageError.system(errno, path: path, action: action) }
            return FileDescriptor(handle, path: path)
        }
    }

    /// Calls `body` with an open folder and the name in it that together stand for `path`.
    ///
    /// Without a root, that is the current folder and the path itself.
    func withParent<Result>(of path: String, _ body: (Int32, String) throws -> Result) throws -> Result {
        guard !path.utf8.contains(0) else {
            throw StorageError(.notFound, path: path, "a path cannot hold a zero byte.")
        }
        guard let root else { return try body(AT_FDCWD, path) }
        let components = try Self.components(of: path, below: root)
        var folder = try Self.step(AT_FDCWD, to: root, path: root, flags: 0)
        for name in components.dropLast() {
            folder = try Self.step(folder.handle, to: name, path: path, flags: O_NOFOLLOW)
        }
        return try withExtendedLifetime(folder) { try body(folder.handle, components.last ?? ".") }
    }

    private static func step(_ folder: Int32, to name: String, path: String, flags: Int32) throws -> FileDescriptor {
        let next = retrying { openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags) }
        guard next >= 0 else { throw folderError(errno, folder: folder, name: name, path: path) }
        return FileDescriptor(next, path: path)
    }

    /// Linux reports a link that O_DIRECTORY | O_NOFOLLOW refuses as ENOTDIR; the user should hear that it is a link.
    private static func folderError(_ code: Int32, folder: Int32, name: String, path: String) -> StorageError {
        var status = stat()
        if code == ENOTDIR, fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
            status.st_mode & S_IFMT == S_IFLNK
        {
            return StorageError.system(ELOOP, path: path, action: "open it")
        }
        return StorageError.system(code, path: path, action: "open it")
    }

    /// The parts of `path` below `root`.
    ///
    /// - Throws: `outsideRoot` for an absolute path elsewhere and for any "..".
    static func components(of path: String, below root: String) throws -> [String] {
        var rest = path[...]
        if path == root {
            rest = ""
        } else if path.hasPrefix(root == "/" ? "/" : root + "/") {
            rest = path.dropFirst(root.count)
        } else if path.hasPrefix("/") {
            throw StorageError(.outsideRoot, path: path, "the path lies outside of \(root).")
        }
        let components = rest.split(separator: "/").map(String.init).filter { $0 != "." }
        guard !components.contains("..") else {
            throw StorageError(.outsideRoot, path: path, "a path below \(root) cannot hold \"..\".")
        }
        return components
    }
}

/// Repeats a system call that a signal interrupted.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
