import AttarText
import Foundation

/// Files beside the tests, and temporary ones.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    /// Runs `body` with the path of a new folder that holds `files` (path to content), and removes it afterwards.
    static func withFolder<Result>(
        _ files: [String: String], _ body: (String) throws -> Result
    ) throws -> Result {
        try withFolder(bytes: files.mapValues { Array($0.utf8) }, body)
    }

    static func withFolder<Result>(
        bytes files: [String: [UInt8]], _ body: (String) throws -> Result
    ) throws -> Result {
        let root = FileManager.default.temporaryDirectory.appending(path: "attar-text-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        for (name, content) in files {
            let file = root.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content).write(to: file)
        }
        return try body(root.path)
    }

    /// The documents of one file with this content.
    static func documents(_ name: String, _ content: String) throws -> [Document] {
        try withFolder([name: content]) { try documents(in: $0 + "/" + name) }
    }

    /// The documents of a path.
    static func documents(in path: String, options: ReaderOptions = ReaderOptions()) throws -> [Document] {
        var documents: [Document] = []
        try DocumentReader.read(paths: [path], options: options) { documents.append($0) }
        return documents
    }

    /// The error that `body` throws.
    static func error(_ body: () throws -> Void) -> TextError? {
        do {
            try body()
            return nil
        } catch {
            return error as? TextError
        }
    }
}
