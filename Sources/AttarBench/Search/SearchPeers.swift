import AttarIndex
import Foundation

/// What workers that search are asked besides: `{"op": "answers"}`, `{"op": "matches"}` and `{"op": "finish"}`.
extension PeerWorker {
    private struct Operation: Encodable {
        var op: String
        /// Which of several cases is meant.
        var name: String?
    }

    private struct Answers: Decodable {
        struct Answer: Decodable {
            var ordinals: [UInt32]
            var scores: [Float]
        }

        var answers: [Answer]
    }

    private struct Nothing: Decodable {}

    /// The hits of each query, of the case of a name where there are several.
    func hits(of name: String? = nil) throws -> [[SearchHit]] {
        try ask(Operation(op: "answers", name: name), for: Answers.self).answers.map { answer in
            zip(answer.ordinals, answer.scores).map { SearchHit(ordinal: $0, score: $1) }
        }
    }

    private struct Matches: Decodable {
        var matches: [Int]
    }

    /// How many documents match each query of a case.
    func matches(of name: String) throws -> [Int] {
        try ask(Operation(op: "matches", name: name), for: Matches.self).matches
    }

    /// Lets it remove what it wrote; a worker that has failed before cannot, and need not be asked again.
    func finish() {
        _ = try? ask(Operation(op: "finish"), for: Nothing.self)
    }
}

/// How well the hits of two engines agree.
struct HitAgreement {
    /// The share of the first engine's hits that the other has too, or has as good ones in place of.
    let recall: Double
    /// For how many queries all scores are equal to 4 digits.
    let equalScores: Int
    let queries: Int

    init(_ expected: [[SearchHit]], _ found: [[SearchHit]]) {
        var (kept, all, equal) = (0, 0, 0)
        for (ours, theirs) in zip(expected, found) {
            // At the end of a list, which of several equal hits is shown is chance.
            let last = ours.last?.score ?? 0
            let others = Set(theirs.map(\.ordinal))
            let sure = ours.filter { $0.score > last }
            kept += sure.count { others.contains($0.ordinal) }
            all += sure.count
            let close = zip(ours, theirs).allSatisfy { abs($0.score - $1.score) <= 1e-4 * max(1, abs($0.score)) }
            equal += ours.count == theirs.count && close ? 1 : 0
        }
        recall = all == 0 ? 1 : Double(kept) / Double(all)
        equalScores = equal
        queries = expected.count
    }

    var text: String {
        String(format: "%.2f %% of the hits, equal scores for %d of %d queries", 100 * recall, equalScores, queries)
    }
}

/// The processor times of queries one by one.
struct QueryLatencies {
    let spread: [Double]

    /// Does each query once, after a first pass that warms up.
    init<Query>(_ queries: [Query], _ work: (Query) throws -> Void) rethrows {
        for query in queries { try work(query) }
        spread = try queries.map { query in
            let start = BenchClock.processor.now
            try work(query)
            return BenchClock.processor.now - start
        }.sorted()
    }

    func quantile(_ share: Double) -> Double { spread.isEmpty ? 0 : spread[Int(share * Double(spread.count - 1))] }

    /// The 99th percentile divided by the median.
    var tail: Double { quantile(0.99) / max(quantile(0.5), 1e-9) }

    var text: String {
        let (median, late) = (quantile(0.5), quantile(0.99))
        return String(
            format: "median %.1f µs and 99th percentile %.1f µs a query (ratio %.1f)", 1e6 * median, 1e6 * late,
            tail)
    }
}
