import AttarStorage

/// How thorough a search over sparse vectors is.
public struct SparseSearchEffort: Sendable, Hashable, Codable {
    /// How many of the query's weights are looked at, the largest first; nil for all.
    public var columns: Int?
    /// How many passages are completed: those whose strong postings promise most. Nil for all that can matter. Two
    /// to three times the hits that are asked for find most of them (docs/benchmarks.md has figures).
    public var candidates: Int?

    /// An effort.
    ///
    /// - Precondition: at least one column and one candidate.
    public init(columns: Int? = nil, candidates: Int? = nil) {
        precondition(columns.map { $0 > 0 } ?? true, "an effort of \(columns ?? 0) columns")
        precondition(candidates.map { $0 > 0 } ?? true, "an effort of \(candidates ?? 0) candidates")
        self.columns = columns
        self.candidates = candidates
    }

    /// Every hit is right.
    public static let exact = SparseSearchEffort()

    /// The weights to look at, a column once, with their columns.
    func most(_ columns: [Int32], _ weights: [Float]) -> [(column: Int32, weight: Float)] {
        var sorted: [(column: Int32, weight: Float)] = []
        sorted.reserveCapacity(columns.count)
        for place in columns.indices where weights[place] > 0 && weights[place].isFinite {
            sorted.append((columns[place], weights[place]))
        }
        if !zip(sorted, sorted.dropFirst()).allSatisfy({ $0.column < $1.column }) { sorted = Self.summed(sorted) }
        guard let most = self.columns, most < sorted.count else { return sorted }
        return Array(sorted.sorted { ($1.weight, $0.column) < ($0.weight, $1.column) }.prefix(most))
    }

    private static func summed(_ weights: [(column: Int32, weight: Float)]) -> [(column: Int32, weight: Float)] {
        var sums: [Int32: Float] = [:]
        for item in weights { sums[item.column, default: 0] += item.weight }
        return sums.map { ($0, $1) }.sorted { $0.0 < $1.0 }
    }
}

/// A query bound to a sparse index.
struct SparsePlan {
    /// The columns that occur in the index, with what their codes are multiplied with.
    private(set) var weights: [(column: Int, weight: Float)] = []
    /// Their lists; columns without weak postings have no weak list.
    private(set) var strong: [PlannedTerm] = []
    private(set) var weak: [PlannedTerm] = []
    let grid: ScoreGrid
    /// The most that the weak postings of a passage can add.
    let weakSum: Float

    /// - Parameter records: two a column.
    init(_ query: [(column: Int32, weight: Float)], records: MappedArray<TermRecord>, step: Float) {
        var total: Float = 0
        for item in query where item.column >= 0 && 2 * Int(item.column) + 1 < records.count {
            let lists = [records[2 * Int(item.column)], records[2 * Int(item.column) + 1]].map { record in
                PlannedTerm(
                    record: record, weight: item.weight * step, strength: record.bound.largestCode,
                    floor: Float(record.floor.code))
            }
            guard lists[0].record.documentFrequency > 0 else { continue }
            weights.append((Int(item.column), item.weight * step))
            strong.append(lists[0])
            total += lists[0].weight * max(lists[0].strength, lists[1].strength)
            if lists[1].record.documentFrequency > 0 { weak.append(lists[1]) }
        }
        let grid = ScoreGrid(totalWeight: total, terms: strong.count)
        self.grid = grid
        weakSum = weak.reduce(0) { $0 + grid.rounded($1.weight * $1.strength) }
    }
}
