import AttarStorage
import Foundation

/// A file system that breaks where a test wants it to.
///
/// Every call that changes something counts as one step, from 0. `failure` says at which step the call fails, how, and
/// whether the calls after it fail too, as they do when a process was killed or a disk stays full.
public final class FaultyFileSystem: FileSystem, @unchecked Sendable {
    /// The calls that change something.
    public enum Operation: String, Sendable, CaseIterable {
        case open, write, synchronize, synchronizeDirectory, rename, remove, makeDirectory
    }

    /// What happens at the chosen step.
    public enum Fault: Sendable {
        /// The disk is full: nothing is written, ENOSPC.
        case diskFull
        /// The device fails: nothing is written, EIO.
        case inputOutput
        /// A write puts down half of its bytes and then fails; any other call fails as a whole.
        case torn
    }

    /// Where and how the file system fails.
    public struct Failure: Sendable {
        /// The step that fails, counted from 0 over the operations below.
        public var step: Int
        /// How it fails.
        public var fault: Fault
        /// Whether every later step fails too.
        public var stays: Bool
        /// The operations that count; nil means all.
        public var operations: Set<Operation>?

        /// A failure at one step.
        public init(
            at step: Int, _ fault: Fault = .inputOutput, stays: Bool = true, operations: Set<Operation>? = nil
        ) {
            self.step = step
            self.fault = fault
            self.stays = stays
            self.operations = operations
        }
    }

    private let base: any FileSystem
    private let observer: (@Sendable (Operation, String) -> Void)?
    private let mutex = NSLock()
    private var failure: Failure?
    private var count = 0
    private var journal: [(operation: Operation, path: String)] = []

    /// A file system over `base` that fails as told, or never.
    ///
    /// - Parameter observer: called before each step with its operation and path; what it does happens in the middle of
    ///   the work that is tested.
    public init(
        _ base: any FileSystem = LocalFileSystem(), failure: Failure? = nil,
        observer: (@Sendable (Operation, String) -> Void)? = nil
    ) {
        self.base = base
        self.observer = observer
        self.failure = failure
    }

    /// How many steps were counted so far; run once without a failure to learn how many there are to break.
    public var steps: Int { mutex.withLock { count } }

    /// Every changing call so far, in order, with its path.
    public var calls: [(operation: Operation, path: String)] { mutex.withLock { journal } }

    /// From now on the file system works.
    public func heal() { mutex.withLock { failure = nil } }

    /// Counts a step; the fault when it is to fail.
    fileprivate func step(_ operation: Operation, _ path: String) -> Fault? {
        observer?(operation, path)
        return mutex.withLock {
            journal.append((operation, path))
            if let operations = failure?.operations, !operations.contains(operation) { return nil }
            defer { count += 1 }
            guard let failure, failure.stays ? count >= failure.step : count == failure.step else { return nil }
            return failure.fault
        }
    }

    private func check(_ operation: Operation, _ path: String) throws {
        if let fault = step(operation, path) { throw fault.error(path: path, action: operation.rawValue) }
    }

    /// What stands at the path; never broken.
    public func information(at path: String) throws -> FileInformation? { try base.information(at: path) }

    /// The whole file; never broken.
    public func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
        try base.read(path, maximumBytes: maximumBytes)
    }

    /// Opens a file whose writes and synchronisations count as steps; opening is one too.
    public func openForWriting(_ path: String, mode: WriteMode) throws -> any WritableFile {
        try check(.open, path)
        return FaultyFile(try base.openForWriting(path, mode: mode), path: path, system: self)
    }

    /// One step.
    public func synchronizeDirectory(_ path: String) throws {
        try check(.synchronizeDirectory, path)
        try base.synchronizeDirectory(path)
    }

    /// What stands at the path itself; never broken.
    public func entry(at path: String) throws -> FileInformation? { try base.entry(at: path) }

    /// One step.
    public func rename(_ source: String, to destination: String) throws {
        try check(.rename, destination)
        try base.rename(source, to: destination)
    }

    /// One step.
    public func remove(_ path: String) throws {
        try check(.remove, path)
        try base.remove(path)
    }

    /// One step.
    public func makeDirectory(_ path: String) throws {
        try check(.makeDirectory, path)
        try base.makeDirectory(path)
    }

    /// The names in the folder; never broken.
    public func list(_ path: String) throws -> [String] { try base.list(path) }

    /// Takes the lock; never broken.
    public func lock(_ path: String) throws -> any FileLock { try base.lock(path) }
}

extension FaultyFileSystem.Fault {
    func error(path: String, action: String) -> StorageError {
        switch self {
        case .diskFull: .system(ENOSPC, path: path, action: action)
        case .inputOutput, .torn: .system(EIO, path: path, action: action)
        }
    }
}

/// A file whose writes the file system may break.
private final class FaultyFile: WritableFile {
    private let base: any WritableFile
    private let path: String
    private let system: FaultyFileSystem

    init(_ base: any WritableFile, path: String, system: FaultyFileSystem) {
        self.base = base
        self.path = path
        self.system = system
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let fault = system.step(.write, path) else { return try base.write(bytes) }
        if case .torn = fault { try base.write(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)])) }
        throw fault.error(path: path, action: "write")
    }

    func synchronize() throws {
        if let fault = system.step(.synchronize, path) { throw fault.error(path: path, action: "synchronise") }
        try base.synchronize()
    }

    func close() throws { try base.close() }
}

/// A folder of its own for one test, removed when released.
public final class TemporaryFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// A new empty folder.
    public init() throws {
        path = FileManager.default.temporaryDirectory.path + "/attar-test-" + UUID().uuidString
        try LocalFileSystem().makeDirectory(path)
    }

    deinit { try? LocalFileSystem().removeTree(path) }

    /// The path of a file in the folder.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file without synchronising it, which is much faster, and gives its path.
    @discardableResult
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = try LocalFileSystem().openForWriting(file(name), mode: .replace)
        try file.write(bytes)
        try file.close()
        return self.file(name)
    }
}
