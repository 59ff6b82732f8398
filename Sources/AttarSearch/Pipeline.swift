import AttarIndex
import AttarModels

/// What a query goes through.
///
/// ```swift
/// let pipeline = Pipeline.hybrid([.bm25(), .asymmetric(student)])
/// let results = try Searcher(collection).search("what is the GIL?", pipeline, depth: 10)
/// ```
public indirect enum Pipeline: Sendable {
    /// Words: BM25 over title, headings and text.
    case bm25(BM25Parameters = .init(), syntax: QuerySyntax = .plain)
    /// Vectors: the query and the collection were encoded by the same model.
    case dense(any TextEncoder)
    /// Vectors: the query is encoded by another model of the same space, such as a student of the one that encoded the
    /// collection.
    case asymmetric(any TextEncoder)
    /// Learned sparse weights: query and passages by the same model.
    case sparse(SparseEncoder)
    /// Vectors of tokens by MaxSim: of every passage, which is exact, and slow in large collections; or of those that
    /// are gathered by the centroids near the query's tokens.
    case lateInteraction(LateInteractionEncoder, gathering: TokenGathering? = nil)
    /// Passages that another pipeline finds, put in order by the vectors of their tokens. The first one must be `bm25`,
    /// `dense`, `asymmetric` or `sparse`; of each query it finds `candidates` passages, of which the cascade scores
    /// some.
    case twoStage(Pipeline, LateInteractionEncoder, candidates: Int = 50, cascade: Cascade = Cascade())
    /// The results of several pipelines, fused. Of each, the best `candidates` documents take part, or as many as are
    /// asked for when these are more.
    case hybrid([Pipeline], Fusion = .reciprocalRank(), candidates: Int = 100)

    /// Whether it can be the first of two stages.
    var findsPassages: Bool {
        switch self {
        case .bm25, .dense, .asymmetric, .sparse: true
        case .lateInteraction, .twoStage, .hybrid: false
        }
    }

    /// A short name for tables and runs: "bm25", "dense(minilm)", "hybrid(bm25 + dense(minilm))".
    public var name: String {
        switch self {
        case .bm25: "bm25"
        case .dense(let encoder): "dense(\(encoder.fingerprint.name))"
        case .asymmetric(let encoder): "asymmetric(\(encoder.fingerprint.name))"
        case .sparse(let encoder): "sparse(\(encoder.fingerprint.name))"
        case .lateInteraction(let encoder, _): "late-interaction(\(encoder.fingerprint.name))"
        case .twoStage(let first, let encoder, _, _): "two-stage(\(first.name), \(encoder.fingerprint.name))"
        case .hybrid(let parts, _, _): "hybrid(\(parts.map(\.name).joined(separator: " + ")))"
        }
    }
}
