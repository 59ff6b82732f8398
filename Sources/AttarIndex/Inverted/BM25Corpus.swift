import AttarStorage
import AttarTensor
import Synchronization

/// BM25 over several indexes as over one: the parts of a corpus, of which some passages may be dead.
///
/// Hits and scores are those of one index over all passages that live, in the order of the parts. What a part costs a
/// search is kept small: a term is looked up in all parts once, the best passages so far are carried from part to part,
/// and before the first one it is known what ten passages that live reach (`CorpusTerm.floor`).
///
/// It may be used from several threads at once.
public final class BM25Corpus: Sendable {
    /// One index of the corpus.
    public struct Part: Sendable {
        /// Its passages and terms.
        public var index: InvertedIndex
        /// What is added to its ordinals; ascending from part to part.
        public var firstPassage: UInt32
        /// The passages that are not dead; nil when none is.
        public var live: OrdinalSet?

        /// A part.
        public init(_ index: InvertedIndex, firstPassage: UInt32, live: OrdinalSet?) {
            self.index = index
            self.firstPassage = firstPassage
            self.live = live
        }
    }

    /// The parts.
    public let parts: [Part]
    private let searchers: [BM25Searcher]
    private let terms = CorpusTermCache()
    private let scratches = WorkspacePool { SearchScratch() }
    private let statistics: CorpusStatistics

    /// A searcher over all parts.
    ///
    /// - Parameter statistics: those of the passages that live.
    /// - Complexity: O(passages + blocks), as `BM25Searcher.init`.
    public init(_ parts: [Part], parameters: BM25Parameters, statistics: CorpusStatistics) {
        self.parts = parts
        self.statistics = statistics
        searchers = parts.map { BM25Searcher($0.index, parameters: parameters, statistics: statistics) }
    }

    /// Whether the statistics of the only part are those of the corpus.
    private var isOneIndex: Bool { parts.count == 1 && parts[0].live == nil }

    /// The k best passages for weighted terms.
    ///
    /// - Parameters:
    ///   - query: terms as the analyzer made them; unknown ones find nothing.
    ///   - k: how many at most.
    ///   - selection: for each part the passages that may be found, none of them dead; nil for all that live.
    /// - Returns: hits by the corpus's ordinals, score descending, then ordinal ascending; and how many postings were
    ///   scored or looked for.
    /// - Throws: `StorageError.corrupt` when the postings read are broken.
    public func respond(
        to query: [WeightedTerm], k: Int, in selection: [OrdinalSet]? = nil
    ) throws -> (hits: [SearchHit], scanned: Int) {
        guard k > 0, !parts.isEmpty else { return ([], 0) }
        if isOneIndex {
            let found = try searchers[0].respond(to: query, k: k, allowed: selection?[0])
            return (found.hits.map { moved($0, to: 0) }, found.scanned)
        }
        let held = try bound(query)
        let grid = ScoreGrid(totalWeight: held.map(\.weight).sorted().reduce(0, +), terms: held.count)
        return try scratches.withWorkspace { scratch in
            scratch.best.reset(k, above: selection == nil && k <= ImpactFloor.passages ? floor(held, grid) : -.infinity)
            var scanned = 0
            for place in parts.indices {
                let planned = held.compactMap { $0.list(in: place) }
                guard !planned.isEmpty else { continue }
                scanned += try searchers[place].withReader(grid: grid) { reader in
                    var search = WindowedSearch(
                        planned, reader, scratch, allowed: selection?[place] ?? parts[place].live,
                        base: parts[place].firstPassage)
                    try search.offerAll()
                    return search.scanned
                }
            }
            return (scratch.best.hits, scanned)
        }
    }

    /// The k best passages for a query of clauses, phrases and prefixes.
    ///
    /// - Parameter query: its prefixes were resolved in all parts.
    /// - Throws: what `BM25Searcher.respond(to:k:above:allowed:documentFrequencies:)` throws.
    public func respond(
        to query: LexicalQuery, k: Int, in selection: [OrdinalSet]? = nil
    ) throws -> (hits: [SearchHit], scanned: Int) {
        if let terms = query.bagOfTerms { return try respond(to: terms, k: k, in: selection) }
        let frequencies = try documentFrequencies(of: query.terms)
        var best = TopK(k)
        var scanned = 0
        for place in parts.indices {
            let found = try searchers[place].respond(
                to: query, k: k, above: best.threshold, allowed: selection?[place] ?? parts[place].live,
                documentFrequencies: frequencies)
            for hit in found.hits { best.offer(hit.ordinal + parts[place].firstPassage, hit.score) }
            scanned += found.scanned
        }
        return (best.hits, scanned)
    }

    /// How a passage came to its score for weighted terms.
    ///
    /// - Parameter passage: by the corpus's ordinals.
    public func explain(_ query: [WeightedTerm], passage: UInt32) throws -> BM25Explanation {
        let place = place(of: passage)
        return try searchers[place].explain(
            query, ordinal: passage - parts[place].firstPassage,
            documentFrequencies: try documentFrequencies(of: query.map(\.term)))
    }

    /// How a passage came to its score for a query of clauses; nil when it does not match.
    ///
    /// - Parameter passage: by the corpus's ordinals.
    public func explain(_ query: LexicalQuery, passage: UInt32) throws -> LexicalExplanation? {
        let place = place(of: passage)
        return try searchers[place].explain(
            query, ordinal: passage - parts[place].firstPassage,
            documentFrequencies: try documentFrequencies(of: query.terms))
    }

    private func place(of passage: UInt32) -> Int { parts.lastIndex { $0.firstPassage <= passage } ?? 0 }

    private func moved(_ hit: SearchHit, to place: Int) -> SearchHit {
        let first = parts[place].firstPassage
        return first == 0 ? hit : SearchHit(ordinal: hit.ordinal + first, score: hit.score)
    }

    /// In how many passages that live each term occurs; nil when the only index knows it.
    private func documentFrequencies(of terms: [String]) throws -> [String: Int]? {
        if isOneIndex { return nil }
        let found = try self.terms.find(terms, make: corpusTerm)
        return Dictionary(zip(terms, found.map { $0?.documentFrequency ?? 0 }), uniquingKeysWith: { first, _ in first })
    }
}

// ----------------------------------------------------------------------------------------------------------- planning

/// A term as a whole corpus holds it.
private struct CorpusTerm {
    /// In how many passages that live.
    let documentFrequency: Int
    let inverseDocumentFrequency: Float
    /// Its list in each part; nil where no passage holds it.
    let lists: [PlannedTerm?]
    /// A strength that at least `ImpactFloor.passages` postings of passages that live reach; 0 when none is known.
    let floor: Float
}

/// A term of a query, bound to a corpus.
private struct BoundTerm {
    let term: CorpusTerm
    /// Its weight in the query · idf.
    let weight: Float

    func list(in place: Int) -> PlannedTerm? {
        guard var list = term.lists[place] else { return nil }
        list.weight = weight
        return list
    }
}

extension BM25Corpus {
    /// The different terms that occur in the corpus.
    private func bound(_ query: [WeightedTerm]) throws -> [BoundTerm] {
        let summed = QueryPlan.summed(query)
        let found = try terms.find(summed.map(\.term), make: corpusTerm)
        return zip(summed, found).compactMap { item, term in
            term.map { BoundTerm(term: $0, weight: item.weight * $0.inverseDocumentFrequency) }
        }
    }

    /// What the k-th best score reaches at least, less a step of the grid so that equal scores still enter.
    private func floor(_ terms: [BoundTerm], _ grid: ScoreGrid) -> Float {
        let scores = terms.filter { $0.term.floor > 0 }.map {
            grid.rounded(PostingFunction.saturating(inverseNorms: nil).score(weight: $0.weight, strength: $0.term.floor))
        }
        return scores.max().map { $0 - grid.step } ?? -.infinity
    }

    /// Looks a term up in all parts; nil when no passage that lives holds it.
    ///
    /// - Complexity: O(parts · log(terms)), and the postings of the parts with dead passages.
    private func corpusTerm(_ term: String) throws -> CorpusTerm? {
        var (frequency, floor) = (0, Float(0))
        var lists: [PlannedTerm?] = []
        for (part, searcher) in zip(parts, searchers) {
            guard let record = part.index.record(of: term) else {
                lists.append(nil)
                continue
            }
            var list = searcher.planned(record, weight: 0)
            if let live = part.live {
                let counted = try searcher.living(record, live)
                frequency += counted.documentFrequency
                list.floor = counted.floor
            } else {
                frequency += Int(record.documentFrequency)
            }
            floor = max(floor, list.floor)
            // Known for the corpus, not to be taken into account once more for a part.
            list.floor = 0
            lists.append(list)
        }
        guard frequency > 0 else { return nil }
        let idf = BM25.inverseDocumentFrequency(documentFrequency: frequency, passages: statistics.passages)
        return CorpusTerm(
            documentFrequency: frequency, inverseDocumentFrequency: Float(idf), lists: lists, floor: floor)
    }
}

extension BM25Searcher {
    /// In how many passages that live the term of a list occurs, and the strength that ten of these postings reach.
    ///
    /// - Complexity: O(postings of the list).
    fileprivate func living(
        _ record: TermRecord, _ live: OrdinalSet
    ) throws -> (documentFrequency: Int, floor: Float) {
        var count = 0
        var strongest = TopK(ImpactFloor.passages)
        try scratches.withWorkspace { scratch in
            try index.forEachBlock(of: record, scratch) { ordinals, frequencies in
                for place in ordinals.indices where live.contains(ordinals[place]) {
                    count += 1
                    let ordinal = ordinals[place]
                    strongest.offer(ordinal, frequencies[place] * inverseNorms[Int(ordinal)])
                }
            }
        }
        return (count, strongest.count == ImpactFloor.passages ? strongest.threshold : 0)
    }
}

/// Terms of a corpus that were looked up lately.
private final class CorpusTermCache: Sendable {
    /// Beyond that many it starts anew: some megabytes.
    private static let capacity = 1 << 15
    private let known = Mutex<[String: CorpusTerm]>([:])

    /// The terms, those that are not known made by `make`.
    func find(_ terms: [String], make: (String) throws -> CorpusTerm?) rethrows -> [CorpusTerm?] {
        var found = known.withLock { known in terms.map { known[$0] } }
        for place in terms.indices where found[place] == nil {
            // A query can hold any word; only those that occur are kept.
            guard let made = try make(terms[place]) else { continue }
            found[place] = made
            known.withLock { known in
                if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
                known[terms[place]] = made
            }
        }
        return found
    }
}
