import AttarStorage
import AttarTensor
import CAttarKernels

extension MultiVectorIndex {
    /// Calls `body` with what scores documents for a query, which is of use only meanwhile.
    ///
    /// - Parameter query: `[query tokens, dimension]`.
    /// - Throws: `IndexError.dimension`, `IndexError.notFinite`, and what `body` throws.
    /// - Complexity: with codes, O((centroids + 256) · query tokens · dimension).
    public func withScorer<Result>(
        for query: Matrix, _ body: (TokenScorer) throws -> Result
    ) throws -> Result {
        guard query.columns == dimension else {
            throw IndexError.dimension(expected: dimension, found: query.columns)
        }
        try requireFinite(query.values)
        return try workspaces.withWorkspace { workspace in
            try withExtendedLifetime(self) { try body(TokenScorer(self, query, workspace)) }
        }
    }

    /// MaxSim with some documents, in their order; −infinity for those without tokens.
    ///
    /// - Parameters:
    ///   - query: `[query tokens, dimension]`.
    ///   - documents: ordinals, which may repeat.
    /// - Throws: as `withScorer`; `IndexError.ordinal` for a document that is not there; `StorageError.corrupt`.
    public func scores(_ query: Matrix, documents: [UInt32]) throws -> [Float] {
        try withScorer(for: query) { try $0.scores(of: documents) }
    }
}

/// A query bound to the tokens of an index: `MultiVectorIndex.withScorer`.
public struct TokenScorer {
    let index: MultiVectorIndex
    let workspace: TokenWorkspace
    /// The query's tokens.
    let queryTokens: Int
    /// The query packed as tokens are kept; nil for codes, whose query is tables.
    private let packed: LateInteractionQuery?

    init(_ index: MultiVectorIndex, _ query: Matrix, _ workspace: TokenWorkspace) {
        self.index = index
        self.workspace = workspace
        queryTokens = query.rows
        switch index.tokens {
        case .halves: packed = LateInteractionQuery(query, precision: .bf16)
        case .bytes: packed = LateInteractionQuery(query, precision: .int8)
        case .codes(_, let codebooks, let subspaces):
            packed = nil
            workspace.begin(query)
            if let coarse = index.coarse {
                workspace.scoreCentroids(coarse.centroids)
                workspace.scoreCodewords(codebooks, subspaces: subspaces)
            }
            return
        }
        workspace.begin(query)
    }

    /// MaxSim with some documents, in their order; −infinity for those without tokens.
    ///
    /// - Throws: `IndexError.ordinal` for a document that is not there; `StorageError.corrupt`.
    /// - Complexity: O(tokens of the documents · query tokens · dimension), of codes · subspaces instead.
    public func scores(of documents: [UInt32]) throws -> [Float] {
        if let wrong = documents.first(where: { $0 >= index.count }) {
            throw IndexError.ordinal(wrong, count: index.count)
        }
        for document in documents { try index.requireAssignments(of: index.tokenRange(of: document)) }
        return maxSim(documents, subspaces: nil)
    }

    /// What MaxSim would be if every token were its centroid: "centroid interaction" (PLAID; Santhanam et al. 2022).
    ///
    /// - Precondition: the documents are there, and so are their tokens' centroids.
    func centroidScores(of documents: [UInt32]) -> [Float] { maxSim(documents, subspaces: 0) }

    /// - Parameter subspaces: of codes that are looked at; nil for all.
    private func maxSim(_ documents: [UInt32], subspaces: Int?) -> [Float] {
        guard queryTokens > 0 else { return documents.map { _ in 0 } }
        return [Float](unsafeUninitializedCapacity: documents.count) { scores, count in
            count = documents.count
            let scores = UnsafeMutableBufferPointer(rebasing: scores[..<count])
            scores.initialize(repeating: -.infinity)
            documents.withUnsafeBufferPointer { documents in
                if let packed, subspaces == nil {
                    packed.scores(of: index.tokenVectors, documents: documents, into: scores)
                } else {
                    scoreCodes(documents, subspaces, scores)
                }
            }
        }
    }

    private func scoreCodes(
        _ documents: UnsafeBufferPointer<UInt32>, _ subspaces: Int?, _ scores: UnsafeMutableBufferPointer<Float>
    ) {
        guard let coarse = index.coarse else { return }
        var (codes, width) = (UnsafePointer<UInt8>?.none, subspaces ?? 0)
        if case .codes(let all, _, let every) = index.tokens, subspaces == nil {
            (codes, width) = (all.elements.baseAddress, every)
        }
        var query = attar_coded_query(
            query_tokens: queryTokens, subspaces: width, stride: workspace.stride,
            centroid_scores: workspace.centroidScores.start, tables: workspace.tables.start)
        var tokens = attar_token_codes(
            centroids: coarse.assignments.elements.baseAddress, codes: codes,
            offsets: index.offsets.elements.baseAddress)
        attar_max_sim_codes(&query, &tokens, documents.baseAddress, documents.count, scores.baseAddress)
    }
}

extension MultiVectorIndex {
    /// Tokens that are no codes, as kernels want them.
    fileprivate var tokenVectors: attar_token_vectors {
        let (stride, places) = (codec.stride(dimension: dimension), offsets.elements.baseAddress)
        switch tokens {
        case .halves(let all):
            return attar_token_vectors(
                vectors: all.elements.baseAddress, stride: stride, offsets: places, scales: nil, zeros: nil)
        case .bytes(let all, let scales, let zeros):
            return attar_token_vectors(
                vectors: all.elements.baseAddress, stride: stride, offsets: places, scales: scales.elements.baseAddress,
                zeros: zeros.elements.baseAddress)
        case .codes: preconditionFailure("codes are no vectors")
        }
    }
}
