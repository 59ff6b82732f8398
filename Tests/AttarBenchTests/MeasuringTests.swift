@testable import AttarBench
import AttarStorage
import AttarTestSupport
import Foundation
import Testing

struct MeasuringTests {
    /// Says what it is told to have taken, and notes when it was asked.
    private struct Scripted: Contender {
        let label: ContenderLabel
        let seconds: (_ turn: Int) -> Double
        let log: Log

        final class Log {
            var turns: [String] = []
        }

        func times(repetitions: Int) -> [Double] {
            log.turns.append(label.engine)
            let turn = log.turns.count { $0 == label.engine } - 1
            return Array(repeating: seconds(turn), count: repetitions)
        }
    }

    @Test func contendersTakeTurnsAndRatiosAreTakenWithinARound() throws {
        let log = Scripted.Log()
        // The machine slows down from round to round; both suffer alike, and the ratio does not move.
        let ours = Scripted(label: .init(engine: "attar", variant: "fp32", version: "1"), seconds: { 1 + Double($0) }, log: log)
        let peer = Scripted(label: .init(engine: "peer", version: "2"), seconds: { 2 + 2 * Double($0) }, log: log)
        let bench = BenchCase(name: "work", quantity: .milliseconds, contenders: [ours, peer])
        let result = try BenchRunner(rounds: 3).measure(bench)
        #expect(log.turns == ["attar", "peer", "attar", "peer", "peer", "attar", "attar", "peer"])
        #expect(result.entries.map(\.value.median) == [3000, 6000])
        #expect(result.entries[0].ratios.isEmpty)
        #expect(result.entries[1].ratios.map(\.ours) == ["attar fp32"])
        #expect(result.entries[1].ratios[0].spread == Spread(of: [0.5]))
    }

    @Test func ratesAreWorkDividedByTime() throws {
        let log = Scripted.Log()
        let ours = Scripted(label: .init(engine: "attar", version: "1"), seconds: { _ in 0.5 }, log: log)
        let peer = Scripted(label: .init(engine: "peer", version: "2"), seconds: { _ in 1 }, log: log)
        let bench = BenchCase(name: "work", quantity: .rate(of: "tokens"), amount: 300, contenders: [ours, peer])
        let result = try BenchRunner(rounds: 2).measure(bench)
        #expect(result.entries.map(\.value.median) == [600, 300])
        #expect(result.entries[1].ratios[0].spread.median == 2)
        #expect(result.rows[0] == ["", "tokens/s", "attar ÷ it"])
        #expect(result.rows[2] == ["peer", "300 [300–300]", "2.00 [2.00–2.00]"])
    }

    @Test func shareOfPeakIsOperationsOverTimeOverPeak() throws {
        let log = Scripted.Log()
        let ours = Scripted(label: .init(engine: "attar", version: "1"), seconds: { _ in 1 }, log: log)
        let bench = BenchCase(name: "work", quantity: .milliseconds, operations: 1e9, contenders: [ours])
        let result = CaseResult(bench, secondsByRound: [[1, 2]], peaks: [2e9, 2e9])
        #expect(result.entries[0].shareOfPeak?.median == 0.375)
        let measured = try BenchRunner(rounds: 1).measure(bench)
        #expect(try #require(measured.peak).median > 1e8)
    }

    @Test func aSpreadHasQuartilesAsNumPyHasThem() {
        let spread = Spread(of: [4, 1, 3, 2])
        #expect(spread.lowerQuartile == 1.75 && spread.median == 2.5 && spread.upperQuartile == 3.25)
        #expect(Spread(of: []).median == 0)
        #expect(Spread(of: [7]).upperQuartile == 7)
    }

    @Test func aLocalContenderWorksAsOftenAsAsked() throws {
        var calls = 0
        let contender = LocalContender(label: .init(engine: "attar", version: "1")) { calls += 1 }
        #expect(try contender.times(repetitions: 5).count == 5)
        #expect(calls == 5)
    }

    #if os(Linux)
        @Test func moreThreadsThanProcessorsAreRefused() {
            #expect(throws: BenchError.self) { try ProcessorPinning.pin(to: 100_000) }
            #expect(!ProcessorPinning.allowed().isEmpty)
        }
    #endif
}

struct MarkdownSectionTests {
    @Test func aSectionIsReplacedAndWhatStandsAroundItIsLeftAlone() throws {
        try withFolder { folder in
            let path = folder + "/benchmarks.md"
            try MarkdownSection.write("first", named: "a", to: path)
            try MarkdownSection.write("other\n", named: "b", to: path)
            try MarkdownSection.write("second", named: "a", to: path)
            #expect(try TextFile.read(path) == """
                # Benchmarks

                <!-- begin: a -->
                second
                <!-- end: a -->

                <!-- begin: b -->
                other
                <!-- end: b -->

                """)
        }
    }

    @Test func aSectionWithOneMarkIsRefused() throws {
        #expect(MarkdownSection.replacing("a", in: "<!-- begin: a -->\n", with: "x") == nil)
        #expect(MarkdownSection.replacing("a", in: "<!-- end: a -->\n<!-- begin: a -->\n", with: "x") == nil)
        try withFolder { folder in
            let path = folder + "/benchmarks.md"
            try AtomicFile.write(Array("<!-- end: a -->\n".utf8), to: path)
            #expect(throws: BenchError.self) { try MarkdownSection.write("x", named: "a", to: path) }
        }
    }
}
