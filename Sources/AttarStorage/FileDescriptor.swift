import Foundation

/// An open file of the system, closed when released.
final class FileDescriptor: Sendable {
    /// The system's number for it.
    let handle: Int32
    /// The path it was opened by, for messages.
    let path: String
    private let closes: Bool

    init(_ handle: Int32, path: String, closes: Bool = true) {
        self.handle = handle
        self.path = path
        self.closes = closes
    }

    deinit {
        if closes { _ = close(handle) }
    }

    /// What the descriptor stands for.
    func information() throws -> FileInformation {
        var status = stat()
        guard fstat(handle, &status) == 0 else { throw StorageError.system(errno, path: path, action: "look at it") }
        return FileInformation(status)
    }

    /// Throws `notAFile` for a folder, which the system lets us open but not read.
    func requireReadable() throws {
        guard try information().kind != .directory else {
            throw StorageError(.notAFile, path: path, "this is a folder, a file was expected.")
        }
    }

    /// Fills the buffer from where the last read ended; 0 at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return 0 }
        let count = retrying { Foundation.read(handle, start, buffer.count) }
        guard count >= 0 else { throw StorageError.system(errno, path: path, action: "read it") }
        return count
    }

    /// Writes all the bytes, however many calls that takes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while let start = rest.baseAddress, rest.count > 0 {
            // Linux writes at most 2 GiB − 4 KiB in one call.
            let count = retrying { Foundation.write(handle, start, min(rest.count, 1 << 30)) }
            guard count > 0 else {
                throw StorageError.system(count == 0 ? ENOSPC : errno, path: path, action: "write it")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Flushes the file's bytes to the device.
    func synchronize() throws {
        guard retrying({ fsync(handle) }) == 0 else {
            throw StorageError.system(errno, path: path, action: "synchronise it")
        }
    }

    /// The rest of the file.
    func readAll(maximumBytes: Int) throws -> [UInt8] {
        try requireReadable()
        let expected = try information().size
        guard expected <= maximumBytes else { throw tooLarge(maximumBytes) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(expected + 1)
        var chunk = [UInt8](repeating: 0, count: min(max(expected + 1, 4096), 1 << 20))
        while true {
            let count = try chunk.withUnsafeMutableBytes { try read(into: $0) }
            if count == 0 { return bytes }
            guard bytes.count + count <= maximumBytes else { throw tooLarge(maximumBytes) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    private func tooLarge(_ maximumBytes: Int) -> StorageError {
        StorageError(.tooLarge, path: path, "the file has more than \(maximumBytes) bytes, which is the limit here.")
    }

    /// The names in the folder that the descriptor stands for.
    func names() throws -> [String] {
        let copy = dup(handle)
        guard copy >= 0, let folder = fdopendir(copy) else {
            let code = errno
            if copy >= 0 { _ = close(copy) }
            throw StorageError.system(code, path: path, action: "list the folder")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// A file of the machine, open for writing.
final class LocalWritableFile: WritableFile {
    private var descriptor: FileDescriptor?
    private let path: String

    init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
        path = descriptor.path
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try opened().write(bytes) }
    func synchronize() throws { try opened().synchronize() }
    func close() { descriptor = nil }

    private func opened() throws -> FileDescriptor {
        guard let descriptor else { throw StorageError.system(EBADF, path: path, action: "write it") }
        return descriptor
    }
}

/// A lock by `flock`: it belongs to the open file, so it excludes other handles of this process too.
final class LocalFileLock: FileLock {
    private let descriptor: FileDescriptor

    init(_ descriptor: FileDescriptor) throws {
        guard retrying({ flock(descriptor.handle, LOCK_EX | LOCK_NB) }) == 0 else {
            guard errno == EWOULDBLOCK else {
                throw StorageError.system(errno, path: descriptor.path, action: "lock it")
            }
            let holder = (try? descriptor.readAll(maximumBytes: 64)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let process =
                holder.isEmpty ? "another process" : "process \(holder.trimmingCharacters(in: .whitespacesAndNewlines))"
            throw StorageError(.locked, path: descriptor.path, "\(process) is writing here; wait until it has ended.")
        }
        self.descriptor = descriptor
        // The number is a courtesy to whoever is refused; a full disk must not make the lock fail.
        if ftruncate(descriptor.handle, 0) == 0 {
            try? Array("\(getpid())\n".utf8).withUnsafeBytes { try descriptor.write($0) }
        }
    }

    func unlock() {
        // The number goes with its process, so that whoever failed leaves the file as it was.
        _ = ftruncate(descriptor.handle, 0)
        _ = flock(descriptor.handle, LOCK_UN)
    }
}
