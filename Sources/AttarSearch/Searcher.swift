import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import Synchronization

/// Searches one collection with any pipeline.
///
/// Results are ordered by score descending, then in the order of the collection. It may be used from several threads.
///
/// ```swift
/// let searcher = Searcher(try Collection.open(at: "my-collection"))
/// for result in try searcher.search("boundary layer", .bm25(), depth: 3) { print(result.documentID, result.score) }
/// ```
public final class Searcher: Sendable {
    /// The collection.
    public let collection: Collection
    /// BM25 over this collection by parameters: making one costs a pass over all passages' lengths.
    private let lexical = Mutex<[BM25Parameters: LexicalStage]>([:])

    /// A searcher over a snapshot of a collection.
    public init(_ collection: Collection) {
        self.collection = collection
    }

    /// Binds a pipeline to the collection: checks fingerprints and finds the indexes.
    ///
    /// - Parameter precision: which vectors to use when an encoder's are stored in several precisions; nil for the
    ///   first.
    /// - Throws: `SearchError` when the collection cannot serve the pipeline.
    public func prepare(_ pipeline: Pipeline, precision: VectorPrecision? = nil) throws -> PreparedPipeline {
        PreparedPipeline(
            name: pipeline.name, collection: collection, stage: try stage(pipeline, precision: precision))
    }

    /// The best documents for a query, with what is shown of them.
    ///
    /// - Parameters:
    ///   - depth: how many documents; all that are found when it is larger.
    ///   - filter: what the metadata of a document must be for it to be found; nil for all documents.
    ///   - explain: whether each result says how its score came about.
    /// - Throws: `SearchError`, and what the encoder and the files throw.
    public func search(
        _ query: String, _ pipeline: Pipeline, depth: Int = 10, filter: MetadataFilter? = nil, explain: Bool = false
    ) throws -> [SearchResult] {
        try search(query, try prepare(pipeline), depth: depth, filter: filter, explain: explain)
    }

    /// The best documents for a query, by a pipeline that has been prepared.
    public func search(
        _ query: String, _ pipeline: PreparedPipeline, depth: Int = 10, filter: MetadataFilter? = nil,
        explain: Bool = false
    ) throws -> [SearchResult] {
        try respond(to: query, pipeline, depth: depth, filter: filter, explain: explain).results
    }

    /// The best documents for a query as `search` finds them, and what it took.
    public func respond(
        to query: String, _ pipeline: PreparedPipeline, depth: Int = 10, filter: MetadataFilter? = nil,
        explain: Bool = false
    ) throws -> SearchResponse {
        let snippets = SnippetMaker(try pipeline.highlighter(of: query))
        let found = try pipeline.respond(to: query, depth: depth, filter: filter)
        let results = try found.hits.enumerated().map { position, hit in
            let passage = try collection.passage(at: Int(hit.passage))
            let shown = snippets.snippet(of: passage.text)
            return SearchResult(
                rank: position + 1, documentID: passage.documentID, title: passage.title, heading: passage.heading,
                url: passage.url, score: hit.score, passage: passage.ordinal,
                snippet: shown.text, highlights: shown.matches.map(ByteRange.init),
                snippetHighlights: shown.highlights.map(ByteRange.init),
                explanation: explain ? try pipeline.explain(query, hit, depth: depth, filter: filter) : nil)
        }
        return SearchResponse(
            requested: found.requested, returned: found.returned, scanned: found.scanned,
            allowed: try filter.map { try collection.selection($0).documentCount }, results: results)
    }

    private func stage(_ pipeline: Pipeline, precision: VectorPrecision?) throws -> Stage {
        switch pipeline {
        case .bm25(let parameters, let syntax):
            return .lexical(lexicalStage(parameters), syntax)
        case .dense(let encoder), .asymmetric(let encoder):
            let isDense = if case .dense = pipeline { true } else { false }
            let records = collection.encoders.filter { precision == nil || $0.precision == precision }
            let record = try EncoderChoice(encoder.fingerprint, collection, records).record(dense: isDense)
            return .vectors(try VectorStage(collection, name: pipeline.name, encoder: encoder, record: record))
        case .sparse(let encoder):
            return .sparse(try SparseStage(collection, name: pipeline.name, encoder: encoder))
        case .lateInteraction(let encoder, let gathering):
            return .tokens(
                try TokenStage(collection, name: pipeline.name, encoder: encoder, gathering: gathering))
        case .twoStage(let first, let encoder, let candidates, let cascade):
            guard first.findsPassages, candidates > 0 else {
                throw SearchError.badPipeline(
                    "Two stages need at least one candidate of bm25, dense, asymmetric or sparse, not of "
                        + "\(first.name).")
            }
            return .twoStage(TwoStage(
                name: pipeline.name, first: (first.name, try stage(first, precision: precision)),
                second: try TokenStage(
                    collection, name: Pipeline.lateInteraction(encoder).name, encoder: encoder,
                    gathering: TokenGathering(probes: 4, candidates: max(256, candidates)), insists: false),
                candidates: candidates, cascade: cascade))
        case .hybrid(let parts, let fusion, let candidates):
            try check(parts.count, fusion, candidates)
            let stages = try parts.map { (name: $0.name, stage: try stage($0, precision: precision)) }
            return .fused(FusedStage(name: pipeline.name, parts: stages, fusion: fusion, candidates: candidates))
        }
    }

    private func lexicalStage(_ parameters: BM25Parameters) -> LexicalStage {
        lexical.withLock { stages in
            if let known = stages[parameters] { return known }
            let stage = LexicalStage(collection, parameters)
            stages[parameters] = stage
            return stage
        }
    }

    private func check(_ parts: Int, _ fusion: Fusion, _ candidates: Int) throws {
        guard parts > 0, candidates > 0 else {
            throw SearchError.badPipeline("A hybrid pipeline needs at least one pipeline and one candidate of each.")
        }
        switch fusion {
        case .weighted(let weights):
            guard weights.count == parts, weights.allSatisfy(\.isFinite) else {
                throw SearchError.badPipeline(
                    "A hybrid pipeline of \(parts) pipelines needs \(parts) finite weights, and \(weights.count) were given."
                )
            }
        case .reciprocalRank(let constant):
            guard constant >= 0, constant.isFinite else {
                throw SearchError.badPipeline(
                    "The constant of reciprocal rank fusion is \(constant); it must be 0 or more.")
            }
        }
    }
}

/// Which vectors of a collection a query encoder may be compared with.
struct EncoderChoice {
    private let query: EncoderFingerprint
    private let collection: Collection
    private let records: [EncoderRecord]

    init(_ query: EncoderFingerprint, _ collection: Collection, _ records: [EncoderRecord]) {
        self.query = query
        self.collection = collection
        self.records = records
    }

    /// The vectors for a dense or an asymmetric search; refused with both names when there are none.
    ///
    /// Asymmetric search prefers the vectors of the model that the space is named after, the teacher.
    func record(dense: Bool) throws -> EncoderRecord {
        let own = records.first { $0.fingerprint.id == query.id }
        let others = records.filter { $0.fingerprint.id != query.id && $0.fingerprint.sharesSpace(with: query) }
        if dense {
            if let own { return own }
            guard others.isEmpty else {
                throw SearchError.onlyAsymmetric(query: query.name, indexes: others.map(\.fingerprint.name))
            }
        } else {
            if let other = others.first(where: { $0.fingerprint.id == query.space }) ?? others.first { return other }
            if own != nil { throw SearchError.onlyDense(query: query.name) }
        }
        throw refusal()
    }

    private func refusal() -> SearchError {
        if let incomplete = collection.incompleteEncoders.first(where: { $0.fingerprint.sharesSpace(with: query) }) {
            return .incompleteVectors(encoder: incomplete.fingerprint.name)
        }
        if records.isEmpty { return .noVectors(collection: collection.path, query: query.name) }
        // An encoder has a record for each precision, and is named once.
        let names = Set(records.map { "\($0.fingerprint.name) (\($0.fingerprint.id.prefix(12)))" })
        return .foreignEncoder(query: query.name, queryID: query.id, indexes: names.sorted())
    }
}
