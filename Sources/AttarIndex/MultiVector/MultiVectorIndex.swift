import AttarStorage
import AttarTensor
import CAttarKernels

/// The token vectors of documents in a mapped, immutable file, scored by MaxSim (Khattab & Zaharia, "ColBERT", 2020):
/// Σ over the query's tokens of the largest inner product with one of the document's.
///
///     let index = try MultiVectorIndex(path: "minilm.mvx")
///     let candidates = try sparse.search(columns: ids, weights: weights, k: 50)
///     let best = try index.rerank(states, candidates: candidates, k: 10, cascade: .init(margin: 0.03, patience: 4))
///
/// Documents come from elsewhere (`rerank`), from the lists of the centroids nearest to the query's tokens (`gather`),
/// or are all of them (`search`). Scores are those of tokens as they are kept. It may be used from several threads.
public final class MultiVectorIndex: Sendable {
    let file: SectionFile
    let header: MultiVectorHeader
    let offsets: MappedArray<UInt64>
    let tokens: StoredTokens
    let coarse: CoarseTokens?
    let workspaces = WorkspacePool { TokenWorkspace() }

    /// Opens an index.
    ///
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws.
    /// - Complexity: O(documents).
    public init(path: String) throws {
        file = try SectionFile(
            path: path, kind: MultiVectorFormat.kind, newestVersion: MultiVectorFormat.version)
        header = try file.header()
        offsets = try file.array("offsets", count: header.documents + 1)
        tokens = try StoredTokens(file, header)
        coarse = header.centroids > 0 ? try CoarseTokens(file, header) : nil
        let ascend = offsets.withUnsafeBufferPointer { offsets in
            offsets.indices.dropFirst().allSatisfy { offsets[$0 - 1] <= offsets[$0] }
        }
        guard ascend, offsets[0] == 0, offsets[header.documents] == UInt64(header.tokens) else {
            throw StorageError.altered("the place of a document", of: path)
        }
    }

    /// The path of the file.
    public var path: String { file.path }
    /// The size of the file in bytes.
    public var byteCount: Int { file.byteCount }
    /// The number of documents; ordinals are below it.
    public var count: Int { header.documents }
    /// The number of tokens of all documents.
    public var tokenCount: Int { header.tokens }
    /// The length of a token's vector.
    public var dimension: Int { header.dimension }
    /// How tokens are kept.
    public var codec: TokenCodec { header.codec }
    /// The number of centroids; 0 without lists.
    public var centroidCount: Int { header.centroids }
    /// Documents without tokens: no search finds them.
    public var emptyDocuments: Int { header.emptyDocuments }
    /// Who made the vectors: the encoder's fingerprint as JSON.
    public var fingerprint: String { header.fingerprint }
    /// What the builder was told to keep.
    public var attributes: [String: String] { header.attributes }

    /// The vectors of a document's tokens as they are kept, `[tokens, dimension]`.
    ///
    /// - Throws: `StorageError.corrupt`.
    /// - Precondition: the ordinal is below `count`.
    public func tokens(of ordinal: UInt32) throws -> Matrix {
        precondition(ordinal < count, "document \(ordinal) of \(count)")
        let range = tokenRange(of: ordinal)
        try requireAssignments(of: range)
        var values: [Float] = []
        values.reserveCapacity(range.count * dimension)
        for token in range { values += tokens.vector(token, dimension: dimension, coarse: coarse) }
        return Matrix(rows: range.count, columns: dimension, values: values)
    }

    func tokenRange(of ordinal: UInt32) -> Range<Int> {
        Int(offsets[Int(ordinal)])..<Int(offsets[Int(ordinal) + 1])
    }

    /// What reads centroids by their numbers stays in bounds only after this.
    ///
    /// - Throws: `corrupt` when a token's centroid is none.
    func requireAssignments(of range: Range<Int>) throws {
        guard let coarse else { return }
        let largest = coarse.assignments.withUnsafeBufferPointer { $0[range].reduce(0, max) }
        guard Int(largest) < max(1, header.centroids) else { throw StorageError.altered("a centroid", of: path) }
    }
}

/// The section `tokens`, and what belongs to it.
enum StoredTokens: Sendable {
    case halves(MappedArray<UInt16>)
    case bytes(MappedArray<UInt8>, scales: MappedArray<Float>, zeros: MappedArray<Int32>)
    /// Codebooks `[subspaces][256][dimension / subspaces]`.
    case codes(MappedArray<UInt8>, codebooks: MappedArray<Float>, subspaces: Int)

    init(_ file: SectionFile, _ header: MultiVectorHeader) throws {
        // Tokens are at most 2⁴⁰, strides 2¹⁷: far below overflow.
        let elements = header.tokens * header.codec.stride(dimension: header.dimension)
        switch header.codec {
        case .bfloat16: self = .halves(try file.array("tokens", count: elements))
        case .int8:
            self = .bytes(
                try file.array("tokens", count: elements), scales: try file.array("scales", count: header.tokens),
                zeros: try file.array("zeros", count: header.tokens))
        case .residual, .product:
            // Without tokens there was nothing to train.
            let codebooks: MappedArray<Float> = header.centroids == 0
                ? try file.array("tokens", count: 0) : try file.array("codebooks", count: 256 * header.dimension)
            self = .codes(
                try file.array("tokens", count: elements), codebooks: codebooks,
                subspaces: header.codec.stride(dimension: header.dimension))
        }
    }

    /// What a token stands for.
    func vector(_ token: Int, dimension: Int, coarse: CoarseTokens?) -> [Float] {
        switch self {
        case .halves(let all):
            let start = token * (dimension + dimension % 2)
            return (start..<(start + dimension)).map { Float(bitPattern: UInt32(all[$0]) << 16) }
        case .bytes(let all, let scales, let zeros):
            let start = token * ((dimension + 3) / 4 * 4)
            // Zeros of a broken file may be any integers.
            return (start..<(start + dimension)).map { scales[token] * Float(Int(all[$0]) - Int(zeros[token])) }
        case .codes(let all, let codebooks, let subspaces):
            guard let coarse else { return [] }
            let (width, centroid) = (dimension / subspaces, Int(coarse.assignments[token]))
            return (0..<dimension).map { index in
                let (subspace, place) = index.quotientAndRemainder(dividingBy: width)
                let code = Int(all[token * subspaces + subspace])
                return coarse.centroids[centroid * dimension + index]
                    + codebooks[(subspace * 256 + code) * width + place]
            }
        }
    }
}

/// Centroids, the nearest of each token, and the documents of each.
struct CoarseTokens: Sendable {
    let assignments: MappedArray<UInt32>
    let centroids: MappedArray<Float>
    let ends: MappedArray<UInt64>
    let lists: MappedArray<UInt32>

    init(_ file: SectionFile, _ header: MultiVectorHeader) throws {
        assignments = try file.array("assignments", count: header.tokens)
        centroids = try file.array("centroids", count: header.centroids * header.dimension)
        ends = try file.array("ends", count: header.centroids)
        lists = try file.array("lists")
    }

    /// Where a centroid's documents stand in `lists`.
    ///
    /// - Throws: `corrupt` when that is outside.
    func list(of centroid: Int, path: String) throws -> Range<Int> {
        let start = centroid == 0 ? 0 : ends[centroid - 1], end = ends[centroid]
        guard start <= end, end <= UInt64(lists.count) else { throw StorageError.altered("a centroid's list", of: path) }
        return Int(start)..<Int(end)
    }
}
