import AttarStorage

/// A part of a query, bound to one index.
struct QueryNode {
    enum Kind: Equatable { case nothing, term, phrase, union, boolean }

    var kind = Kind.nothing
    /// The cursor of a term, the number of a phrase or a union, or where the clauses of a boolean start.
    var first = 0
    /// How many clauses of each kind a boolean has; must come first, then should, then must-not.
    var musts = 0
    var shoulds = 0
    var mustNots = 0
    /// What the strength is weighed with.
    var weight: Float = 0
    /// The most passages it can match.
    var cost = 0
    /// The first passage that may match at or behind the last that was asked for; −1 before.
    var ordinal = -1
    /// For which passage it is known whether it matches, and whether it does.
    var checked = -1
    var holds = false
    /// Of a phrase: its frequency there.
    var frequency: Float = 0
}

/// A phrase, bound to the cursors of its terms.
struct CompiledPhrase {
    /// Its cursors, in the order of its terms.
    let cursors: Range<Int>
    /// The same, the rarest term first.
    let order: [Int]
    let lists: [PositionList]
    var matcher: PhraseMatcher
}

/// The postings of several terms as those of one, whose frequency is the sum.
struct PostingUnion {
    private(set) var ordinals: [UInt32] = []
    private(set) var frequencies: [Float] = []
    private var position = 0

    /// - Parameter postings: ordinals above, frequencies in the lower 32 bits.
    init(_ postings: [UInt64]) {
        for posting in postings.sorted() {
            let (ordinal, frequency) = (UInt32(posting >> 32), Float(UInt32(truncatingIfNeeded: posting)))
            if ordinal == ordinals.last {
                frequencies[frequencies.count - 1] += frequency
            } else {
                ordinals.append(ordinal)
                frequencies.append(frequency)
            }
        }
    }

    mutating func seek(_ ordinal: UInt32) -> UInt32 {
        var (low, high) = (position, ordinals.count)
        while low < high {
            let middle = (low + high) / 2
            if ordinals[middle] < ordinal { low = middle + 1 } else { high = middle }
        }
        position = low
        return low < ordinals.count ? ordinals[low] : PostingsCursor.end
    }

    /// The frequency of the posting that `seek` found.
    var frequency: Float { frequencies[position] }
}

/// What is said of a leaf in an explanation.
struct QueryLeaf {
    let node: Int
    let label: String
    let boost: Float
    let documentFrequency: Int
    let inverseDocumentFrequency: Float
}

/// A query bound to an index: nodes in one array, so that walking them costs no references.
struct CompiledQuery {
    private(set) var nodes: [QueryNode] = []
    private(set) var clauses: [Int] = []
    private(set) var terms: [PlannedTerm] = []
    private(set) var phrases: [CompiledPhrase] = []
    private(set) var unions: [PostingUnion] = []
    private(set) var leaves: [QueryLeaf] = []
    private(set) var root = 0
    private var weights: [Float] = []
    private let searcher: BM25Searcher
    private let documentFrequencies: [String: Int]?
    private let scratch: SearchScratch
    private let explains: Bool

    /// Compiles a query whose prefixes were resolved.
    ///
    /// - Parameter explains: whether `leaves` are wanted.
    /// - Throws: `IndexError.query` for a phrase without positions; `StorageError.corrupt`.
    init(
        _ query: LexicalQuery, _ searcher: BM25Searcher, documentFrequencies: [String: Int]?, _ scratch: SearchScratch,
        explains: Bool = false
    ) throws {
        self.searcher = searcher
        self.explains = explains
        self.documentFrequencies = documentFrequencies
        self.scratch = scratch
        if query.needsPositions, !searcher.index.hasPositions {
            throw IndexError.query(
                "A phrase was asked for, and \(searcher.index.path) does not say where words stand. Ingest the documents "
                    + "into a new collection (positions are kept unless --no-positions is given), or ask for the words "
                    + "without quotes.")
        }
        root = try add(query, boost: 1)
    }

    /// The grid of the scores: that of all segments, as every leaf counts that any segment holds.
    var grid: ScoreGrid { ScoreGrid(totalWeight: weights.sorted().reduce(0, +), terms: max(1, weights.count)) }

    /// Puts a cursor for each term in front of its list.
    ///
    /// - Precondition: the scratch has room for them.
    func placeCursors(in scratch: SearchScratch) {
        for (place, term) in terms.enumerated() {
            (scratch.cursors + place).initialize(to: PostingsCursor(term, buffers: scratch.buffers(place)))
        }
    }

    private mutating func add(_ query: LexicalQuery, boost: Float) throws -> Int {
        switch query {
        case .term(let term): return add(term: term, boost: boost)
        case .anyOf(let terms): return try add(anyOf: terms, boost: boost)
        case .prefix(let prefix, _): preconditionFailure("the prefix \(prefix) was not resolved")
        case .phrase(let terms, let slop):
            if terms.count == 1 { return add(term: terms[0].term, boost: boost) }
            return try add(phrase: terms.sorted { $0.position < $1.position }, slop: slop, boost: boost)
        case .weighted(let query, let factor): return try add(query, boost: boost * factor)
        case .boolean(let clauses): return try add(boolean: clauses, boost: boost)
        }
    }

    private mutating func append(_ node: QueryNode) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    private mutating func leaf(
        _ node: QueryNode, _ label: @autoclosure () -> String, boost: Float, frequency: Int, idf: Float
    ) -> Int {
        if frequency > 0 { weights.append(boost * idf) }
        if explains {
            leaves.append(
                QueryLeaf(
                    node: nodes.count, label: label(), boost: boost, documentFrequency: frequency,
                    inverseDocumentFrequency: idf))
        }
        return append(node)
    }

    /// In how many passages of the whole corpus the term occurs.
    ///
    /// - Parameter record: its place in this index.
    private func frequency(of term: String, _ record: TermRecord?) -> Int {
        documentFrequencies?[term] ?? record.map { Int($0.documentFrequency) } ?? 0
    }

    private func inverseFrequency(_ frequency: Int) -> Float {
        Float(BM25.inverseDocumentFrequency(documentFrequency: frequency, passages: searcher.statistics.passages))
    }

    private mutating func plan(_ record: TermRecord, weight: Float) {
        let strength = record.bound.largestStrength(
            averageLength: searcher.statistics.averageLength, parameters: searcher.parameters)
        terms.append(PlannedTerm(record: record, weight: weight, strength: strength))
    }

    private mutating func add(term: String, boost: Float) -> Int {
        let record = searcher.index.record(of: term)
        let frequency = frequency(of: term, record)
        let idf = inverseFrequency(frequency)
        var node = QueryNode(weight: boost * idf)
        if let record {
            (node.kind, node.first, node.cost) = (.term, terms.count, Int(record.documentFrequency))
            plan(record, weight: node.weight)
        }
        return leaf(node, term, boost: boost, frequency: frequency, idf: idf)
    }

    private mutating func add(anyOf terms: [String], boost: Float) throws -> Int {
        if terms.count == 1 { return add(term: terms[0], boost: boost) }
        let frequency = terms.map { self.frequency(of: $0, searcher.index.record(of: $0)) }.max() ?? 0
        let idf = inverseFrequency(frequency)
        let records = Set(terms).compactMap { searcher.index.record(of: $0) }
        var node = QueryNode(weight: boost * idf)
        if records.count == 1 {
            (node.kind, node.first, node.cost) = (.term, self.terms.count, Int(records[0].documentFrequency))
            plan(records[0], weight: node.weight)
        } else if !records.isEmpty {
            (node.kind, node.first) = (.union, unions.count)
            unions.append(try union(of: records))
            node.cost = unions[node.first].ordinals.count
        }
        return leaf(node, "any of \(terms.count) terms", boost: boost, frequency: frequency, idf: idf)
    }

    private func union(of records: [TermRecord]) throws -> PostingUnion {
        var postings: [UInt64] = []
        for record in records {
            try searcher.index.forEachBlock(of: record, scratch) { ordinals, frequencies in
                for (ordinal, frequency) in zip(ordinals, frequencies) {
                    postings.append(UInt64(ordinal) << 32 | UInt64(PositionsCursor.count(frequency)))
                }
            }
        }
        return PostingUnion(postings)
    }

    private mutating func add(phrase: [LexicalQuery.PhraseTerm], slop: Int, boost: Float) throws -> Int {
        let index = searcher.index
        let found = phrase.map { index.number(of: $0.term) }
        let frequencies = zip(phrase, found).map { frequency(of: $0.term, $1.map { index.records[$0] }) }
        let idf = frequencies.reduce(Float(0)) { $0 + inverseFrequency($1) }
        var node = QueryNode(weight: boost * idf)
        let numbers = found.compactMap(\.self)
        let known = phrase.isEmpty ? 0 : frequencies.min() ?? 0
        if numbers.count == phrase.count, !phrase.isEmpty, let positions = index.positions {
            let lists = numbers.compactMap { positions.list(of: $0) }
            guard lists.count == numbers.count else { throw index.corrupt("a list of positions") }
            let cursors = terms.count..<(terms.count + numbers.count)
            for number in numbers { plan(index.records[number], weight: node.weight) }
            let order = cursors.sorted { terms[$0].record.documentFrequency < terms[$1].record.documentFrequency }
            (node.kind, node.first) = (.phrase, phrases.count)
            node.cost = Int(terms[order[0]].record.documentFrequency)
            phrases.append(
                CompiledPhrase(cursors: cursors, order: order, lists: lists, matcher: PhraseMatcher(phrase, slop: slop)))
        }
        return leaf(node, Self.label(phrase, slop: slop), boost: boost, frequency: known, idf: idf)
    }

    private static func label(_ phrase: [LexicalQuery.PhraseTerm], slop: Int) -> String {
        "\"" + phrase.map(\.term).joined(separator: " ") + "\"" + (slop > 0 ? "~\(slop)" : "")
    }

    private mutating func add(boolean: [LexicalQuery.Clause], boost: Float) throws -> Int {
        var (musts, shoulds, mustNots): ([Int], [Int], [Int]) = ([], [], [])
        for clause in boolean {
            let node = try add(clause.query, boost: boost)
            switch clause.occurrence {
            case .must: musts.append(node)
            case .should: shoulds.append(node)
            case .mustNot: mustNots.append(node)
            }
        }
        musts.sort { nodes[$0].cost < nodes[$1].cost }
        if mustNots.isEmpty, musts.count + shoulds.count == 1 { return (musts + shoulds)[0] }
        var node = QueryNode(first: clauses.count)
        guard !musts.isEmpty || !shoulds.isEmpty else { return append(node) }
        (node.kind, node.musts, node.shoulds, node.mustNots) = (.boolean, musts.count, shoulds.count, mustNots.count)
        node.cost = musts.isEmpty ? shoulds.reduce(0) { $0 + nodes[$1].cost } : nodes[musts[0]].cost
        clauses += musts + shoulds + mustNots
        return append(node)
    }
}
