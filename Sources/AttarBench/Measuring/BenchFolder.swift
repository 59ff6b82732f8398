import Foundation

/// A temporary folder.
struct BenchFolder {
    private let path = FileManager.default.temporaryDirectory.appending(path: "attar-bench-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true) }

    /// The path of a file in it.
    func file(_ name: String) -> String { path.appending(path: name).path }

    /// Ends its use. A folder that cannot be removed is left to the system, which empties its temporary folder.
    func remove() { try? FileManager.default.removeItem(at: path) }
}
