import Synchronization

/// The changes that a program made below a folder, in order.
public final class PowerCutTrace: Sendable {
    /// A change; paths are relative to the folder.
    public enum Change: Sendable {
        /// An empty file under a name; one that is there loses its bytes.
        case createFile(String)
        /// A folder whose parent is there.
        case createFolder(String)
        /// Bytes at an offset, or at the end.
        case write(String, offset: Int?, [UInt8])
        /// Another size.
        case truncate(String, Int)
        /// The bytes of a file are safe.
        case synchronize(String)
        /// The names in a folder are safe.
        case synchronizeFolder(String)
        /// Another name for a file or folder, in the place of what stood there.
        case rename(String, to: String)
        /// A name goes.
        case remove(String)
    }

    /// The folder.
    public let root: String
    private let recorded = Mutex<[Change]>([])

    /// A trace of what happens below a folder.
    public init(root: String) { self.root = root }

    /// What happened so far.
    public var changes: [Change] { recorded.withLock { $0 } }
    /// How much happened so far.
    public var count: Int { recorded.withLock { $0.count } }

    /// The path below the root; nil for one that lies elsewhere.
    public func relative(_ path: String) -> String? {
        if path == root { return "" }
        return path.hasPrefix(root + "/") ? String(path.dropFirst(root.utf8.count + 1)) : nil
    }

    /// Adds what was done to a path, if it lies below the root.
    public func record(_ path: String, _ change: (String) -> Change) {
        guard let path = relative(path) else { return }
        recorded.withLock { $0.append(change(path)) }
    }
}
