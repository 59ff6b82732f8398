import AttarCollection
import AttarIndex
import AttarModels

/// A pipeline bound to a collection: everything that can be refused has been checked, and every index is at hand.
///
/// It may be used from several threads at once.
public struct PreparedPipeline: Sendable {
    /// The name of the pipeline.
    public let name: String
    let collection: Collection
    let stage: Stage

    /// The best documents for a query.
    ///
    /// - Returns: at most `depth` documents, by score descending, then in the order of the collection (ordinal
    ///   ascending). A query without terms (only stop words, or empty) finds nothing by words. An encoder sees any
    ///   query as it is, also an empty one.
    /// - Complexity: that of the indexes; a document is counted once, by its best passage.
    public func search(_ query: String, depth: Int) throws -> [DocumentHit] {
        try stage.search(query, depth: depth, in: collection)
    }

    /// How one of the documents found by `search` with the same query and depth came to its score.
    public func explain(_ query: String, _ hit: DocumentHit, depth: Int) throws -> Explanation {
        try stage.explain(query, hit, depth: depth, in: collection)
    }
}

/// A part of a pipeline, bound to indexes.
indirect enum Stage: Sendable {
    case lexical(LexicalStage)
    case vectors(VectorStage)
    case fused(FusedStage)

    func search(_ query: String, depth: Int, in collection: Collection) throws -> [DocumentHit] {
        guard depth > 0, collection.passageCount > 0 else { return [] }
        switch self {
        case .lexical(let stage):
            let terms = stage.terms(query)
            guard !terms.isEmpty else { return [] }
            return try Self.documents(depth, in: collection) { try stage.passages(terms, count: $0) }
        case .vectors(let stage):
            let vector = try stage.vector(query)
            return try Self.documents(depth, in: collection) { try stage.passages(vector, count: $0) }
        case .fused(let stage):
            return try stage.search(query, depth: depth, in: collection)
        }
    }

    func explain(_ query: String, _ hit: DocumentHit, depth: Int, in collection: Collection) throws -> Explanation {
        switch self {
        case .lexical(let stage): try stage.explain(query, hit)
        case .vectors(let stage): try stage.explain(query, hit)
        case .fused(let stage): try stage.explain(query, hit, depth: depth, in: collection)
        }
    }

    /// The best documents out of a search for passages, each by its best passage.
    ///
    /// As many passages as documents are asked for first, and four times as many again while they belong to too few
    /// documents; the result is that of ranking all passages.
    private static func documents(
        _ depth: Int, in collection: Collection, _ search: (Int) throws -> [SearchHit]
    ) throws -> [DocumentHit] {
        if collection.passageCount == collection.documentCount {
            return try search(min(depth, collection.passageCount)).map {
                DocumentHit(document: $0.ordinal, passage: $0.ordinal, score: Double($0.score))
            }
        }
        var count = depth
        while true {
            count = min(count, collection.passageCount)
            let passages = try search(count)
            let documents = collapse(passages, depth: depth, in: collection)
            if documents.count == depth || passages.count < count || count == collection.passageCount {
                return documents
            }
            count = count.multipliedReportingOverflow(by: 4).overflow ? collection.passageCount : count * 4
        }
    }

    private static func collapse(_ passages: [SearchHit], depth: Int, in collection: Collection) -> [DocumentHit] {
        var seen = Set<UInt32>(minimumCapacity: min(depth, passages.count))
        var documents: [DocumentHit] = []
        documents.reserveCapacity(min(depth, passages.count))
        for hit in passages {
            let document = UInt32(collection.document(ofPassage: Int(hit.ordinal)))
            guard seen.insert(document).inserted else { continue }
            documents.append(DocumentHit(document: document, passage: hit.ordinal, score: Double(hit.score)))
            if documents.count == depth { break }
        }
        return documents
    }
}

/// Merges the hits of segments, whose ordinals are those of the collection.
func merged(_ lists: [[SearchHit]], count: Int) -> [SearchHit] {
    if lists.count == 1 { return lists[0] }
    var best = TopK(count)
    for hit in lists.joined() { best.offer(hit.ordinal, hit.score) }
    return best.hits
}
