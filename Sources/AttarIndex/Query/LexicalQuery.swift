/// What is looked for in an inverted index: terms, phrases and prefixes, joined by must, should and must-not.
///
///     LexicalQuery.boolean([
///         .must(.term("layer")), .should(.phrase([.init("boundari", at: 0), .init("layer", at: 1)])),
///         .mustNot(.prefix("turbul")),
///     ])
///
/// Scores are BM25's, as Lucene adds them up: a term by its frequency; a phrase by the number of its matches, weighed
/// with the sum of its terms' idf; a prefix as one word whose frequencies are those of all terms that begin so, and
/// whose idf is that of the most frequent of them (Lucene's SynonymQuery). A boolean's score is the sum of those of its
/// must and should clauses that match.
public indirect enum LexicalQuery: Sendable, Hashable, Codable {
    /// A term, as the analyzer made it.
    case term(String)
    /// Terms at given distances; see `PhraseTerm` and, for the slop, `PhraseMatcher`.
    case phrase([PhraseTerm], slop: Int = 0)
    /// The terms that begin so, and the others that are given, counted as one term.
    case prefix(String, besides: [String] = [])
    /// Several terms counted as one.
    case anyOf([String])
    /// Clauses. All `must` have to match; without any, at least one `should` has to; no `mustNot` may. Nothing but
    /// `mustNot` matches nothing.
    case boolean([Clause])
    /// The same, its score multiplied.
    case weighted(LexicalQuery, by: Float)

    /// A term of a phrase.
    public struct PhraseTerm: Sendable, Hashable, Codable {
        /// The term, as the analyzer made it.
        public var term: String
        /// Its place in the phrase; words that were left out leave gaps.
        public var position: Int

        /// A term at a place.
        public init(_ term: String, at position: Int) {
            self.term = term
            self.position = position
        }
    }

    /// A part of a boolean query.
    public struct Clause: Sendable, Hashable, Codable {
        /// Whether a part has to match.
        public enum Occurrence: String, Sendable, Hashable, Codable { case must, should, mustNot }

        /// Whether it has to match.
        public var occurrence: Occurrence
        /// What.
        public var query: LexicalQuery

        /// A part.
        public init(_ occurrence: Occurrence, _ query: LexicalQuery) {
            self.occurrence = occurrence
            self.query = query
        }

        /// A part that has to match.
        public static func must(_ query: LexicalQuery) -> Clause { Clause(.must, query) }
        /// A part that adds to the score.
        public static func should(_ query: LexicalQuery) -> Clause { Clause(.should, query) }
        /// A part that may not match.
        public static func mustNot(_ query: LexicalQuery) -> Clause { Clause(.mustNot, query) }
    }

    /// How deep clauses may be nested.
    public static let maximumDepth = 32
    /// How many terms a query may have, those of phrases and prefixes included.
    public static let maximumTerms = 1024
}

extension LexicalQuery {
    /// The query with its prefixes replaced by the terms of indexes that begin so.
    ///
    /// - Parameter indexes: all segments of a corpus.
    /// - Throws: `IndexError.query` when a prefix stands for too many terms, or the query is too deep or too long;
    ///   `StorageError.corrupt`.
    /// - Complexity: O(log(terms) + terms found) for each prefix.
    public func resolved(in indexes: [InvertedIndex]) throws -> LexicalQuery {
        try check(depth: 0)
        let resolved = hasPrefixes ? try replacingPrefixes(in: indexes) : self
        let count = resolved.termCount
        guard count <= Self.maximumTerms else {
            throw IndexError.query(
                "The query has \(count) terms, prefixes counted by what they stand for; at most \(Self.maximumTerms) "
                    + "are searched. Ask for less, or make prefixes longer.")
        }
        return resolved
    }

    /// Refuses what no search takes.
    private func check(depth: Int) throws {
        guard depth <= Self.maximumDepth else {
            throw IndexError.query("The query is nested more than \(Self.maximumDepth) deep; make it flatter.")
        }
        switch self {
        case .term, .anyOf, .prefix: break
        case .phrase(let terms, let slop):
            let isValid = terms.allSatisfy { (0...Int(Int32.max)).contains($0.position) }
            guard isValid, slop >= 0 else { throw IndexError.query("A phrase has a negative position or slop.") }
        case .weighted(let query, let factor):
            guard factor.isFinite, factor > 0 else {
                throw IndexError.query("The weight \(factor) of a part of the query is not above 0.")
            }
            try query.check(depth: depth + 1)
        case .boolean(let clauses): for clause in clauses { try clause.query.check(depth: depth + 1) }
        }
    }

    private var hasPrefixes: Bool {
        switch self {
        case .term, .anyOf, .phrase: false
        case .prefix: true
        case .weighted(let query, _): query.hasPrefixes
        case .boolean(let clauses): clauses.contains { $0.query.hasPrefixes }
        }
    }

    private func replacingPrefixes(in indexes: [InvertedIndex]) throws -> LexicalQuery {
        switch self {
        case .term, .anyOf, .phrase: self
        case .prefix(let prefix, let besides):
            .anyOf(try Self.terms(beginningWith: prefix, in: indexes).union(besides).sorted())
        case .weighted(let query, let factor): .weighted(try query.replacingPrefixes(in: indexes), by: factor)
        case .boolean(let clauses):
            .boolean(try clauses.map { Clause($0.occurrence, try $0.query.replacingPrefixes(in: indexes)) })
        }
    }

    private static func terms(beginningWith prefix: String, in indexes: [InvertedIndex]) throws -> Set<String> {
        var found: Set<String> = []
        for index in indexes {
            try index.forEachTerm(beginningWith: prefix) { term in
                found.insert(term)
                guard found.count <= maximumTerms else {
                    throw IndexError.query(
                        "More than \(maximumTerms) terms of the index begin with \"\(prefix)\"; use a longer prefix.")
                }
            }
        }
        return found
    }

    /// The terms that are looked up, repetitions included; of prefixes, those given besides.
    public var terms: [String] {
        switch self {
        case .term(let term): [term]
        case .phrase(let terms, _): terms.map(\.term)
        case .prefix(_, let besides): besides
        case .anyOf(let terms): terms
        case .boolean(let clauses): clauses.flatMap(\.query.terms)
        case .weighted(let query, _): query.terms
        }
    }

    /// How many terms are looked up.
    private var termCount: Int {
        switch self {
        case .term: 1
        case .phrase(let terms, _): terms.count
        case .prefix(_, let besides): besides.count
        case .anyOf(let terms): terms.count
        case .boolean(let clauses): clauses.reduce(0) { $0 + $1.query.termCount }
        case .weighted(let query, _): query.termCount
        }
    }

    /// Whether it has a phrase of several terms, which needs positions.
    var needsPositions: Bool {
        switch self {
        case .term, .prefix, .anyOf: false
        case .phrase(let terms, _): terms.count > 1
        case .boolean(let clauses): clauses.contains { $0.query.needsPositions }
        case .weighted(let query, _): query.needsPositions
        }
    }
}
