import AttarIndex
import AttarTensor

/// What an approximate index must find: for some queries the ten nearest vectors.
struct RecallMeasure {
    static let k = 10
    /// The numbers of candidates that are tried, ascending: by so small steps that two indexes of nearly the same
    /// recall do not end at very different times of a query.
    static let ladder = [
        10, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600, 800, 1000,
    ]
    /// Of inverted lists: how many are looked at, and how many of the best by their codes are scored again.
    static let probes = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    static let rescored = [40, 80, 160, 320, 640]

    private let queries: [[Float]]
    /// The query's own ordinal where it is one of the vectors: it would be found too easily.
    private let own: [UInt32?]
    private let truth: [Set<UInt32>]

    /// Queries from elsewhere.
    init(_ queries: [[Float]], in vectors: FlatVectorIndex) throws {
        try self.init(queries, own: queries.map { _ in nil }, in: vectors)
    }

    /// Vectors of the index itself as queries, evenly spread.
    init(sampling count: Int, of vectors: FlatVectorIndex) throws {
        let ordinals = (0..<min(count, vectors.count)).map { UInt32($0 * vectors.count / min(count, vectors.count)) }
        try self.init(ordinals.map(vectors.vector), own: ordinals, in: vectors)
    }

    private init(_ queries: [[Float]], own: [UInt32?], in vectors: FlatVectorIndex) throws {
        self.queries = queries
        self.own = own
        truth = try zip(queries, own).map { Set(try Self.found($0, own: $1, in: vectors)) }
    }

    /// The ten nearest, without the query itself.
    private static func found(_ query: [Float], own: UInt32?, in index: some VectorIndex) throws -> [UInt32] {
        let hits = try index.search(query, k: own == nil ? k : k + 1).map(\.ordinal)
        return Array(hits.lazy.filter { $0 != own }.prefix(k))
    }

    /// The share of the nearest vectors that an index finds; 1 when there are no queries.
    func recall(of index: any VectorIndex) throws -> Double {
        var (hits, wanted) = (0, 0)
        for (number, query) in queries.enumerated() {
            hits += truth[number].intersection(try Self.found(query, own: own[number], in: index)).count
            wanted += truth[number].count
        }
        return wanted == 0 ? 1 : Double(hits) / Double(wanted)
    }

    /// The first of some records, the cheapest first, whose index reaches the target; else the one that finds most.
    ///
    /// - Parameter recall: of a record's index.
    static func first(
        of ladder: [VectorIndexRecord], recall: (VectorIndexRecord) throws -> Double
    ) rethrows -> VectorIndexRecord? {
        var best: VectorIndexRecord?
        for record in ladder {
            let tried = record.measured(recall: try recall(record))
            if tried.recall > best?.recall ?? -1 { best = tried }
            if tried.recall >= tried.target { break }
        }
        return best
    }

    /// The processor-independent part of a timing: asks all queries once.
    func askAll(_ index: any VectorIndex) throws {
        for query in queries { _ = try index.search(query, k: Self.k) }
    }

    /// The number of queries.
    var count: Int { queries.count }
}
