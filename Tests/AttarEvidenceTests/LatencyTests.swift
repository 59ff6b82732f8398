import AttarEvidence
import Synchronization
import Testing

/// A clock that moves by itself: each look at it is one microsecond later than the last.
private final class StepClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (first: Instant, second: Instant) -> Bool { first.offset < second.offset }
    }

    private let looks = Mutex(0)

    var now: Instant {
        looks.withLock { looks in
            looks += 1
            return Instant(offset: .microseconds(looks))
        }
    }
    var minimumResolution: Duration { .microseconds(1) }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}

@Suite struct LatencyTests {
    @Test func percentilesAreNearestRanks() throws {
        let summary = try #require(LatencySummary(nanoseconds: (1...200).shuffled().map { $0 * 1_000 }))
        #expect(summary.count == 200)
        #expect(summary.meanMicroseconds == 100.5)
        #expect([summary.p50Microseconds, summary.p95Microseconds, summary.p99Microseconds] == [100, 190, 198])
    }

    @Test func fewTimesAndNone() throws {
        let one = try #require(LatencySummary([.milliseconds(2)]))
        #expect([one.p50Microseconds, one.p99Microseconds, one.meanMicroseconds] == [2_000, 2_000, 2_000])
        #expect(LatencySummary([]) == nil)
        #expect(LatencyRecorder().summary == nil)
    }

    @Test func warmUpIsNotTimedAndRepetitionsAre() {
        var recorder = LatencyRecorder()
        var calls: [Int] = []
        recorder.measure([1, 2, 3], warmUp: 4, repetitions: 2, clock: StepClock()) { calls.append($0) }
        #expect(calls == [1, 2, 3, 1, 1, 2, 3, 1, 2, 3])
        #expect(recorder.durations == [Duration](repeating: .microseconds(1), count: 6))
        recorder.measure([Int](), warmUp: 5, clock: StepClock()) { calls.append($0) }
        #expect(calls.count == 10)
    }
}
