import AttarCollection
import AttarIndex
import AttarModels
import AttarText

/// A pipeline bound to a collection: everything that can be refused has been checked, and every index is at hand.
///
/// It may be used from several threads at once.
public struct PreparedPipeline: Sendable {
    /// The name of the pipeline.
    public let name: String
    let collection: Collection
    let stage: Stage

    /// The best documents for a query; deleted ones are never found.
    ///
    /// - Parameter filter: what the metadata of a document must be for it to be found; nil for all documents.
    /// - Returns: at most `depth` documents, by score descending, then in the order of the collection (ordinal
    ///   ascending). A query without terms (only stop words, or empty) finds nothing by words. An encoder sees any
    ///   query as it is, also an empty one.
    /// - Complexity: that of the indexes; a document is counted once, by its best passage.
    public func search(_ query: String, depth: Int, filter: MetadataFilter? = nil) throws -> [DocumentHit] {
        try respond(to: query, depth: depth, filter: filter).hits
    }

    /// The best documents for a query as `search` finds them, and what it took.
    public func respond(to query: String, depth: Int, filter: MetadataFilter? = nil) throws -> DocumentHits {
        let selection = try filter.map(collection.selection) ?? collection.live
        return try stage.respond(to: query, depth: depth, in: collection, selection)
    }

    /// What is shown of a query in texts: of all its words, in boolean syntax of those it asks for.
    func highlighter(of query: String) throws -> Highlighter {
        let analyzer = collection.analyzer
        if case .lexical(_, .boolean) = stage {
            var parser = try QueryParser(analyzer)
            return Highlighter(try parser.parse(query), analyzer: analyzer)
        }
        return Highlighter(.anyOf(analyzer.terms(query)), analyzer: analyzer)
    }

    /// How one of the documents found by `search` with the same query, depth and filter came to its score.
    public func explain(
        _ query: String, _ hit: DocumentHit, depth: Int, filter: MetadataFilter? = nil
    ) throws -> Explanation {
        try stage.explain(
            query, hit, depth: depth, in: collection, filter.map(collection.selection) ?? collection.live)
    }
}

/// A part of a pipeline, bound to indexes.
indirect enum Stage: Sendable {
    case lexical(LexicalStage, QuerySyntax)
    case vectors(VectorStage)
    case sparse(SparseStage)
    case tokens(TokenStage)
    case twoStage(TwoStage)
    case fused(FusedStage)

    /// - Parameter selection: what may be found; nil for all.
    func respond(
        to query: String, depth: Int, in collection: Collection, _ selection: Selection?
    ) throws -> DocumentHits {
        guard depth > 0, collection.passageCount > 0 else { return DocumentHits(requested: depth) }
        if case .fused(let stage) = self {
            return try stage.respond(to: query, depth: depth, in: collection, selection)
        }
        guard let search = try passageSearch(query) else { return DocumentHits(requested: depth) }
        return try Self.documents(depth, in: collection) { try search($0, selection) }
    }

    /// What finds as many passages as are asked for among those of a selection.
    typealias PassageSearch = (_ count: Int, _ selection: Selection?) throws -> PassageHits

    /// A query, analysed or encoded once, as a search for passages; nil where it finds none, and of fused stages, which
    /// find documents.
    func passageSearch(_ query: String) throws -> PassageSearch? {
        switch self {
        case .lexical(let stage, .plain):
            let terms = stage.terms(query)
            return terms.isEmpty ? nil : { try stage.passages(terms, count: $0, in: $1) }
        case .lexical(let stage, .boolean):
            let query = try stage.resolved(query)
            return { try stage.passages(query, count: $0, in: $1) }
        case .vectors(let stage):
            let vector = try stage.vector(query)
            return { try stage.passages(vector, count: $0, in: $1) }
        case .sparse(let stage):
            let weights = stage.weights(query)
            return { try stage.passages(weights, count: $0, in: $1) }
        case .tokens(let stage):
            let tokens = try stage.tokens(query)
            return { try stage.passages(tokens, count: $0, in: $1) }
        case .twoStage(let stage): return try stage.passageSearch(query)
        case .fused: return nil
        }
    }

    func explain(
        _ query: String, _ hit: DocumentHit, depth: Int, in collection: Collection, _ selection: Selection?
    ) throws -> Explanation {
        switch self {
        case .lexical(let stage, .plain): try stage.explain(query, hit)
        case .lexical(let stage, .boolean): try stage.explainBoolean(query, hit)
        case .vectors(let stage): try stage.explain(query, hit)
        case .sparse(let stage): try stage.explain(query, hit)
        case .tokens(let stage): try stage.explain(query, hit)
        case .twoStage(let stage): try stage.explain(query, hit, depth: depth, in: collection, selection)
        case .fused(let stage): try stage.explain(query, hit, depth: depth, in: collection, selection)
        }
    }

    /// The best documents out of a search for passages, each by its best passage.
    ///
    /// As many passages as documents are asked for first, and four times as many again while they belong to too few
    /// documents; the result is that of ranking all passages.
    private static func documents(
        _ depth: Int, in collection: Collection, _ search: (Int) throws -> PassageHits
    ) throws -> DocumentHits {
        var response = DocumentHits(requested: depth)
        if collection.passageCount == collection.documentCount {
            let passages = try search(min(depth, collection.passageCount))
            response.scanned = passages.scanned
            response.hits = passages.hits.map {
                DocumentHit(document: $0.ordinal, passage: $0.ordinal, score: Double($0.score))
            }
            return response
        }
        var count = depth
        while true {
            count = min(count, collection.passageCount)
            let passages = try search(count)
            response.scanned += passages.scanned
            response.hits = collapse(passages.hits, depth: depth, in: collection)
            if response.hits.count == depth || passages.hits.count < count || count == collection.passageCount {
                return response
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

/// The best passages of all segments, by the collection's ordinals.
struct PassageHits {
    let hits: [SearchHit]
    /// How many vectors or postings were scored.
    let scanned: Int

    /// What was found in all segments at once.
    init(_ found: (hits: [SearchHit], scanned: Int)) { (hits, scanned) = found }
    init(hits: [SearchHit], scanned: Int) { (self.hits, self.scanned) = (hits, scanned) }

    /// Searches every segment and merges what it finds.
    ///
    /// - Parameter search: the hits of a segment, by its own ordinals. Those with scores above the given one count, the
    ///   last of the best so far; others may be left out.
    init(
        best count: Int, firstPassages: [UInt32],
        _ search: (_ segment: Int, _ score: Float) throws -> (hits: [SearchHit], scanned: Int)
    ) rethrows {
        if firstPassages.count == 1 {
            (hits, scanned) = try search(0, -.infinity)
            return
        }
        var best = TopK(count)
        var scanned = 0
        for (index, first) in firstPassages.enumerated() {
            let found = try search(index, best.threshold)
            for hit in found.hits { best.offer(hit.ordinal + first, hit.score) }
            scanned += found.scanned
        }
        hits = best.hits
        self.scanned = scanned
    }
}
