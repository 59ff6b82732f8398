/// Orders passages so that those which share terms stand near each other: gaps between their ordinals become small, so
/// the index does, and a block of postings holds passages that are alike, so its bound is tight and more are skipped.
///
///     let sources: [InvertedIndexMerger.Source] = [(index, nil)]
///     let order = try GraphBisection().order(of: sources)
///     try InvertedIndexMerger(sources).write(to: "ordered.inv", order: order)
///
/// The passages are halved again and again. Two halves exchange passages as long as that lowers the sum over the terms
/// of d₁ · log₂(n₁ / (d₁ + 1)) + d₂ · log₂(n₂ / (d₂ + 1)), where d are the passages of a half that hold the term and
/// n those of the half: about the bits that the gaps take.
///
/// Dhulipala et al. 2016, "Compressing Graphs and Indexes with Recursive Graph Bisection"; Mackenzie, Petri & Moffat
/// 2022, "Tradeoff Options for Bipartite Graph Partitioning".
///
/// The result depends on the input alone. Memory: 4 bytes a posting, 40 a term, 12 a passage.
public struct GraphBisection: Sendable {
    /// Terms that fewer hold count for nothing: their gaps take few bits in all, wherever they stand.
    public var leastFrequency = 8
    /// The number of passages that are not halved any more.
    public var leafSize = 16
    /// How often two halves exchange passages at most; 20 are those of the paper.
    public var rounds = 20

    /// With the settings above.
    public init() {}

    /// An order of all passages, or of documents with all their passages.
    ///
    /// - Parameters:
    ///   - sources: indexes and the passages that stay, which are numbered through all of them.
    ///   - passageCounts: the number of passages that stay of each document, in the order of the passages; nil when
    ///     each passage is a document of its own.
    /// - Returns: the number of the document that comes first, second …; `passages(of:counts:)` makes the order of
    ///   passages of it.
    /// - Throws: `StorageError.corrupt` naming an index that was altered; `IndexError` for too many passages.
    /// - Precondition: the counts are not negative, and their sum is the number of passages that stay.
    /// - Complexity: O(postings · log(documents) · rounds).
    public func order(of sources: [InvertedIndexMerger.Source], passageCounts: [Int]? = nil) throws -> [UInt32] {
        let graph = try DocumentGraph(sources, passageCounts: passageCounts, leastFrequency: leastFrequency)
        var bisection = Bisection(graph, rounds: rounds, leafSize: max(2, leafSize))
        bisection.split(0..<graph.documents)
        return bisection.order
    }

    /// The order of passages that follows from one of documents: those of a document stay together, in their order.
    ///
    /// - Complexity: O(passages + documents).
    public static func passages(of documents: [UInt32], counts: [Int]) -> [UInt32] {
        precondition(documents.count == counts.count, "\(documents.count) documents and \(counts.count) counts")
        var starts = [0]
        for count in counts { starts.append(starts[starts.count - 1] + count) }
        return documents.flatMap { document in
            (starts[Int(document)]..<starts[Int(document) + 1]).map { UInt32($0) }
        }
    }
}

/// Which terms each document holds.
struct DocumentGraph {
    /// The number of documents.
    let documents: Int
    /// The number of terms that count.
    let terms: Int
    /// Where the terms of each document start in `edges`; one more than documents.
    let starts: [Int]
    /// Numbers of terms, document by document.
    let edges: [UInt32]

    init(_ sources: [InvertedIndexMerger.Source], passageCounts: [Int]?, leastFrequency: Int) throws {
        let indexes = sources.map(\.index)
        let each = sources.map { (passages: $0.index.passages, live: $0.live) }
        let passages = try PassagePlaces.count(each)
        let places = PassagePlaces(each)
        let owners = passageCounts.map { counts in
            counts.enumerated().flatMap { repeatElement(UInt32($0.offset), count: $0.element) }
        }
        precondition(owners.map { $0.count == passages } ?? true, "counts of \(owners?.count ?? 0), not \(passages)")
        documents = passageCounts?.count ?? passages

        // Once to count, once to fill.
        var sizes = [Int](repeating: 0, count: documents + 1)
        try Self.forEachList(indexes, places, owners, leastFrequency) { _, holders in
            for holder in holders { sizes[Int(holder) + 1] += 1 }
        }
        for document in 0..<documents { sizes[document + 1] += sizes[document] }
        starts = sizes
        var next = sizes
        var filled = [UInt32](repeating: 0, count: sizes[documents])
        terms = try Self.forEachList(indexes, places, owners, leastFrequency) { term, holders in
            for holder in holders {
                filled[next[Int(holder)]] = term
                next[Int(holder)] += 1
            }
        }
        edges = filled
    }

    /// Calls `body` with the documents that hold each term, ascending, each once.
    ///
    /// - Returns: the number of terms.
    @discardableResult
    private static func forEachList(
        _ indexes: [InvertedIndex], _ places: PassagePlaces, _ owners: [UInt32]?, _ leastFrequency: Int,
        _ body: (UInt32, [UInt32]) -> Void
    ) throws -> Int {
        var lists = MergedLists(indexes, places, reordered: false)
        var term: UInt32 = 0
        while try lists.next() {
            var holders = lists.ordinals
            if let owners {
                holders = holders.map { owners[Int($0)] }
                holders = zip(holders.indices, holders).compactMap { place, holder in
                    place > 0 && holders[place - 1] == holder ? nil : holder
                }
            }
            guard holders.count >= leastFrequency else { continue }
            body(term, holders)
            term += 1
        }
        return Int(term)
    }
}
