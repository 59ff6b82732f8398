/// Relevance judgements: which documents answer which query, and how well.
///
/// Grades are whole numbers: 0 or less is not relevant, 1 or more is relevant, higher is better. What is not judged
/// counts as not relevant.
///
///     let judgements = try Judgements(path: "qrels/test.tsv")
///     judgements.grades["q1"]?["d7"]     // 2
public struct Judgements: Sendable, Equatable {
    /// The queries in the order of their first judgement.
    public private(set) var queryIDs: [String]
    /// For each query, the grade of each judged document.
    public private(set) var grades: [String: [String: Int]]

    /// Judgements from a dictionary; the queries are ordered by identifier.
    public init(_ grades: [String: [String: Int]] = [:]) {
        self.grades = grades
        queryIDs = grades.keys.sorted()
    }

    /// How many pairs of query and document are judged.
    public var count: Int { grades.values.reduce(0) { $0 + $1.count } }

    /// Whether nothing is judged.
    public var isEmpty: Bool { grades.isEmpty }

    /// Adds a judgement.
    ///
    /// - Returns: the grade that the pair had before, which stays, or nil.
    @discardableResult
    public mutating func insert(_ grade: Int, document: String, query: String) -> Int? {
        if let existing = grades[query]?[document] { return existing }
        if grades[query] == nil { queryIDs.append(query) }
        grades[query, default: [:]][document] = grade
        return nil
    }

    /// The judgements of the given queries only.
    public func restricted(toQueries kept: Set<String>) -> Judgements {
        var restricted = Judgements(grades.filter { kept.contains($0.key) })
        restricted.queryIDs = queryIDs.filter(kept.contains)
        return restricted
    }
}
