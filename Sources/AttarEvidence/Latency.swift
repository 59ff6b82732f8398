/// How long queries take. All times are microseconds.
public struct LatencySummary: Sendable, Codable, Equatable {
    /// How many queries were timed.
    public var count: Int
    /// The mean.
    public var meanMicroseconds: Double
    /// The median.
    public var p50Microseconds: Double
    /// 95 % of the queries take no longer.
    public var p95Microseconds: Double
    /// 99 % of the queries take no longer.
    public var p99Microseconds: Double

    /// A summary whose figures are known.
    public init(
        count: Int, meanMicroseconds: Double, p50Microseconds: Double, p95Microseconds: Double, p99Microseconds: Double
    ) {
        self.count = count
        self.meanMicroseconds = meanMicroseconds
        self.p50Microseconds = p50Microseconds
        self.p95Microseconds = p95Microseconds
        self.p99Microseconds = p99Microseconds
    }

    /// Summarises times; nil without any.
    ///
    /// A percentile is the smallest time that at least so many of the times do not exceed (nearest rank).
    /// - Complexity: O(n log n).
    public init?(_ durations: [Duration]) {
        guard !durations.isEmpty else { return nil }
        let sorted = durations.map(\.microseconds).sorted()
        func percentile(_ percent: Int) -> Double { sorted[max(0, (sorted.count * percent + 99) / 100 - 1)] }
        self.init(
            count: sorted.count, meanMicroseconds: sorted.reduce(0, +) / Double(sorted.count),
            p50Microseconds: percentile(50), p95Microseconds: percentile(95), p99Microseconds: percentile(99))
    }

    /// Summarises times in nanoseconds; nil without any.
    public init?(nanoseconds: [some BinaryInteger]) {
        self.init(nanoseconds.map { Duration.nanoseconds(Int64($0)) })
    }
}

extension Duration {
    /// The duration in microseconds.
    public var microseconds: Double {
        Double(components.seconds) * 1e6 + Double(components.attoseconds) * 1e-12
    }
}

/// Collects the times of single queries.
///
///     var recorder = LatencyRecorder()
///     recorder.measure(queries, warmUp: 20, clock: ContinuousClock()) { query in search(query) }
///     recorder.summary?.p95Microseconds
public struct LatencyRecorder: Sendable {
    /// The times, in the order they were taken.
    public private(set) var durations: [Duration] = []

    /// A recorder without times.
    public init() {}

    /// Adds one time.
    public mutating func record(_ duration: Duration) {
        durations.append(duration)
    }

    /// The summary of all times; nil without any.
    public var summary: LatencySummary? { LatencySummary(durations) }

    /// Times `body` for each input, one after the other, on the calling thread.
    ///
    /// - Parameters:
    ///   - warmUp: how many calls run untimed first (from the first inputs, repeated if there are too few), so that
    ///     caches, page tables and branch predictors are in the state of a running service.
    ///   - repetitions: how many times all inputs are gone through.
    ///   - clock: the clock; a test passes its own.
    public mutating func measure<Input, Output, C: Clock>(
        _ inputs: [Input], warmUp: Int = 0, repetitions: Int = 1, clock: C, _ body: (Input) throws -> Output
    ) rethrows where C.Duration == Duration {
        guard !inputs.isEmpty else { return }
        for index in 0..<warmUp { _ = try body(inputs[index % inputs.count]) }
        durations.reserveCapacity(durations.count + inputs.count * repetitions)
        for _ in 0..<repetitions {
            for input in inputs {
                let start = clock.now
                _ = try body(input)
                durations.append(start.duration(to: clock.now))
            }
        }
    }
}
