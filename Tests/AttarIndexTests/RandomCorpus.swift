import AttarIndex
import AttarTensor
import AttarTestSupport
import Foundation

@testable import AttarIndex

/// Passages of random terms with frequencies like those of words, and the plainest possible BM25 over them.
struct RandomCorpus {
    let passages: [[String]]
    let vocabulary: [String]

    /// - Parameter terms: how many different terms there may be; term i has a probability proportional to 1 / (i + 1).
    init(seed: UInt64, passages count: Int, terms: Int, meanLength: Int) {
        var generator = SeededGenerator(seed: seed)
        let words = (0..<terms).map { "t\($0 % 7)-\(String($0, radix: 3))" }
        var sums: [Double] = []
        for rank in 0..<terms { sums.append((sums.last ?? 0) + 1 / Double(rank + 1)) }
        var passages: [[String]] = []
        for _ in 0..<count {
            let length = Int(Double(meanLength) * -log(1 - generator.uniform()))
            passages.append(
                (0..<length).map { _ in
                    let point = generator.uniform() * (sums.last ?? 0)
                    return words[min(terms - 1, sums.partitioningIndex { $0 > point })]
                })
        }
        self.passages = passages
        vocabulary = words
    }

    func write(to path: String) throws -> InvertedIndex {
        var builder = InvertedIndexBuilder()
        for passage in passages { try builder.add(terms: passage) }
        let size = try builder.finish(to: path)
        let index = try InvertedIndex(path: path)
        precondition(index.byteCount == size)
        return index
    }

    /// Every passage that holds a term, best first: the exhaustive twin of the search.
    ///
    /// Scores are sums over the query's different terms of the very contributions that the search adds; what is checked
    /// is that postings, skipping and order lose nothing.
    func exhaustive(
        _ query: [WeightedTerm], parameters: BM25Parameters, allowed: (UInt32) -> Bool = { _ in true }
    ) -> [SearchHit] {
        var weights: [String: Float] = [:]
        for item in query where item.weight > 0 { weights[item.term, default: 0] += item.weight }
        let holding = passages.count { !$0.isEmpty }
        let statistics = CorpusStatistics(passages: holding, totalLength: passages.reduce(0) { $0 + $1.count })
        let counts = passages.map { $0.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 } }
        for term in weights.keys {
            let frequency = counts.count { $0[term] != nil }
            let idf = BM25.inverseDocumentFrequency(documentFrequency: frequency, passages: holding)
            weights[term] = frequency == 0 ? nil : (weights[term] ?? 0) * Float(idf)
        }
        let grid = ScoreGrid(totalWeight: weights.values.sorted().reduce(0, +), terms: weights.count)
        var hits: [SearchHit] = []
        for (ordinal, count) in counts.enumerated() where allowed(UInt32(ordinal)) {
            let inverse = BM25.inverseNorm(
                length: UInt32(passages[ordinal].count), averageLength: statistics.averageLength,
                parameters: parameters)
            let parts = weights.compactMap { term, weight in
                count[term].map {
                    grid.rounded(
                        BM25.contribution(weight: weight, frequency: Float($0), inverseNorm: inverse))
                }
            }
            if !parts.isEmpty { hits.append(SearchHit(ordinal: UInt32(ordinal), score: parts.reduce(0, +))) }
        }
        return hits.sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) }
    }
}

extension Array {
    /// The first index whose element satisfies a condition that holds for all after it; `count` when there is none.
    func partitioningIndex(_ holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
