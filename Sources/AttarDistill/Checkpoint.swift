import AttarStorage

/// The file in which a training run is kept, replaced atomically.
public struct Checkpoint: Sendable {
    /// The path of the file.
    public let path: String
    /// The time between two writes.
    public let interval: Duration
    private let fileSystem: any FileSystem

    /// A checkpoint file, which need not exist yet.
    public init(path: String, interval: Duration = .seconds(20), fileSystem: any FileSystem = LocalFileSystem()) {
        self.path = path
        self.interval = interval
        self.fileSystem = fileSystem
    }

    /// The last state written; nil when there is none.
    func read() throws -> [UInt8]? {
        try fileSystem.exists(path) ? fileSystem.read(path) : nil
    }

    func write(_ bytes: [UInt8]) throws {
        try AtomicFile.write(bytes, to: path, on: fileSystem)
    }

    /// Removes the file, when the run's result stands elsewhere.
    public func remove() throws {
        if try fileSystem.exists(path) { try fileSystem.remove(path) }
    }
}
