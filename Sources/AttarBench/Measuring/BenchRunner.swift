import CAttarKernels

/// Measures cases: all contenders in turn, round after round, so that whatever else the machine does meets all alike.
///
/// A contender's value of a round is the median of its repetitions; ratios are taken within a round.
public struct BenchRunner {
    /// How many rounds.
    public var rounds: Int
    /// About how long a contender works in a round, in seconds: short work is repeated.
    public var secondsPerTurn: Double
    /// Called before each round with the case, the round and the number of rounds.
    public var progress: (_ name: String, _ round: Int, _ rounds: Int) -> Void

    /// A runner.
    public init(
        rounds: Int = 11, secondsPerTurn: Double = 0.1,
        progress: @escaping (_ name: String, _ round: Int, _ rounds: Int) -> Void = { _, _, _ in }
    ) {
        precondition(rounds > 0, "\(rounds) rounds")
        self.rounds = rounds
        self.secondsPerTurn = secondsPerTurn
        self.progress = progress
    }

    /// Measures a case.
    ///
    /// - Throws: what a contender throws; `CancellationError` between two turns when the task was cancelled.
    public func measure(_ bench: BenchCase) throws -> CaseResult {
        // The first repetitions warm caches and allocators up, and tell how many fill a turn.
        let repetitions = try bench.contenders.map { contender in
            try Task.checkCancellation()
            let seconds = try contender.times(repetitions: 2).min() ?? 0
            return max(1, min(100_000, Int(secondsPerTurn / max(seconds, 1e-9))))
        }
        var seconds = bench.contenders.map { _ in [Double]() }
        var peaks: [Double] = []
        for round in 0..<rounds {
            progress(bench.name, round, rounds)
            // Every other round goes backwards, so that nobody always follows the same neighbour.
            let order = Array(bench.contenders.indices)
            for index in round.isMultiple(of: 2) ? order : order.reversed() {
                try Task.checkCancellation()
                let times = try bench.contenders[index].times(repetitions: repetitions[index])
                seconds[index].append(Spread(of: times).median)
            }
            if bench.operations != nil, let own = seconds.first?.last {
                peaks.append(PeakRate.measure(seconds: own, repetitions: repetitions[0]))
            }
        }
        progress(bench.name, rounds, rounds)
        return CaseResult(bench, secondsByRound: seconds, peaks: peaks)
    }
}

/// The most a core can do: fused multiply-adds of 32-bit floats that never leave the registers.
public enum PeakRate {
    /// Floating-point operations a second of the calling thread's core, the median of several runs.
    ///
    /// A run should be as long as what is compared with it: where others want the core too, short runs are seldom
    /// interrupted and long ones always.
    ///
    /// - Parameters:
    ///   - seconds: about how long a run is.
    ///   - repetitions: how many runs.
    public static func measure(seconds: Double, repetitions: Int) -> Double {
        let probe = (0..<5).map { _ in rate(rounds: 20_000) }
        let wanted = max(1, Spread(of: probe).median * seconds / operationsPerRound)
        return Spread(of: (0..<max(1, repetitions)).map { _ in rate(rounds: Int(wanted)) }).median
    }

    private static let operationsPerRound: Double = {
        var sink: Float = 0
        return Double(attar_peak_f32(1, &sink))
    }()

    private static func rate(rounds: Int) -> Double {
        let clock = ContinuousClock()
        var sink: Float = 0
        let start = clock.now
        let operations = attar_peak_f32(rounds, &sink)
        return Double(operations) / start.duration(to: clock.now).inSeconds
    }
}
