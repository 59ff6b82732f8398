import AttarEvidence
import Foundation

/// A file with the given text for the time of one call.
func withFile<Result>(_ text: String, named name: String = "file.txt", _ body: (String) throws -> Result) throws
    -> Result
{
    let folder = FileManager.default.temporaryDirectory.appending(path: "attar-evidence-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: name).path
    try Data(text.utf8).write(to: URL(filePath: path))
    return try body(path)
}

/// Such a file with a byte that is no UTF-8 in the place of each "?".
func withBrokenFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    try withFile(text) { path in
        try Data(text.utf8.map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }).write(to: URL(filePath: path))
        return try body(path)
    }
}

/// A run from a dictionary.
func run(_ name: String, _ results: [String: [(String, Double)]]) throws -> Run {
    var run = Run(name: name)
    for (query, list) in results.sorted(by: { $0.key < $1.key }) {
        try run.setResults(list.map { Run.Result($0.0, $0.1) }, query: query)
    }
    return run
}
