import AttarStorage
import AttarTensor

/// Search in two stages: learned sparse weights find candidates, and token vectors put them in order (Martinico,
/// Nardini, Rulli & Venturini, "Multivector Reranking in the Era of Strong First-Stage Retrievers", 2026).
///
///     let index = try TwoStageIndex(sparse: SparseIndex(path: "splade.sparse"), tokens: MultiVectorIndex(path: "minilm.mvx"))
///     let response = try index.search(columns: ids, weights: weights, tokens: states, k: 10)
///
/// Candidates of another first stage, such as words or vectors of documents, go to `MultiVectorIndex.rerank`.
public struct TwoStageIndex: Sendable {
    /// The first stage.
    public let sparse: SparseIndex
    /// The second stage.
    public let tokens: MultiVectorIndex

    /// The attribute that says which documents an index holds, in which order.
    public static let documentsAttribute = "documents"

    /// How many candidates are found, and how few of them are scored.
    public struct Options: Sendable, Hashable, Codable {
        /// Candidates that the first stage finds; never fewer than the hits that are asked for.
        public var candidates: Int
        /// Which of them are scored.
        public var cascade: Cascade
        /// How thorough the first stage is.
        public var effort: SparseSearchEffort

        /// Options.
        ///
        /// - Precondition: at least one candidate.
        public init(candidates: Int = 50, cascade: Cascade = Cascade(), effort: SparseSearchEffort = .exact) {
            precondition(candidates > 0, "\(candidates) candidates")
            self.candidates = candidates
            self.cascade = cascade
            self.effort = effort
        }
    }

    /// Binds two indexes of the same documents.
    ///
    /// - Throws: `IndexError.otherDocuments` when their numbers of documents differ, or what their builders say of the
    ///   documents.
    public init(sparse: SparseIndex, tokens: MultiVectorIndex) throws {
        let identities = [sparse.attributes, tokens.attributes].map { $0[Self.documentsAttribute] }
        guard sparse.passages == tokens.count, identities[0] == identities[1] else {
            throw IndexError.otherDocuments(sparse.path, tokens.path)
        }
        self.sparse = sparse
        self.tokens = tokens
    }

    /// The k best by MaxSim of the candidates that the first stage finds.
    ///
    /// - Parameters:
    ///   - columns: of the query's weights, for the first stage.
    ///   - weights: beside them.
    ///   - query: the query's tokens, `[query tokens, dimension]`.
    ///   - allowed: which documents may be found; nil for all.
    /// - Returns: score descending, then ordinal ascending; fewer than k when the first stage finds fewer.
    /// - Throws: as both indexes.
    public func search(
        columns: [Int32], weights: [Float], tokens query: Matrix, k: Int, options: Options = Options(),
        allowed: OrdinalSet? = nil
    ) throws -> CascadeResponse {
        let candidates = try sparse.search(
            columns: columns, weights: weights, k: max(k, options.candidates), allowed: allowed, effort: options.effort)
        return try tokens.rerank(query, candidates: candidates, k: k, cascade: options.cascade)
    }
}
