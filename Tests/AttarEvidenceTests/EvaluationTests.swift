import AttarEvidence
import AttarStorage
import AttarTestSupport
import Testing

@Suite struct EvaluationTests {
    private let judgements = Judgements(["q1": ["a": 1], "q2": ["b": 2], "q3": ["c": 1]])

    @Test func measuresAndComparesEveryPairOnEveryMetric() throws {
        let good = try run("good", ["q1": [("a", 1)], "q2": [("b", 1)], "q3": [("c", 1)]])
        let half = try run(
            "half", ["q1": [("x", 2), ("a", 1)], "q2": [("x", 2), ("b", 1)], "q3": [("x", 2), ("c", 1)]])
        let poor = try run("poor", ["q1": [("x", 1)], "other": [("x", 1)]])
        let metrics: [Metric] = [.reciprocalRank(), .success(at: 1)]
        let report = try Evaluation.report(
            judgements: judgements, runs: [good, half, poor], metrics: metrics, dataset: "tiny")
        #expect(report.pipelines.map(\.name) == ["good", "half", "poor"])
        #expect(report.pipelines.map { $0.measurement(of: metrics[0])?.mean } == [1, 0.5, 0])
        #expect(report.comparisons.count == 6)
        let comparison = try #require(report.comparison(of: "half", with: "good", on: metrics[0]))
        #expect(comparison.difference == -0.5 && comparison.queries == 3)
        #expect(comparison.interval == Interval(lower: -0.5, upper: -0.5))
        // Three differences of one sign: 2 of 8 patterns; three pairs.
        #expect(comparison.pValue == 0.25 && comparison.adjustedPValue == 0.75)
        #expect(report.notes.count == 2)
        #expect(report.dataset == DatasetEvidence(name: "tiny", queries: 3, judgements: 3))
    }

    @Test func leavingOutMissingQueriesComparesTheCommonOnes() throws {
        let first = try run("first", ["q1": [("a", 1)], "q2": [("b", 1)]])
        let second = try run("second", ["q2": [("x", 1)], "q3": [("c", 1)]])
        let report = try Evaluation.report(
            judgements: judgements, runs: [first, second], metrics: [.success(at: 1)], missingQueries: .leaveOut)
        #expect(report.comparisons[0].queries == 1 && report.comparisons[0].difference == 1)
        #expect(report.comparisons[0].interval == nil)
    }

    @Test func theSameSeedGivesTheSameReport() throws {
        let runs = try ["a", "b"].map { name in
            try run(name, ["q1": [(name, 1)], "q2": [("b", 1)], "q3": [("x", 2), ("c", name == "a" ? 3 : 1)]])
        }
        let bytes = try (0..<2).map { _ in try Evaluation.report(judgements: judgements, runs: runs, seed: 5).json() }
        #expect(bytes[0] == bytes[1])
    }

    @Test func refusesWhatCannotBeMeasured() throws {
        let run = try run("r", ["q1": [("a", 1)]])
        let stranger = try AttarEvidenceTests.run("s", ["z": [("a", 1)]])
        let cases: [(Judgements, [Run], [Metric], EvidenceError.Kind)] = [
            (Judgements(), [run], Metric.standard, .nothingToMeasure),
            (judgements, [], Metric.standard, .nothingToMeasure),
            (judgements, [stranger], Metric.standard, .nothingToMeasure),
            (judgements, [run, run], Metric.standard, .duplicate),
        ]
        for (judgements, runs, metrics, kind) in cases {
            let error = try #require(throws: EvidenceError.self) {
                try Evaluation.report(judgements: judgements, runs: runs, metrics: metrics)
            }
            #expect(error.kind == kind && error.category == .input)
        }
        // Here the command is wrong, and not what it reads.
        let error = try #require(throws: EvidenceError.self) {
            try Evaluation.report(judgements: judgements, runs: [run], metrics: [])
        }
        #expect(error.kind == .unknownMetric && error.category == .usage)
    }

    @Test(.enabled(if: SharedData.isAvailable, "needs ../shared"))
    func realRunsGiveTheKnownOrder() throws {
        let folder = SharedData.path("msmarco-dl19-pool")
        let runs = try ["bm25", "tasb", "repllama"].map { try Run(path: "\(folder)/runs/\($0).trec.gz") }
        let report = try Evaluation.report(
            judgements: try Judgements(path: folder + "/qrels_full.tsv.gz"), runs: runs, metrics: [.nDCG(at: 10)],
            options: StatisticsOptions(resamples: 1_000))
        let means = report.pipelines.compactMap { $0.measurements.first?.mean }
        for (mean, published) in zip(means, [0.5058, 0.7210]) { #expect(abs(mean - published) < 5e-5) }
        let better = try #require(report.comparison(of: "tasb", with: "bm25", on: .nDCG(at: 10)))
        #expect(better.adjustedPValue < 0.01)
    }
}
