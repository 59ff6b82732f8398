import AttarIndex
import AttarText

/// How the text of a query is read.
public enum QuerySyntax: String, Sendable, Hashable, Codable, CaseIterable {
    /// All words count, and no sign has a meaning: for questions in plain language.
    case plain
    /// Lucene's signs: see `QueryParser`.
    case boolean
}

/// Reads queries in boolean syntax.
///
///     word                  adds to the score; one of several has to match, unless a + says what has to
///     +word  -word          has to match; may not match
///     "two words"           side by side, in this order; "two words"~3 within 3 moves
///     index*                words that begin so
///     a AND b  a OR b  NOT a   as +a +b, a b, -a; AND binds closer than OR and than a space
///     (a b)                 a part of a query
///     word^2                counts twice
///     \+                    the sign itself
///
/// Words, phrases and prefixes go through the collection's analyzer: stems match, stop words are left out (and leave a
/// gap in a phrase), and a word that gives several terms, such as wi-fi, is looked for as a phrase. The index holds
/// stems, so a prefix matches stems that begin so, and also the stem of the prefix itself: house* finds houses. A
/// prefix longer than the stem of a word does not find it: relati* misses relation, whose stem is relat. (Lucene and
/// Tantivy do alike over stemmed fields; there, a second field without stems is the way out.)
struct QueryParser {
    /// The most bytes of a query.
    static let maximumBytes = 1 << 16
    private let analyzer: Analyzer
    /// Lowercases and folds like the analyzer, but neither stems nor leaves out.
    private let words: Analyzer
    private var tokens: [QueryToken] = []
    private var index = 0

    /// - Throws: `TextError.unsupported`.
    init(_ analyzer: Analyzer) throws {
        self.analyzer = analyzer
        var configuration = analyzer.configuration
        (configuration.stems, configuration.stopWords) = (false, [])
        words = try Analyzer(configuration)
    }

    /// The query that a text says; one without terms matches nothing.
    ///
    /// - Throws: `SearchError.badQuery` with the character at which the text makes no sense.
    mutating func parse(_ query: String) throws -> LexicalQuery {
        guard query.utf8.count <= Self.maximumBytes else {
            throw SearchError.badQuery("the query has \(query.utf8.count) bytes, at most \(Self.maximumBytes) are read", column: 1)
        }
        var lexer = QueryLexer(query)
        tokens = try lexer.tokens()
        index = 0
        let parsed = try group(depth: 0)
        if index < tokens.count {
            throw SearchError.badQuery("the ) closes nothing; write \\) for the sign", column: tokens[index].column)
        }
        return parsed ?? .boolean([])
    }

    // -------------------------------------------------------------------------------------------------------- grammar

    /// An operand of a group.
    private struct Item {
        /// What joins it to the one before.
        var joint: QueryToken.Kind?
        /// Nil where no sign says it.
        var occurrence: LexicalQuery.Clause.Occurrence?
        /// Nil when the analyzer left nothing of it.
        var query: LexicalQuery?
        var column: Int
    }

    /// The clauses up to a closing parenthesis or the end; nil when nothing is left of them.
    private mutating func group(depth: Int) throws -> LexicalQuery? {
        let column = index < tokens.count ? tokens[index].column : 1
        guard depth < LexicalQuery.maximumDepth else {
            throw SearchError.badQuery("parentheses are nested \(depth) deep; make the query flatter", column: column)
        }
        var items: [Item] = []
        while index < tokens.count, tokens[index].kind != .close {
            let joint = try joint(isFirst: items.isEmpty)
            items.append(try item(joint, depth: depth))
        }
        try check(items, column)
        var runs: [[Item]] = []
        for item in items {
            if item.joint == .and { runs[runs.count - 1].append(item) } else { runs.append([item]) }
        }
        if runs.count == 1, runs[0].count > 1 { return conjunction(runs[0]) }
        let clauses = runs.compactMap { run -> LexicalQuery.Clause? in
            if run.count > 1 { return conjunction(run).map { .should($0) } }
            return run[0].query.map { LexicalQuery.Clause(run[0].occurrence ?? .should, $0) }
        }
        return clauses.isEmpty ? nil : .boolean(clauses)
    }

    private func conjunction(_ run: [Item]) -> LexicalQuery? {
        let clauses = run.compactMap { item in
            item.query.map { LexicalQuery.Clause(item.occurrence == .mustNot ? .mustNot : .must, $0) }
        }
        return clauses.isEmpty ? nil : .boolean(clauses)
    }

    private func check(_ items: [Item], _ column: Int) throws {
        for (place, item) in items.enumerated() {
            let joinsOr = item.joint == .or || place + 1 < items.count && items[place + 1].joint == .or
            guard item.occurrence == .mustNot, joinsOr else { continue }
            throw SearchError.badQuery(
                "what is excluded cannot stand beside OR; write what to find first, then -word without OR",
                column: item.column)
        }
        if !items.isEmpty, items.allSatisfy({ $0.occurrence == .mustNot }) {
            throw SearchError.badQuery("nothing is asked for, only excluded; add a word to find", column: column)
        }
        guard items.count <= LexicalQuery.maximumTerms else {
            throw SearchError.badQuery("more than \(LexicalQuery.maximumTerms) clauses; ask for less", column: column)
        }
    }

    private mutating func joint(isFirst: Bool) throws -> QueryToken.Kind? {
        let token = tokens[index]
        guard token.kind == .and || token.kind == .or else { return nil }
        guard !isFirst else {
            throw SearchError.badQuery(
                "\(token.kind == .and ? "AND" : "OR") has nothing before it; write it in small letters for the word",
                column: token.column)
        }
        index += 1
        return token.kind
    }

    private mutating func item(_ joint: QueryToken.Kind?, depth: Int) throws -> Item {
        var occurrence: LexicalQuery.Clause.Occurrence?
        if index < tokens.count, [.plus, .minus, .not].contains(tokens[index].kind) {
            occurrence = tokens[index].kind == .plus ? .must : .mustNot
            index += 1
        }
        guard index < tokens.count else {
            throw SearchError.badQuery("the query ends where a word was expected", column: tokens[index - 1].column)
        }
        let token = tokens[index]
        index += 1
        var query = try operand(token, depth: depth)
        let boost = token.kind == .open ? tokens[index - 1].boost : token.boost
        if boost != 1 { query = query.map { .weighted($0, by: boost) } }
        return Item(joint: joint, occurrence: occurrence, query: query, column: token.column)
    }

    private mutating func operand(_ token: QueryToken, depth: Int) throws -> LexicalQuery? {
        switch token.kind {
        case .word(let text): return phrase(text, slop: 0)
        case .phrase(let text, let slop): return phrase(text, slop: slop)
        case .prefix(let text): return try prefix(text, token.column)
        case .open:
            let inner = try group(depth: depth + 1)
            guard index < tokens.count else {
                throw SearchError.badQuery("the ( is never closed; write \\( for the sign", column: token.column)
            }
            index += 1
            return inner
        case .plus, .minus, .and, .or, .not, .close:
            throw SearchError.badQuery(
                "a word, a phrase or ( was expected; put signs and operators before one of these, once", column: token.column)
        }
    }

    // ------------------------------------------------------------------------------------------------------- analysis

    private func phrase(_ text: String, slop: Int) -> LexicalQuery? {
        let found = analyzer.tokens(text)
        guard let first = found.first else { return nil }
        if found.count == 1 { return .term(first.term) }
        return .phrase(found.map { .init($0.term, at: $0.position - first.position) }, slop: slop)
    }

    private func prefix(_ text: String, _ column: Int) throws -> LexicalQuery {
        let found = words.terms(text)
        guard found.count == 1 else {
            throw SearchError.badQuery(
                "the beginning \"\(text)\" gives \(found.count) words, and one was expected before *", column: column)
        }
        return .prefix(found[0], besides: analyzer.terms(text))
    }
}
