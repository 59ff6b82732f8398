import Foundation

/// The results of one bench, with all that is needed to repeat it.
public struct BenchReport: Codable, Sendable {
    /// What was measured, such as `encode minilm`; names the section of a Markdown file.
    public var title: String
    /// The command that measured it.
    public var command: String
    /// When it ended, ISO 8601.
    public var date: String
    /// Where.
    public var machine: Machine
    /// The load averages when it began.
    public var loadBefore: [Double]
    /// The load averages when it ended, its own load among them.
    public var loadAfter: [Double]
    /// Threads of every contender.
    public var threads: Int
    /// The processors to which all were bound; empty when they could not be.
    public var boundTo: [Int]
    /// Rounds of every case.
    public var rounds: Int
    /// What the figures include and leave out.
    public var notes: [String]
    /// A table over all cases, its head first; nil for none.
    public var summary: [[String]]?
    /// The cases.
    public var cases: [CaseResult]

    /// The engines that were measured, with their versions, sorted.
    public var versions: [String] {
        Set(cases.flatMap { $0.entries.map { "\($0.label.engine) \($0.label.version)" } }).sorted()
    }
}

/// What all benches share: who may be measured, how often, where results of peers are kept.
public struct BenchSettings: Sendable {
    /// Attar's version.
    public var version: String
    /// The command, for the report.
    public var command: String
    /// Threads of every contender.
    public var threads: Int
    /// Rounds of every case.
    public var rounds: Int
    /// The peers to measure against.
    public var peers: [Peer]
    /// A Python that has the peers' packages; nil to make one.
    public var python: String?
    /// Told what is being done, in words.
    public var say: @Sendable (String) -> Void

    /// Settings.
    public init(
        version: String, command: String, threads: Int = 1, rounds: Int = 11, peers: [Peer] = [], python: String? = nil,
        say: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.version = version
        self.command = command
        self.threads = threads
        self.rounds = rounds
        self.peers = peers
        self.python = python
        self.say = say
    }

    /// Refuses peers that do other work than a bench measures.
    ///
    /// - Parameters:
    ///   - known: those that do it.
    ///   - fault: what the others do not, such as "searches no text".
    /// - Throws: `BenchError.usage`.
    func requirePeers(among known: [Peer], otherwise fault: String) throws {
        guard let peer = peers.first(where: { !known.contains($0) }) else { return }
        let names = known.map(\.rawValue).joined(separator: ", ")
        throw BenchError.usage("\(peer.rawValue) \(fault); --against takes \(names) here.")
    }

    /// Refuses more than one thread.
    ///
    /// - Parameter measured: what is measured on one, such as "Queries".
    /// - Throws: `BenchError.usage`.
    func requireOneThread(of measured: String) throws {
        guard threads == 1 else {
            throw BenchError.usage("\(measured) are measured on one thread; leave --threads out.")
        }
    }

    /// The label of one of Attar's own contenders.
    public func ours(_ variant: String = "") -> ContenderLabel {
        ContenderLabel(engine: ContenderLabel.ourEngine, variant: variant, version: version)
    }
}

/// Binds the process, has the cases made, measures them and writes down the circumstances.
public struct BenchSession {
    private let settings: BenchSettings
    private let boundTo: [Int]
    private let loadBefore = Machine.load()

    /// Binds the process to as many processors as there are threads. Peers must be started afterwards.
    ///
    /// - Throws: `BenchError` when there are not enough processors.
    public init(_ settings: BenchSettings) throws {
        guard settings.threads > 0, settings.rounds > 0 else {
            throw BenchError.usage("At least one thread and one round are needed.")
        }
        self.settings = settings
        boundTo = try ProcessorPinning.pin(to: settings.threads)
    }

    /// Measures the cases one after the other.
    public func report(title: String, notes: [String], cases: [BenchCase]) throws -> BenchReport {
        let runner = BenchRunner(rounds: settings.rounds) { name, round, rounds in
            settings.say("\(title): \(name), round \(min(round + 1, rounds)) of \(rounds)")
        }
        let results = try cases.map { try runner.measure($0) }
        return BenchReport(
            title: title, command: settings.command, date: Date().formatted(.iso8601), machine: .current(),
            loadBefore: loadBefore, loadAfter: Machine.load(), threads: settings.threads, boundTo: boundTo,
            rounds: settings.rounds, notes: notes, cases: results)
    }
}
