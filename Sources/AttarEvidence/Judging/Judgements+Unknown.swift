/// Identifiers that judgements name and a collection does not have.
public struct UnknownIdentifiers: Sendable, Equatable, Codable {
    /// The judged queries that are unknown, in the order of the judgements.
    public let queries: [String]
    /// The judged documents that are unknown, each once, sorted.
    public let documents: [String]
    /// How many judgements name an unknown query or document.
    public let judgements: Int

    /// Whether everything is known.
    public var isEmpty: Bool { queries.isEmpty && documents.isEmpty }
}

extension Judgements {
    /// Counts what the judgements name and the collection does not have.
    ///
    /// - Parameters:
    ///   - queries: the identifiers of the known queries; nil to leave queries unchecked.
    ///   - isKnownDocument: whether a document is known.
    /// - Complexity: O(judgements) calls of `isKnownDocument`.
    public func unknownIdentifiers(
        queries: Set<String>?, isKnownDocument: (String) throws -> Bool
    ) rethrows -> UnknownIdentifiers {
        var known: [String: Bool] = [:]
        var affected = 0
        for query in queryIDs {
            let isKnownQuery = queries?.contains(query) ?? true
            for document in grades[query, default: [:]].keys {
                let isKnown = try known[document] ?? isKnownDocument(document)
                known[document] = isKnown
                if !isKnown || !isKnownQuery { affected += 1 }
            }
        }
        return UnknownIdentifiers(
            queries: queryIDs.filter { queries?.contains($0) == false },
            documents: known.filter { !$0.value }.keys.sorted(),
            judgements: affected)
    }

    /// Refuses judgements that name unknown identifiers, unless that is allowed.
    ///
    /// - Returns: what is unknown, for the report.
    /// - Throws: `unknownIdentifiers` with the counts, an example, and the option that allows them.
    @discardableResult
    public func validate(
        queries: Set<String>?, isKnownDocument: (String) throws -> Bool,
        allowingUnknown: Bool = false, source: String = "the judgements"
    ) throws -> UnknownIdentifiers {
        let unknown = try unknownIdentifiers(queries: queries, isKnownDocument: isKnownDocument)
        guard !unknown.isEmpty, !allowingUnknown else { return unknown }
        var found: [String] = []
        if let example = unknown.queries.first {
            found.append("\(unknown.queries.count) unknown queries (the first is \"\(example)\")")
        }
        if let example = unknown.documents.first {
            found.append("\(unknown.documents.count) unknown documents (the first is \"\(example)\")")
        }
        throw EvidenceError(
            .unknownIdentifiers,
            "\(source): \(found.joined(separator: " and ")), in \(unknown.judgements) of \(count) judgements. "
                + "Check that they belong to this collection, or give --allow-unknown to count them as not found.")
    }
}
