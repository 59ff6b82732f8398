import AttarEvidence
import AttarTestSupport
import Foundation
import Testing

/// Values of ir-measures 0.4.3 (trec_eval's code) on the runs of the msmarco-dl19-pool data, in Fixtures.
@Suite struct GoldenMetricTests {
    private static let golden: [String: [String: Double]] = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/msmarco-dl19-pool.json")
        let data = (try? Data(contentsOf: path)) ?? Data()
        return (try? JSONDecoder().decode([String: [String: Double]].self, from: data)) ?? [:]
    }()

    @Test(.enabled(if: SharedData.isAvailable, "needs ../shared"), arguments: ["qrels/test.tsv", "qrels_full.tsv.gz"])
    func equalsIRMeasuresOnEveryRun(file: String) throws {
        let folder = SharedData.path("msmarco-dl19-pool")
        let judgements = try Judgements(path: "\(folder)/\(file)")
        let expected = Self.golden.filter { $0.key.hasPrefix(file + " ") }
        #expect(expected.count == 6)
        for (key, values) in expected {
            let name = String(key.dropFirst(file.count + 1))
            let run = try Run(path: "\(folder)/runs/\(name).trec.gz")
            #expect(run.name == name)
            let metrics = try values.keys.map { try Metric($0) }
            let scores = Evaluator(judgements: judgements, metrics: metrics).scores(of: run)
            for (metricName, value) in values {
                let metric = try Metric(metricName)
                let mean = try #require(scores.mean(of: metric))
                #expect(abs(mean - value) < 1e-9, "\(metric) of \(name) on \(file): \(mean), expected \(value)")
            }
        }
    }

    @Test func theFixtureHoldsAllRunsAndMetrics() {
        #expect(Self.golden.count == 12)
        #expect(Self.golden.values.allSatisfy { $0.count == 21 })
    }
}
