import AttarEvidence
import AttarStorage
import Foundation
import Testing

@Suite struct MetricTests {
    @Test(arguments: [
        ("nDCG@10", "nDCG@10"), ("ndcg", "nDCG"), ("RR", "MRR"), ("RR@10", "MRR@10"), ("mrr@10", "MRR@10"),
        ("R@100", "Recall@100"), ("Recall@100", "Recall@100"), ("AP", "MAP"), ("MAP", "MAP"), ("AP@100", "MAP@100"),
        ("AP(rel=2)", "MAP(rel=2)"), ("R(rel=2)@100", "Recall(rel=2)@100"), ("Success@5", "Success@5"),
        ("P@10", "P@10"),
        (" P @ 10 ", "P@10"), ("P(rel=1)@5", "P@5"),
    ])
    func readsUsualNames(name: String, canonical: String) throws {
        let metric = try Metric(name)
        #expect(metric.description == canonical)
        #expect(try Metric(metric.description) == metric)
        let copy = try JSONDecoder().decode([Metric].self, from: JSONEncoder().encode([metric]))
        #expect(copy == [metric])
    }

    @Test(arguments: [
        "", "@10", "nDCG@", "nDCG@0", "nDCG@-1", "nDCG@x", "F1", "P", "R", "Success", "nDCG(rel=2)@10", "AP(rel=0)",
        "AP(rel=2", "AP(lev=2)", "AP()", "AP(rel=2)x",
    ])
    func refusesWhatItDoesNotKnow(name: String) throws {
        let error = try #require(throws: EvidenceError.self) { try Metric(name) }
        #expect(error.kind == .unknownMetric && error.category == .usage)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Metric].self, from: JSONEncoder().encode([name]))
        }
    }

    @Test func readsLists() throws {
        #expect(try Metric.list("nDCG@10, AP RR@10,") == [.nDCG(at: 10), .averagePrecision(), .reciprocalRank(at: 10)])
    }

    /// One query with grades a 3, c 1, e 2, judged 0 b, not judged d; ranked a b c d, e not found.
    private func value(_ name: String) throws -> Double {
        let judgements = Judgements(["q": ["a": 3, "b": 0, "c": 1, "e": 2]])
        let run = try run("r", ["q": [("a", 4), ("b", 3), ("c", 2), ("d", 1)]])
        let metric = try Metric(name)
        return try #require(Evaluator(judgements: judgements, metrics: [metric]).scores(of: run).mean(of: metric))
    }

    private static let handCalculated: [(name: String, value: Double)] = [
        // DCG: 3/log2(2) + 1/log2(4) = 3.5; ideal: 3 + 2/log2(3) + 1/2 = 4.761859507142915; at 2, 4.261859507142915.
        ("nDCG@10", 0.735007),
        ("nDCG", 0.735007),
        ("nDCG@2", 0.703918),
        ("RR", 1),
        ("RR@10", 1),
        ("RR(rel=4)", 0),
        ("R@2", 0.333333),
        ("R@4", 0.666667),
        ("R(rel=2)@4", 0.5),
        ("R(rel=4)@4", 0),
        // Precision 1 at rank 1 and 2/3 at rank 3, over three relevant documents.
        ("AP", 0.555556),
        ("AP@2", 0.333333),
        ("AP(rel=2)", 0.5),
        ("AP(rel=3)", 1),
        ("Success@1", 1),
        ("Success(rel=4)@5", 0),
        ("P@1", 1),
        ("P@2", 0.5),
        ("P@10", 0.2),
        ("P(rel=2)@4", 0.25),
    ]

    @Test(arguments: handCalculated)
    func equalsTheHandCalculation(name: String, expected: Double) throws {
        let value = try value(name)
        #expect(abs(value - expected) < 1e-6, "\(name): \(value)")
    }

    @Test func tiesAreTrecEvalsExceptForReciprocalRankWithCutoff() throws {
        let judgements = Judgements(["q": ["a": 1, "b": 0]])
        let metrics: [Metric] = [.precision(at: 1), .reciprocalRank(), .reciprocalRank(at: 10)]
        let scores = Evaluator(judgements: judgements, metrics: metrics).scores(
            of: try run("r", ["q": [("a", 1), ("b", 1)]]))
        #expect(metrics.map { scores.mean(of: $0) } == [0, 0.5, 1])
    }

    @Test func missingQueriesCountAsZeroOrAreLeftOut() throws {
        let judgements = Judgements(["q1": ["a": 1], "q2": ["b": 0], "q3": ["b": 2]])
        let run = try run("r", ["q1": [("a", 1)], "q2": [("x", 1)], "unjudged": [("a", 1)]])
        let metric = Metric.success(at: 5)
        let all = Evaluator(judgements: judgements, metrics: [metric]).scores(of: run)
        #expect(all.queryIDs == ["q1", "q2", "q3"] && all.values == [[1, 0, 0]])
        let found = Evaluator(judgements: judgements, metrics: [metric], missingQueries: .leaveOut).scores(of: run)
        #expect(found.queryIDs == ["q1", "q2"] && found.mean(of: metric) == 0.5)
        #expect(found.mean(of: .nDCG()) == nil)
    }
}
