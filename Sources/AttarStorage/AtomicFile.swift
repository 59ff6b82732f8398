import Foundation
import Synchronization

/// Files that are either the old one or the new one, whatever happens in between.
public enum AtomicFile {
    private static let counter = Atomic<Int>(0)

    /// The end of every temporary name; a leftover of a killed process may be removed by whoever holds the writer lock.
    public static let temporarySuffix = ".tmp"

    /// A name beside `path` that no other writer uses.
    public static func temporaryName(for path: String) -> String {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        return "\(path).\(getpid())-\(number)\(temporarySuffix)"
    }

    /// Checks that a file can stand at the path, so that a mistake shows before the work and not after it.
    ///
    /// - Throws: `StorageError`: `notFound` when the folder is missing, `notAFile` when something stands at the path
    ///   that is no regular file.
    public static func requireDestination(_ path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        try fileSystem.requireReplaceable(path)
        let folder = LocalFileSystem.folder(of: path)
        guard let information = try fileSystem.information(at: folder) else {
            throw StorageError(.notFound, path: path, "the folder \(folder) does not exist; make it first.")
        }
        // A link to a folder counts as one; whether it may be followed is the file system's business.
        guard information.kind == .directory || information.kind == .symbolicLink else {
            throw StorageError(.notADirectory, path: path, "\(folder) is not a folder.")
        }
    }

    /// Writes the bytes to a temporary name, synchronises, renames over `path`, synchronises the folder.
    ///
    /// - Throws: `StorageError`. Before the rename, the old file is untouched and the temporary one is removed.
    public static func write(_ bytes: [UInt8], to path: String, on fileSystem: any FileSystem = LocalFileSystem())
        throws
    {
        try requireDestination(path, on: fileSystem)
        let temporary = temporaryName(for: path)
        do {
            let file = try fileSystem.openForWriting(temporary, mode: .createNew)
            try file.write(bytes)
            try file.synchronize()
            try file.close()
            try fileSystem.rename(temporary, to: path)
        } catch {
            try? fileSystem.remove(temporary)
            throw error
        }
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
    }
}
