/// Folders that appear whole or not at all.
public enum AtomicFolder {
    /// Makes a folder under a temporary name, lets `body` fill it, and gives it its name when all is done.
    ///
    /// What stood at the path before is removed right before that; whether it may be, the caller has checked.
    ///
    /// - Parameter body: is given the temporary folder; what it writes must be synchronised.
    /// - Throws: `StorageError`, and what `body` throws; then the temporary folder is removed and the old one
    ///   untouched.
    public static func write(
        to path: String, on fileSystem: any FileSystem = LocalFileSystem(), _ body: (String) throws -> Void
    ) throws {
        let temporary = AtomicFile.temporaryName(for: path)
        try fileSystem.removeTree(temporary)
        try fileSystem.makeDirectory(temporary)
        do {
            try body(temporary)
            try fileSystem.synchronizeDirectory(temporary)
            try fileSystem.removeTree(path)
            try fileSystem.rename(temporary, to: path)
        } catch {
            try? fileSystem.removeTree(temporary)
            throw error
        }
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
    }
}
