import Foundation

/// Who is measured: an engine in one of its settings.
public struct ContenderLabel: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The engine, such as `attar` or `onnxruntime`.
    public var engine: String
    /// The setting in which it runs, such as `fp32`; empty when it has only one.
    public var variant: String
    /// The engine's version.
    public var version: String

    /// A label.
    public init(engine: String, variant: String = "", version: String) {
        self.engine = engine
        self.variant = variant
        self.version = version
    }

    /// Whether this is Attar itself.
    public var isOurs: Bool { engine == Self.ourEngine }
    /// The name that Attar goes by in results.
    public static let ourEngine = "attar"

    /// `attar fp32`
    public var description: String { variant.isEmpty ? engine : engine + " " + variant }
}

/// One that does a case's work and says how long it took.
public protocol Contender {
    /// Who it is.
    var label: ContenderLabel { get }

    /// Does the work so many times.
    ///
    /// - Returns: the seconds of each time, without anything that is not the work itself (such as starting a process,
    ///   or talking to one).
    func times(repetitions: Int) throws -> [Double]
}

/// What a contender of this process is timed by.
public enum BenchClock: Sendable {
    /// The time that passes.
    case wall
    /// The time that the process works on a processor: what others want meanwhile does not count. For work on one
    /// thread.
    case processor

    /// The seconds so far.
    var now: Double {
        var time = timespec()
        clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}

/// A contender of this process: a closure whose calls are timed.
public struct LocalContender: Contender {
    /// Who it is.
    public let label: ContenderLabel
    private let clock: BenchClock
    private let work: () throws -> Void

    /// A contender that calls `work` once a repetition.
    public init(label: ContenderLabel, clock: BenchClock = .wall, work: @escaping () throws -> Void) {
        self.label = label
        self.clock = clock
        self.work = work
    }

    /// Calls the closure so many times.
    public func times(repetitions: Int) throws -> [Double] {
        var seconds: [Double] = []
        seconds.reserveCapacity(repetitions)
        for _ in 0..<repetitions {
            let start = clock.now
            try work()
            seconds.append(clock.now - start)
        }
        return seconds
    }
}

extension Duration {
    /// The duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
