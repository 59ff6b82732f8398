/// What a search returned: for each query, documents with scores.
///
/// The order within a query is trec_eval's, whatever order the documents came in: score descending, compared in single
/// precision as trec_eval does, then identifier descending by its UTF-8 bytes. A rank column is ignored.
public struct Run: Sendable, Equatable {
    /// A document with its score.
    public struct Result: Sendable, Equatable, Codable {
        /// The document's identifier.
        public let documentID: String
        /// Its score; higher is better.
        public let score: Double

        /// A document with its score.
        public init(_ documentID: String, _ score: Double) {
            self.documentID = documentID
            self.score = score
        }

        /// Whether trec_eval ranks `first` before `second`.
        static func isRanked(_ first: Result, before second: Result) -> Bool {
            let (firstScore, secondScore) = (Float(first.score), Float(second.score))
            if firstScore != secondScore { return firstScore > secondScore }
            return second.documentID.utf8.lexicographicallyPrecedes(first.documentID.utf8)
        }

        /// Whether MS MARCO's evaluation ranks `first` before `second`: score descending in double precision, then
        /// identifier ascending.
        static func isRankedByMSMARCO(_ first: Result, before second: Result) -> Bool {
            if first.score != second.score { return first.score > second.score }
            return first.documentID.utf8.lexicographicallyPrecedes(second.documentID.utf8)
        }
    }

    /// What the run is called: the tag of its file.
    public var name: String
    /// The queries in the order of their first result.
    public private(set) var queryIDs: [String] = []
    /// The results of each query, best first.
    public private(set) var results: [String: [Result]] = [:]

    /// A run without results.
    public init(name: String) {
        self.name = name
    }

    /// The results of one query, best first; empty when the run has none.
    public subscript(query: String) -> [Result] { results[query] ?? [] }

    /// Sets the results of one query.
    ///
    /// - Throws: `duplicate` when a document stands twice.
    /// - Complexity: O(n log n) in the number of results.
    public mutating func setResults(_ list: [Result], query: String) throws {
        var seen = Set<String>(minimumCapacity: list.count)
        for result in list where !seen.insert(result.documentID).inserted {
            throw EvidenceError(
                .duplicate, "Run \"\(name)\" has document \"\(result.documentID)\" twice for query \"\(query)\".")
        }
        if results[query] == nil { queryIDs.append(query) }
        results[query] = list.sorted(by: Result.isRanked)
    }
}
