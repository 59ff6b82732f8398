import AttarIndex
import AttarTensor

/// A query as engines are given it: terms that must, should or must not be there, or a phrase.
struct ClauseQuery: Encodable, Sendable {
    var must: [String] = []
    var should: [String] = []
    var mustNot: [String] = []
    /// Words side by side, in this order; of such a query nothing else is asked.
    var phrase: [String] = []

    /// The query as Attar takes it.
    var lexical: LexicalQuery {
        guard phrase.isEmpty else { return .phrase(phrase.enumerated().map { .init($1, at: $0) }) }
        return .boolean(
            must.map { .must(.term($0)) } + should.map { .should(.term($0)) } + mustNot.map { .mustNot(.term($0)) })
    }

    var count: Int { must.count + should.count + mustNot.count + phrase.count }
}

/// Queries of one kind, which are a case of their own.
struct QueryGroup: Encodable, Sendable {
    var name: String
    var queries: [ClauseQuery]

    /// Queries of nothing but terms.
    init(terms queries: [[String]]) {
        name = "terms"
        self.queries = queries.map { ClauseQuery(should: $0) }
    }

    init(name: String, queries: [ClauseQuery]) {
        self.name = name
        self.queries = queries
    }
}

/// Draws queries out of documents, so that each finds at least the document that it was drawn from.
struct ClauseSampler {
    private let corpus: SearchCorpus
    private var generator = SeededGenerator(seed: 17)
    private let frequencies: [String: Int]

    init(_ corpus: SearchCorpus) {
        self.corpus = corpus
        var frequencies: [String: Int] = [:]
        for document in 0..<corpus.count {
            for term in Set(corpus.terms(document)) { frequencies[term, default: 0] += 1 }
        }
        self.frequencies = frequencies
    }

    /// Conjunctions; must beside should; must-not.
    mutating func booleans(_ count: Int) -> [QueryGroup] {
        let both = (0..<count).compactMap { _ in split(musts: 1...2, shoulds: 1...3) }
        return [
            QueryGroup(name: "all of 2 to 4 terms", queries: (0..<count).compactMap { conjunction($0) }),
            QueryGroup(name: "1 to 2 terms that must be there, 1 to 3 that should", queries: both),
            QueryGroup(
                name: "2 to 3 terms, and one that must not be there",
                queries: (0..<count).compactMap { exclusion($0) }),
        ]
    }

    /// Phrases of two, three and four words.
    mutating func phrases(_ count: Int) -> [QueryGroup] {
        (2...4).map { length in
            QueryGroup(
                name: "phrases of \(length) words",
                queries: (0..<count).compactMap { _ in
                    let terms = document(atLeast: length)
                    guard terms.count >= length else { return nil }
                    let start = Int.random(in: 0...(terms.count - length), using: &generator)
                    return ClauseQuery(phrase: Array(terms[start..<(start + length)]))
                })
        }
    }

    /// The terms of a document drawn by chance; none when no document is long enough.
    private mutating func document(atLeast length: Int) -> [String] {
        for _ in 0..<1000 {
            let terms = corpus.terms(Int.random(in: 0..<corpus.count, using: &generator))
            if terms.count >= length { return terms }
        }
        return []
    }

    /// Different terms of a document: any, or the rarest and the most frequent in turn.
    private mutating func draw(_ count: Int, extremes: Bool) -> [String] {
        let terms = Set(document(atLeast: 8)).sorted()
        guard extremes else { return Array(terms.shuffled(using: &generator).prefix(count)) }
        let ordered = terms.sorted { (frequencies[$0] ?? 0, $0) < (frequencies[$1] ?? 0, $1) }
        guard ordered.count >= count else { return [] }
        return (0..<count).map { ordered[$0.isMultiple(of: 2) ? $0 / 2 : ordered.count - 1 - $0 / 2] }
    }

    private mutating func conjunction(_ number: Int) -> ClauseQuery? {
        let terms = draw(Int.random(in: 2...4, using: &generator), extremes: number.isMultiple(of: 2))
        return terms.count < 2 ? nil : ClauseQuery(must: terms)
    }

    private mutating func split(musts: ClosedRange<Int>, shoulds: ClosedRange<Int>) -> ClauseQuery? {
        let musts = Int.random(in: musts, using: &generator)
        let terms = draw(musts + Int.random(in: shoulds, using: &generator), extremes: false)
        guard terms.count > musts else { return nil }
        return ClauseQuery(must: Array(terms[..<musts]), should: Array(terms[musts...]))
    }

    /// Half of them with must, half with should; what must not be there is frequent, and out of another document.
    private mutating func exclusion(_ number: Int) -> ClauseQuery? {
        let terms = draw(Int.random(in: 2...3, using: &generator), extremes: false)
        let others = document(atLeast: 8).filter { !terms.contains($0) }
        guard terms.count >= 2, let other = others.max(by: { (frequencies[$0] ?? 0, $0) < (frequencies[$1] ?? 0, $1) })
        else { return nil }
        return number.isMultiple(of: 2)
            ? ClauseQuery(must: terms, mustNot: [other]) : ClauseQuery(should: terms, mustNot: [other])
    }
}
