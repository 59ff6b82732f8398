import Foundation

/// One query's results seen through its judgements: all that a metric needs.
struct JudgedRanking {
    /// The grade of each result, best result first in trec_eval's order; 0 for what is not judged.
    let found: [Int]
    /// The same in MS MARCO's order, which differs where scores tie.
    let foundByMSMARCO: [Int]
    /// The positive grades of all judged documents, highest first: the ideal order.
    let ideal: [Int]

    init(results: [Run.Result], grades: [String: Int]) {
        let grade = { (result: Run.Result) in grades[result.documentID] ?? 0 }
        found = results.map(grade)
        foundByMSMARCO = results.sorted(by: Run.Result.isRankedByMSMARCO).map(grade)
        ideal = grades.values.filter { $0 > 0 }.sorted(by: >)
    }
}

extension Metric {
    /// The value for one query.
    ///
    /// A query without relevant documents has the value 0, as in trec_eval.
    /// - Complexity: O(results + relevant documents).
    func value(of ranking: JudgedRanking) -> Double {
        let found = isMSMARCOs ? ranking.foundByMSMARCO : ranking.found
        let top = found.prefix(cutoff ?? found.count)
        let relevantCount = ranking.ideal.prefix { $0 >= relevance }.count
        switch kind {
        case .nDCG:
            return ratio(Self.discountedGain(top), Self.discountedGain(ranking.ideal.prefix(cutoff ?? Int.max)))
        case .reciprocalRank:
            return top.firstIndex { $0 >= relevance }.map { 1 / Double($0 + 1) } ?? 0
        case .recall:
            return ratio(Double(hits(in: top)), Double(relevantCount))
        case .averagePrecision:
            return ratio(sumOfPrecisions(top), Double(relevantCount))
        case .success:
            return hits(in: top) > 0 ? 1 : 0
        case .precision:
            return Double(hits(in: top)) / Double(cutoff ?? max(1, top.count))
        }
    }

    /// trec_eval has no reciprocal rank with a cut-off: MS MARCO defined it, with its own order of ties.
    private var isMSMARCOs: Bool { kind == .reciprocalRank && cutoff != nil }

    private func hits(in grades: ArraySlice<Int>) -> Int { grades.count { $0 >= relevance } }

    private func ratio(_ value: Double, _ whole: Double) -> Double { whole > 0 ? value / whole : 0 }

    private func sumOfPrecisions(_ grades: ArraySlice<Int>) -> Double {
        var relevantSoFar = 0.0
        var sum = 0.0
        for (index, grade) in grades.enumerated() where grade >= relevance {
            relevantSoFar += 1
            sum += relevantSoFar / Double(index + 1)
        }
        return sum
    }

    /// The sum of grade / log2(rank + 1) (Järvelin & Kekäläinen 2002, with the gain linear in the grade).
    private static func discountedGain(_ grades: ArraySlice<Int>) -> Double {
        var gain = 0.0
        for (index, grade) in grades.enumerated() where grade > 0 { gain += Double(grade) / log2(Double(index + 2)) }
        return gain
    }
}
