import CAttarKernels

/// The tokens of a query, packed once for MaxSim (Khattab & Zaharia, "ColBERT", 2020) with those of many documents.
///
/// ```swift
/// let query = LateInteractionQuery(states, precision: .bf16)
/// query.scores(of: tokens, documents: candidates, into: scores)
/// ```
/// It must be used at the processor level at which it was made.
public final class LateInteractionQuery: @unchecked Sendable {
    /// In what documents' tokens are kept, and the query is packed. Sums are floats, with `int8` exact integers.
    public enum Precision: String, Codable, Sendable, CaseIterable {
        /// Floats, `[tokens][dimension]`.
        case fp32
        /// bfloat16, rows made even in length, as `attar_bf16_rows` writes them.
        case bf16
        /// Bytes with a scale and a zero for each token, as `attar_quantize_rows_u8` writes them.
        case int8
    }

    /// The number of the query's tokens.
    public let tokens: Int
    /// The numbers of a token.
    public let dimension: Int
    /// What documents must be kept in.
    public let precision: Precision
    private let packed: UnsafeMutableRawPointer

    /// Packs a query.
    ///
    /// - Parameter query: `[query tokens, dimension]`.
    public init(_ query: Matrix, precision: Precision) {
        (tokens, dimension) = (query.rows, query.columns)
        self.precision = precision
        let bytes =
            switch precision {
            case .fp32: 4 * attar_pack_f32_size(tokens, dimension)
            case .bf16: 2 * attar_pack_bf16_size(tokens, dimension)
            case .int8: attar_pack_i8_size(tokens, dimension)
            }
        packed = .allocate(byteCount: max(bytes, 1), alignment: 64)
        switch precision {
        case .fp32: attar_pack_f32(query.values, dimension, tokens, dimension, false, floats)
        case .bf16: attar_pack_bf16(query.values, dimension, tokens, dimension, false, halves)
        case .int8: attar_pack_i8(query.values, dimension, tokens, dimension, codes)
        }
    }

    deinit { packed.deallocate() }

    private var floats: UnsafeMutablePointer<Float> { packed.assumingMemoryBound(to: Float.self) }
    private var halves: UnsafeMutablePointer<UInt16> { packed.assumingMemoryBound(to: UInt16.self) }
    private var codes: UnsafeMutablePointer<Int8> { packed.assumingMemoryBound(to: Int8.self) }

    /// The scores of documents, for an index whose tokens are in memory in this query's precision.
    ///
    /// - Parameters:
    ///   - tokens: All documents' tokens, with the offsets of each document.
    ///   - documents: The ordinals of the documents to be scored; nil: the first `scores.count`.
    ///   - scores: As many as `documents`.
    /// - Complexity: O(tokens of the documents · query tokens · dimension).
    public func scores(
        of tokens: attar_token_vectors, documents: UnsafeBufferPointer<UInt32>?,
        into scores: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(documents == nil || documents?.count == scores.count, "as many scores as documents are needed")
        var tokens = tokens
        let (rows, count, out) = (documents?.baseAddress, scores.count, scores.baseAddress)
        switch precision {
        case .fp32: attar_max_sim_f32(floats, self.tokens, dimension, &tokens, rows, count, out)
        case .bf16: attar_max_sim_bf16(halves, self.tokens, dimension, &tokens, rows, count, out)
        case .int8: attar_max_sim_u8(codes, self.tokens, dimension, &tokens, rows, count, out)
        }
    }

    /// The scores of documents whose tokens are floats, one document after another; they are rounded to this query's
    /// precision first.
    ///
    /// - Parameters:
    ///   - documents: `[all tokens, dimension]`.
    ///   - lengths: The number of tokens of each document.
    /// - Precondition: `lengths` adds up to `documents.rows`, and the dimensions are equal.
    public func scores(_ documents: Matrix, lengths: [Int]) -> [Float] {
        precondition(lengths.reduce(0, +) == documents.rows, "lengths for another number than \(documents.rows) tokens")
        precondition(
            documents.columns == dimension, "documents of \(documents.columns) numbers, a query of \(dimension)")
        let offsets = lengths.reduce(into: [UInt64(0)]) { $0.append(($0.last ?? 0) + UInt64($1)) }
        return [Float](unsafeUninitializedCapacity: lengths.count) { scores, count in
            let scores = UnsafeMutableBufferPointer(rebasing: scores[..<lengths.count])
            count = lengths.count
            scores.initialize(repeating: 0)
            RoundedTokens(documents, precision).withTokens(offsets) {
                self.scores(of: $0, documents: nil, into: scores)
            }
        }
    }
}

/// Tokens of documents in one of the precisions.
private struct RoundedTokens {
    private var floats: [Float] = []
    private var halves: [UInt16] = []
    private var bytes: [UInt8] = []
    private var scales: [Float] = []
    private var zeros: [Int32] = []
    private let stride: Int

    init(_ tokens: Matrix, _ precision: LateInteractionQuery.Precision) {
        let (rows, columns) = (tokens.rows, tokens.columns)
        switch precision {
        case .fp32:
            stride = columns
            floats = tokens.values
        case .bf16:
            stride = columns + columns % 2
            halves = Array(repeating: 0, count: rows * stride)
            attar_bf16_rows(tokens.values, columns, rows, columns, &halves, stride)
        case .int8:
            stride = (columns + 3) / 4 * 4
            bytes = Array(repeating: 0, count: rows * stride)
            scales = Array(repeating: 0, count: rows)
            zeros = Array(repeating: 0, count: rows)
            attar_quantize_rows_u8(tokens.values, columns, rows, columns, &bytes, &scales, &zeros)
        }
    }

    /// Calls `body` with the tokens where they stand.
    func withTokens(_ offsets: [UInt64], _ body: (attar_token_vectors) -> Void) {
        let numbers = { (vectors: UnsafeRawBufferPointer) in
            offsets.withUnsafeBufferPointer { offsets in
                scales.withUnsafeBufferPointer { scales in
                    zeros.withUnsafeBufferPointer { zeros in
                        body(
                            attar_token_vectors(
                                vectors: vectors.baseAddress, stride: stride, offsets: offsets.baseAddress,
                                scales: scales.baseAddress, zeros: zeros.baseAddress))
                    }
                }
            }
        }
        if !halves.isEmpty {
            halves.withUnsafeBytes(numbers)
        } else if !bytes.isEmpty {
            bytes.withUnsafeBytes(numbers)
        } else {
            floats.withUnsafeBytes(numbers)
        }
    }
}
