import AttarStorage
import Foundation

/// A Python with the packages of some peers: a given one, or a virtual environment of Attar's own.
///
/// Own ones stand below `~/.cache/attar/bench`, one for each set of packages, and may be deleted at any time. Nothing
/// else of Attar needs Python.
public struct PeerEnvironment: Sendable {
    /// The program that runs the peers.
    public let python: String

    /// Where environments and exported models are kept.
    public static var folder: String {
        (ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()) + "/.cache/attar/bench"
    }

    /// Takes the given Python, or makes an environment unless it is there already.
    ///
    /// - Parameter packages: what a bench needs besides the packages of its peers.
    /// - Throws: `BenchError` when `pip` fails, with the last line it said; `CancellationError`.
    public init(_ settings: BenchSettings, adding packages: [String] = []) throws {
        if let given = settings.python {
            python = given
            return
        }
        let requirements = Set(settings.peers.flatMap(\.requirements) + packages).sorted()
        let digest = SHA256Digest.hex(of: requirements.joined(separator: "\n")).prefix(12)
        let environment = Self.folder + "/venv-\(digest)"
        python = environment + "/bin/python"
        let complete = environment + "/complete"
        guard try !LocalFileSystem().exists(complete) else { return }
        for peer in settings.peers {
            settings.say("\(peer.rawValue) is installed once, into \(environment): about \(peer.installedSize)")
        }
        try? FileManager.default.removeItem(atPath: environment)
        try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
        let name = settings.peers.map(\.rawValue).joined(separator: ", ")
        try ToolRun.run(["python3", "-m", "venv", environment], peer: name)
        try ToolRun.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
                + requirements, peer: name)
        try AtomicFile.write([], to: complete)
    }
}

/// Runs a program to its end.
enum ToolRun {
    /// - Throws: `BenchError.peer` with the last line of the program's messages; `CancellationError`.
    static func run(_ arguments: [String], peer: String) throws {
        let messages = FileManager.default.temporaryDirectory.appending(path: "attar-bench-\(UUID().uuidString)")
        try Data().write(to: messages)
        defer { try? FileManager.default.removeItem(at: messages) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: messages)
        try process.run()
        while process.isRunning {
            if Task.isCancelled { kill(process.processIdentifier, SIGKILL) }
            usleep(50_000)
        }
        try Task.checkCancellation()
        guard process.terminationStatus != 0 else { return }
        let text = String(decoding: (try? Data(contentsOf: messages)) ?? Data(), as: UTF8.self)
        let last = text.split(separator: "\n").last { !$0.isEmpty } ?? "it said nothing"
        throw BenchError.peer(peer, "`\(arguments.prefix(4).joined(separator: " "))` failed: \(last)")
    }
}
