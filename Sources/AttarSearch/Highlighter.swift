import AttarIndex
import AttarText

/// A run of bytes, such as a word of a query in a text.
public struct ByteRange: Sendable, Codable, Hashable {
    /// The first byte, in UTF-8.
    public let start: Int
    /// The byte behind the last one.
    public let end: Int

    /// A run of bytes.
    public init(_ range: Range<Int>) {
        start = range.lowerBound
        end = range.upperBound
    }
}

/// Finds the words of a text that a query asks for: those of terms, of prefixes, and of phrases where the whole phrase
/// stands. What a query excludes is not shown.
///
/// Words are found by the analyzer, so that those are shown which were found: `houses` for `house`.
struct Highlighter {
    private var terms: Set<String> = []
    private var prefixes: [String] = []
    private var phrases: [(terms: [LexicalQuery.PhraseTerm], slop: Int)] = []
    private let analyzer: Analyzer

    init(_ query: LexicalQuery, analyzer: Analyzer) {
        self.analyzer = analyzer
        add(query)
    }

    private mutating func add(_ query: LexicalQuery) {
        switch query {
        case .term(let term): terms.insert(term)
        case .anyOf(let several): terms.formUnion(several)
        case .prefix(let prefix, let besides):
            prefixes.append(prefix)
            terms.formUnion(besides)
        case .phrase(let words, let slop): phrases.append((words, slop))
        case .weighted(let query, _): add(query)
        case .boolean(let clauses):
            for clause in clauses where clause.occurrence != .mustNot { add(clause.query) }
        }
    }

    /// The words of a text that the query asks for, in order.
    ///
    /// - Complexity: O(bytes of the text).
    func tokens(of text: String) -> [Analyzer.Token] {
        if terms.isEmpty, prefixes.isEmpty, phrases.isEmpty { return [] }
        let all = analyzer.tokens(text)
        let positions = phrases.reduce(into: Set<Int>()) { $0.formUnion(Self.positions(of: $1, in: all)) }
        return all.filter { token in
            terms.contains(token.term) || positions.contains(token.position)
                || prefixes.contains { token.term.hasPrefix($0) }
        }
    }

    /// Where words of a phrase stand that match together.
    private static func positions(
        of phrase: (terms: [LexicalQuery.PhraseTerm], slop: Int), in tokens: [Analyzer.Token]
    ) -> [Int] {
        var places: [String: [Int]] = [:]
        for term in phrase.terms { places[term.term] = [] }
        for token in tokens where places[token.term] != nil { places[token.term]?.append(token.position) }
        return LexicalQuery.phraseMatches(phrase.terms, slop: phrase.slop) { places[$0] ?? [] }.flatMap { $0 }
    }

    /// The bytes of words; those that overlap, as pairs of characters of unspaced scripts do, as one.
    static func ranges(of tokens: [Analyzer.Token]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for token in tokens {
            if let last = ranges.last, token.utf8Range.lowerBound < last.upperBound {
                ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, token.utf8Range.upperBound)
            } else {
                ranges.append(token.utf8Range)
            }
        }
        return ranges
    }
}
