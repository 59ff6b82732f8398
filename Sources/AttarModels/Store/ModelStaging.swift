import AttarStorage
import Foundation

/// The files of a model on their way into its folder: `name.part` until their hash is known to be right.
struct ModelStaging: Sendable {
    let folder: String

    private func place(_ file: ModelCatalogue.File) throws -> String {
        guard ModulePlan.isInside(file.path), !file.path.isEmpty else { throw ModelError.unsafePath(file.path) }
        return folder + "/" + file.path
    }

    /// Whether the file is in its place with a right hash.
    func isVerified(_ file: ModelCatalogue.File) throws -> Bool {
        let path = try place(file)
        guard let information = try LocalFileSystem(root: folder).information(at: path), information.kind == .file,
            information.size == file.bytes
        else { return false }
        return file.sha256.contains(try SHA256Digest.hex(ofFile: path))
    }

    /// The part of a file that is here, ready to grow.
    func openPart(of file: ModelCatalogue.File) throws -> PartialFile {
        try PartialFile(path: try place(file) + ".part", limit: file.bytes)
    }

    /// Moves a file from elsewhere on this disk to the place of the part.
    func take(_ source: LocalFileSystem, _ path: String, for file: ModelCatalogue.File) throws {
        let fileSystem = LocalFileSystem()
        let part = try place(file) + ".part"
        try fileSystem.makeDirectory(LocalFileSystem.folder(of: part))
        guard try source.size(path) <= file.bytes + (64 << 20) else {
            throw ModelError.download(address: path, detail: "the file is much larger than the catalogue says.")
        }
        try fileSystem.rename(path, to: part)
    }

    /// Gives a complete part its name if its hash is right, and removes it if it is not.
    func accept(_ file: ModelCatalogue.File, source: String) throws {
        let fileSystem = LocalFileSystem()
        let path = try place(file)
        let found = try SHA256Digest.hex(ofFile: path + ".part")
        guard file.sha256.contains(found) else {
            try fileSystem.remove(path + ".part")
            throw ModelError.badHash(file: file.path, source: source, expected: file.sha256, found: found)
        }
        try fileSystem.rename(path + ".part", to: path)
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
    }
}

/// A file that grows while it is downloaded.
final class PartialFile: Sendable {
    private struct State {
        var handle: (any WritableFile)?
        var received: Int
    }

    private let path: String
    private let limit: Int
    // The handle is used by one transfer at a time, under the lock.
    private nonisolated(unsafe) var state: State
    private let lock = NSLock()

    init(path: String, limit: Int) throws {
        let fileSystem = LocalFileSystem()
        try fileSystem.makeDirectory(LocalFileSystem.folder(of: path))
        self.path = path
        self.limit = limit
        var size = try fileSystem.information(at: path)?.size ?? 0
        if size > limit {
            try fileSystem.remove(path)
            size = 0
        }
        state = State(handle: nil, received: size)
    }

    /// The bytes that are here.
    var received: Int { lock.withLock { state.received } }

    /// Bytes will follow from an offset: the end of what is here, or the beginning.
    func begin(at offset: Int) throws {
        try lock.withLock {
            guard offset == 0 || offset == state.received else {
                throw ModelError.download(
                    address: path, detail: "the server sent bytes from \(offset), not \(state.received).")
            }
            state.handle = try LocalFileSystem().openForWriting(path, mode: offset == 0 ? .replace : .append)
            state.received = offset
        }
    }

    func append(_ data: Data) throws {
        try lock.withLock {
            guard state.received + data.count <= limit else {
                try LocalFileSystem().remove(path)
                throw ModelError.download(
                    address: path, detail: "the server sends more than the \(limit) bytes expected.")
            }
            try data.withUnsafeBytes { try state.handle?.write($0) }
            state.received += data.count
        }
    }

    func close() throws {
        try lock.withLock {
            try state.handle?.synchronize()
            try state.handle?.close()
            state.handle = nil
        }
    }
}
