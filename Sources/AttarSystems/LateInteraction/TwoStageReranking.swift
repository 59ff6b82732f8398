import AttarEvidence
import AttarIndex
import AttarModels
import AttarSearch
import AttarTensor

/// Two-stage multi-vector search (Martinico, Nardini, Rulli & Venturini 2026): MaxSim over a few good candidates.
///
/// Engines for token vectors gather candidates by searching all token vectors, then refine. Here one search of learned
/// sparse weights at the level of documents takes the place of gathering. Of its candidates, sorted by their scores s,
/// those with `s ≥ (1 − α) s_k` are kept (candidate pruning), and scored by MaxSim one after another until β in a row
/// do not enter the k best (early exit).
///
/// The paper's token vectors are ColBERTv2's. Any BERT encoder can take its place here: its token states, projected
/// onto the main directions of the corpus, of length 1. Such a model was not trained for MaxSim; what is claimed is
/// therefore relative to its own exhaustive search.
public struct TwoStageReranking: System {
    public static let card = SystemCard(
        id: "S19", name: "Two-stage reranking",
        title: "Multivector Reranking in the Era of Strong First-Stage Retrievers", paper: "arXiv 2601.05200",
        group: .lateInteraction, needs: [.embeddingTeacher, .texts, .judgements],
        summary: "Finds candidates by learned sparse weights and puts a couple of dozen of them in order by the vectors of "
            + "their tokens (MaxSim), leaving out and stopping early where nothing is to be gained.")

    public static let defaultConfiguration = Configuration()

    private let configuration: Configuration

    public init(configuration: Configuration) {
        self.configuration = configuration
    }

    public func run(_ context: RunContext) async throws -> EvaluationReport {
        let study = try TwoStageStudy(context, configuration)
        // 1. Every document is encoded by both models: weights of vocabulary tokens, and a vector a token.
        let index = try study.index()
        // 2. Queries go through both stages; and, to compare, through the searches that two stages replace.
        let depth = configuration.depth
        let patience = configuration.patience > 0 ? configuration.patience : nil
        let cascade = Cascade(margin: configuration.margin, patience: patience)
        return try study.report(index, [
            .init(name: "exhaustive", description: "MaxSim with every document") { query in
                try index.tokens.search(query.tokens, k: depth)
            },
            .init(name: "first stage", description: "learned sparse weights alone") { query in
                let (ids, weights) = (query.weights.ids, query.weights.weights)
                let hits = try index.sparse.search(columns: ids, weights: weights, k: depth)
                return CascadeResponse(hits: hits, scored: 0, candidates: hits.count)
            },
            .init(name: "gather", description: "MaxSim with the documents near the query's tokens") { query in
                try index.tokens.gather(query.tokens, k: depth, gathering: .init(probes: configuration.probes))
            },
            .init(name: "two-stage all", description: "MaxSim with every candidate of the first stage") { query in
                try index.search(query, k: depth, options: .init(candidates: configuration.candidates))
            },
            .init(name: "two-stage", description: "with candidate pruning and early exit") { query in
                let options = TwoStageIndex.Options(candidates: configuration.candidates, cascade: cascade)
                return try index.search(query, k: depth, options: options)
            },
        ])
    }
}

extension TwoStageReranking {
    /// What a user may choose.
    public struct Configuration: Codable, Sendable {
        /// The first stage's model: a sparse encoder's folder, or its name in the catalogue.
        public var sparse = "splade-tiny"
        /// To which length token states are projected: ColBERTv2's. 0 leaves them as they are.
        public var dimension = 128
        /// How tokens are kept: `bf16`, `int8`, `residual2`, `pq32` …; the paper has `pq32` (36 bytes a token), this is
        /// of the same size and trained in less time.
        public var codec = "residual2"
        /// Centroids; 0 for what suits the number of tokens.
        public var centroids = 0
        /// Tokens that are read of a document.
        public var passageTokens = 256
        /// Results of a query: k of pruning and early exit too.
        public var depth = 10
        /// Candidates of the first stage. This and the next three are what 200 of insuranceqa's training queries choose
        /// in `attar bench multivector`, as splade-tiny is weak there; scifact's, where it is strong, are content with
        /// 20, 0.1 and 2 (docs/benchmarks.md). The paper has 15 to 50 for stronger first stages.
        public var candidates = 300
        /// α: candidates below (1 − α) times the k-th best first-stage score are not scored.
        public var margin: Float = 0.4
        /// β: the search ends when so many candidates in a row do not enter the best; 0 for never.
        public var patience = 0
        /// Centroids that each query token looks into when documents are gathered, to compare.
        public var probes = 1

        /// The defaults.
        public init() {}
    }

    /// Fewer scored documents than gathering by tokens needs, for what the exhaustive search finds.
    public static let claims: [Claim] = ["scifact", "insuranceqa"].enumerated().flatMap { place, dataset in
        [
            Claim(
                id: "S19.\(4 * place + 1)", statement: "within a point of the exhaustive search", dataset: dataset,
                subject: "two-stage", baseline: "exhaustive", bound: .lossAtMost(0.01)),
            Claim(
                id: "S19.\(4 * place + 2)", statement: "as good as gathering by tokens", dataset: dataset,
                subject: "two-stage", baseline: "gather", bound: .lossAtMost(0.005)),
            Claim(
                id: "S19.\(4 * place + 3)", statement: "scores at most a third of the documents that gathering scores",
                dataset: dataset, metric: Claim.documentsScored, subject: "two-stage", baseline: "gather",
                bound: .ratioAtMost(1.0 / 3)),
            Claim(
                id: "S19.\(4 * place + 4)", statement: "better than the first stage alone", dataset: dataset,
                subject: "two-stage", baseline: "first stage", bound: .notBelow),
        ]
    }
}
