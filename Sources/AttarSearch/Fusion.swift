/// How ranked lists of several retrievers become one.
///
/// Lists hold `(item, score)`, best first. A fused list is ordered by fused score descending, then item ascending.
///
/// ```swift
/// let fused = Fusion.reciprocalRank().fuse([lexical, dense], depth: 10)
/// ```
public enum Fusion: Sendable, Codable, Equatable {
    /// Reciprocal rank fusion: the sum over lists of `1 / (constant + rank)`, ranks from 1
    /// (Cormack, Clarke and Büttcher, SIGIR 2009, where the constant is 60).
    case reciprocalRank(constant: Double = 60)
    /// The weighted sum of scores, each list scaled to 0…1 by its own minimum and maximum first.
    ///
    /// An item missing in a list gets 0 from it; a list whose scores are all equal gives 1 to each of its items. There
    /// must be one weight per list.
    case weighted([Double])

    /// An item of a list with its score.
    public struct Hit: Sendable, Equatable {
        /// The item: a document's number in the collection.
        public let item: UInt32
        /// The score; higher is better.
        public let score: Double

        /// A hit.
        public init(item: UInt32, score: Double) {
            self.item = item
            self.score = score
        }
    }

    /// What one list gave to one item of the fused list.
    public struct Contribution: Sendable, Codable, Equatable {
        /// The number of the list, from 0.
        public let list: Int
        /// The item's rank in that list, from 1.
        public let rank: Int
        /// The item's score in that list.
        public let score: Double
        /// What is added to the fused score.
        public let value: Double
    }

    /// The best `depth` items of all lists together.
    ///
    /// - Complexity: O(n log n) for n hits in all lists.
    /// - Precondition: `weighted` has one weight for each list.
    public func fuse(_ lists: [[Hit]], depth: Int) -> [Hit] {
        checkWeights(for: lists.count)
        var sums: [UInt32: Double] = [:]
        sums.reserveCapacity(lists.reduce(0) { $0 + $1.count })
        for (number, list) in lists.enumerated() {
            let range = ScoreRange(list)
            for (position, hit) in list.enumerated() {
                sums[hit.item, default: 0] += value(list: number, position: position, score: hit.score, range: range)
            }
        }
        let fused = sums.map { Hit(item: $0.key, score: $0.value) }.sorted {
            $0.score != $1.score ? $0.score > $1.score : $0.item < $1.item
        }
        return Array(fused.prefix(depth))
    }

    /// What each list gave to `item`, by the code that `fuse` uses; lists without the item are left out.
    public func contributions(to item: UInt32, in lists: [[Hit]]) -> [Contribution] {
        checkWeights(for: lists.count)
        return lists.enumerated().compactMap { number, list in
            guard let position = list.firstIndex(where: { $0.item == item }) else { return nil }
            let score = list[position].score
            return Contribution(
                list: number, rank: position + 1, score: score,
                value: value(list: number, position: position, score: score, range: ScoreRange(list)))
        }
    }

    private func value(list: Int, position: Int, score: Double, range: ScoreRange) -> Double {
        switch self {
        case .reciprocalRank(let constant): 1 / (constant + Double(position + 1))
        case .weighted(let weights): weights[list] * range.scaled(score)
        }
    }

    private func checkWeights(for lists: Int) {
        guard case .weighted(let weights) = self else { return }
        precondition(weights.count == lists, "\(weights.count) weights for \(lists) lists")
    }
}

/// The lowest and highest score of a list, to scale by.
private struct ScoreRange {
    private let low: Double
    private let high: Double

    init(_ list: [Fusion.Hit]) {
        low = list.lazy.map(\.score).min() ?? 0
        high = list.lazy.map(\.score).max() ?? 0
    }

    func scaled(_ score: Double) -> Double {
        high > low ? (score - low) / (high - low) : 1
    }
}
