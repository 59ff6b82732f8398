import Foundation

/// A Python process that does a peer's work on request: one JSON object a line, a request on its standard input, the
/// answer on its standard output (`worker.py`). Times are taken inside, so neither the start of the process nor the
/// talking counts.
public final class PeerWorker {
    private let process = Process()
    private let requests = Pipe()
    private let answers = Pipe()
    private let folder: URL
    private let peer: Peer
    private var received = Data()

    /// Starts a worker.
    ///
    /// - Parameters:
    ///   - script: the Python source of the peer, which imports `serve` from `worker`.
    ///   - threads: how many threads its libraries may use.
    /// - Throws: `BenchError` when Python cannot be started.
    public init(_ peer: Peer, script: [UInt8], python: String, threads: Int) throws {
        self.peer = peer
        folder = FileManager.default.temporaryDirectory.appending(path: "attar-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(PackageResources.worker_py).write(to: folder.appending(path: "worker.py"))
        try Data(script).write(to: folder.appending(path: "peer.py"))
        let messages = folder.appending(path: "messages")
        try Data().write(to: messages)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, folder.appending(path: "peer.py").path]
        process.environment = Self.environment(threads: threads)
        process.standardInput = requests
        process.standardOutput = answers
        process.standardError = try FileHandle(forWritingTo: messages)
        do {
            try process.run()
        } catch {
            throw BenchError.peer(peer.rawValue, "\(python) could not be started (\(error.localizedDescription)).")
        }
    }

    deinit {
        // It holds nothing that could be lost.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    private static func environment(threads: Int) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"] {
            environment[name] = String(threads)
        }
        environment["TOKENIZERS_PARALLELISM"] = threads == 1 ? "false" : "true"
        environment["HF_HUB_OFFLINE"] = "1"
        return environment
    }

    /// Asks for something.
    ///
    /// - Throws: `BenchError` with the peer's own message when it failed, or has ended.
    public func ask<Answer: Decodable>(_ request: some Encodable, for type: Answer.Type = Answer.self) throws -> Answer {
        let bytes = try JSONEncoder().encode(request) + Data("\n".utf8)
        do {
            try requests.fileHandleForWriting.write(contentsOf: bytes)
        } catch {
            throw ended()
        }
        let line = try nextLine()
        if let failure = try? JSONDecoder().decode(Failure.self, from: line) {
            throw BenchError.peer(peer.rawValue, failure.error)
        }
        do {
            return try JSONDecoder().decode(type, from: line)
        } catch {
            throw BenchError.peer(peer.rawValue, "it answered \(String(decoding: line.prefix(200), as: UTF8.self))")
        }
    }

    /// Lets the peer load what it works with.
    ///
    /// - Returns: its name and version, as results are labelled.
    /// - Throws: as `ask`.
    func load(_ request: some Encodable, variant: String = "") throws -> ContenderLabel {
        let version = try ask(request, for: Loaded.self).version
        return ContenderLabel(engine: peer.rawValue, variant: variant, version: version)
    }

    private struct Loaded: Decodable {
        var version: String
    }

    private struct Failure: Decodable {
        var error: String
    }

    private func nextLine() throws -> Data {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                defer { received = Data(received[(end + 1)...]) }
                return received[..<end]
            }
            let part = answers.fileHandleForReading.availableData
            guard !part.isEmpty else { throw ended() }
            received += part
        }
    }

    private func ended() -> BenchError {
        let text = (try? String(contentsOf: folder.appending(path: "messages"), encoding: .utf8)) ?? ""
        let last = text.split(separator: "\n").last { !$0.isEmpty }
        return .peer(peer.rawValue, "its process ended: \(last ?? "it said nothing").")
    }
}

/// A contender that lives in a worker: `{"op": "run", "case": …, "repetitions": …}`, answered with seconds.
public struct PeerContender: Contender {
    private struct Run: Encodable {
        var op = "run"
        var `case`: String
        var repetitions: Int
    }

    private struct Times: Decodable {
        var seconds: [Double]
    }

    /// Who it is.
    public let label: ContenderLabel
    private let worker: PeerWorker
    private let name: String

    /// The contender for the case that the worker knows by this name.
    public init(label: ContenderLabel, worker: PeerWorker, case name: String) {
        self.label = label
        self.worker = worker
        self.name = name
    }

    /// Asks the worker.
    public func times(repetitions: Int) throws -> [Double] {
        try worker.ask(Run(case: name, repetitions: repetitions), for: Times.self).seconds
    }
}

/// Asks a worker to register a case over token ids.
struct PrepareTokens: Encodable {
    enum CodingKeys: String, CodingKey {
        case op, ids
        case name = "case_name"
    }

    var op = "prepare"
    var name: String
    var ids: [[Int32]]
}
