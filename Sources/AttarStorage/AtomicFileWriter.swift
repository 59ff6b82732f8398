/// Writes a file piece by piece, in bounded memory, and gives it its name only when it is complete.
///
/// A writer that is released before `finish` leaves nothing, and what stood at the path stays.
public final class AtomicFileWriter {
    /// The final path.
    public let path: String
    /// Nil when the bytes go to the standard output.
    private let temporary: String?
    private let fileSystem: any FileSystem
    private let file: any WritableFile
    private var buffer: [UInt8] = []
    private var finished = false

    /// Begins a file.
    ///
    /// - Parameter path: the file, or `-` for the standard output.
    /// - Throws: `StorageError`, also when no file can stand at the path.
    public init(path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        self.path = path
        self.fileSystem = fileSystem
        if path == "-" {
            temporary = nil
            file = StandardStream.output
        } else {
            try AtomicFile.requireDestination(path, on: fileSystem)
            let name = AtomicFile.temporaryName(for: path)
            temporary = name
            file = try fileSystem.openForWriting(name, mode: .createNew)
        }
    }

    /// Adds bytes at the end.
    public func append(_ bytes: UnsafeRawBufferPointer) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= 1 << 20 { try flush() }
    }

    /// Adds bytes at the end.
    public func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try append($0) }
    }

    private func flush() throws {
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes the bytes durable and gives the file its name.
    ///
    /// - Throws: `StorageError`.
    /// - Precondition: it was not called before.
    public func finish() throws {
        precondition(!finished, "\(path) was finished twice")
        try flush()
        try file.synchronize()
        try file.close()
        if let temporary { try fileSystem.rename(temporary, to: path) }
        finished = true
        if temporary != nil { try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path)) }
    }

    deinit {
        guard !finished, let temporary else { return }
        try? file.close()
        try? fileSystem.remove(temporary)
    }
}
