import AttarStorage

/// Candidates by small codes, scored again by the vectors themselves.
///
///     let index = try RescoredVectorIndex(
///         codes: FlatVectorIndex(path: "minilm.binary.vec"), vectors: FlatVectorIndex(path: "minilm.vec"))
///
/// Of the codes every row is read for a query, of the vectors only those of the candidates.
public struct RescoredVectorIndex: VectorIndex {
    private let codes: FlatVectorIndex
    private let vectors: FlatVectorIndex
    private let candidates: @Sendable (_ k: Int) -> Int

    /// An index of two files over the same vectors.
    ///
    /// - Parameter candidates: how many are scored again for k results; nil for what suits the codes.
    /// - Throws: `IndexError.otherVectors` when the files do not hold the same vectors.
    public init(
        codes: FlatVectorIndex, vectors: FlatVectorIndex, candidates: (@Sendable (_ k: Int) -> Int)? = nil
    ) throws {
        try vectors.requireSame(
            count: codes.count, dimension: codes.dimension, fingerprint: codes.fingerprint, asAt: codes.path)
        self.codes = codes
        self.vectors = vectors
        let isBinary = codes.precision == .binary
        self.candidates = candidates ?? { k in isBinary ? 20 * k : 2 * k }
    }

    /// The number of vectors.
    public var count: Int { codes.count }
    /// The length of a vector.
    public var dimension: Int { codes.dimension }
    /// Who made the vectors: the encoder's fingerprint as JSON.
    public var fingerprint: String { codes.fingerprint }
    /// False: what the codes rank low is not scored again.
    public var isExact: Bool { false }

    /// Reads every byte of the codes and compares every checksum.
    public func verify() throws { try codes.verify() }

    /// The k best of the candidates.
    ///
    /// - Complexity: O(count) codes and O(candidates) vectors.
    public func respond(to query: [Float], k: Int, allowed: OrdinalSet?) throws -> VectorSearchResponse {
        guard k > 0 else { return try codes.respond(to: query, k: k, allowed: allowed) }
        let most = min(k, count)
        var response = try codes.respond(to: query, k: min(max(most, candidates(most)), count), allowed: allowed)
        response.hits = vectors.rescored(response.hits.map(\.ordinal), query, k: k)
        response.requested = k
        return response
    }
}

extension FlatVectorIndex {
    /// The k best of some vectors by their scores here.
    ///
    /// - Precondition: the query has the index's dimension, the ordinals are below `count`.
    func rescored(_ ordinals: [UInt32], _ query: [Float], k: Int) -> [SearchHit] {
        var scores = BlockScores(rows: ordinals.count)
        ordinals.withUnsafeBufferPointer { scorer(for: query).score(rows, .list($0), &scores) }
        var best = TopK(min(k, ordinals.count))
        for (ordinal, score) in zip(ordinals, scores.floats) { best.offer(ordinal, score) }
        return best.hits
    }
}
