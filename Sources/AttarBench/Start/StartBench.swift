import AttarStorage
import Foundation

/// `attar bench start`: how long does the binary take from its start to its end, with a first query between them?
public struct StartBench {
    private let settings: BenchSettings
    private let program: String
    private let path: String

    /// - Parameters:
    ///   - program: the binary.
    ///   - path: the model folder whose first query is timed.
    public init(_ settings: BenchSettings, program: String, path: String) throws {
        guard settings.peers.isEmpty else { throw BenchError.usage("The start has no peers; leave --against out.") }
        self.settings = settings
        self.program = program
        self.path = path
    }

    /// Measures `--help`, and encoding one query.
    ///
    /// - Throws: `BenchError` when the program fails.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let query = FileManager.default.temporaryDirectory.appending(path: "attar-bench-\(UUID().uuidString).jsonl")
        try Data("{\"text\": \"how do I rotate the logs\"}\n".utf8).write(to: query)
        defer { try? FileManager.default.removeItem(at: query) }
        let encode = ["encode", path, "--input", query.path, "--output", "-", "--threads", "\(settings.threads)"]
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return try session.report(
            title: "start", notes: ["Files are in the system's cache; starting and ending the process count."],
            cases: [self.case("attar --help", ["--help"]), self.case("attar encode \(name), one query", encode)])
    }

    private func `case`(_ name: String, _ arguments: [String]) -> BenchCase {
        let program = program
        let contender = LocalContender(label: settings.ours()) { try Self.run(program, arguments) }
        return BenchCase(name: name, quantity: .milliseconds, contenders: [contender])
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw BenchError(.resource, "\(program) could not be started (\(error.localizedDescription)).")
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchError(
                .resource, "\(program) \(arguments.first ?? "") ended with status \(process.terminationStatus).")
        }
    }
}
