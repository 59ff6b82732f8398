import AttarStorage
import AttarTensor
import AttarText
import CAttarKernels

/// A model that turns text into one vector for each token: what MaxSim compares (Khattab & Zaharia, "ColBERT", 2020).
///
///     let minilm = try BertEncoder(path: "models/minilm")
///     let wide = LateInteractionEncoder(minilm)
///     let encoder = LateInteractionEncoder(minilm, projection: try wide.projection(to: 128, from: sampleOfTexts))
///     let tokens = try encoder.encode(["a text"], role: .passage)[0]   // [tokens, 128]
///
/// The vectors are the last layer's states, projected when a projection is given, then of length 1. Special tokens and
/// those that are only punctuation have none: as ColBERT leaves out punctuation in documents; queries are treated
/// alike, because the model was not trained to give these tokens a meaning.
public final class LateInteractionEncoder: Sendable {
    /// What makes the states.
    public let encoder: BertEncoder
    /// `[dimension, hidden]`: a token's vector is `projection · state`; nil for the states themselves.
    public let projection: Matrix?
    /// Tokens without a vector.
    private let skipped: Set<Int32>

    /// An encoder over a model's token states.
    ///
    /// - Precondition: the projection is as wide as the states.
    public init(_ encoder: BertEncoder, projection: Matrix? = nil) {
        let hidden = encoder.configuration.hiddenSize
        precondition(
            projection.map { $0.columns == hidden } ?? true, "a projection of \(projection?.columns ?? 0) numbers")
        self.encoder = encoder
        self.projection = projection
        let tokenizer = encoder.tokenizer
        let marks = (0..<Int32(tokenizer.vocabularySize)).filter { id in
            tokenizer.token(for: id).map { !$0.isEmpty && $0.allSatisfy { $0.isPunctuation || $0.isSymbol } } ?? false
        }
        // A word that the vocabulary cannot spell is a word all the same.
        skipped = Set(tokenizer.specialIDs.filter { $0 != tokenizer.unknownID } + marks)
    }

    /// The length of a token's vector.
    public var dimension: Int { projection?.rows ?? encoder.configuration.hiddenSize }

    /// Who makes the vectors.
    ///
    /// - Complexity: that of the encoder's fingerprint when it is first asked for.
    public var fingerprint: EncoderFingerprint {
        let own = encoder.fingerprint
        let matrix = projection.map { $0.values.withUnsafeBytes { SHA256Digest(of: Array($0)).hex } } ?? "none"
        return EncoderFingerprint(
            id: SHA256Digest.hex(of: "tokens without punctuation\n\(own.id)\n\(matrix)\n"), name: own.name + " tokens",
            dimension: dimension)
    }

    /// The vectors of the texts' tokens, in the order of `texts`: `[tokens, dimension]`, of length 1; perhaps no
    /// tokens.
    ///
    /// - Throws: `ModelError.badOption` for a maximum length below 3.
    /// - Complexity: as `BertEncoder.tokenStates`.
    public func encode(
        _ texts: [String], role: TextRole, options: EncodingOptions = EncodingOptions()
    ) throws -> [Matrix] {
        try encoder.tokenStates(texts, role: role, options: options).map(vectors)
    }

    /// A projection onto the directions in which the states of some texts' tokens vary most: as much of the inner
    /// products as so few numbers can keep.
    ///
    /// - Returns: `[dimension, hidden]`, orthonormal rows.
    /// - Complexity: O(tokens · hidden²).
    public func projection(
        to dimension: Int, from texts: [String], options: EncodingOptions = EncodingOptions()
    ) throws -> Matrix {
        let wide = LateInteractionEncoder(encoder)
        var values: [Float] = []
        for tokens in try wide.encode(texts, role: .passage, options: options) { values += tokens.values }
        let hidden = encoder.configuration.hiddenSize
        return PrincipalComponents.directions(
            of: Matrix(rows: values.count / hidden, columns: hidden, values: values), count: dimension)
    }

    private func vectors(_ states: TokenStates) -> Matrix {
        let kept = states.states.gathered(states.ids.indices.filter { !skipped.contains(states.ids[$0]) })
        var vectors = projection.map { Self.product(kept, $0) } ?? kept
        vectors.values.withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            attar_normalize_rows_f32(start, kept.rows, dimension, 1e-12, start, nil)
        }
        return vectors
    }

    /// `tokens · projectionᵀ`
    private static func product(_ tokens: Matrix, _ projection: Matrix) -> Matrix {
        var product = Matrix(rows: tokens.rows, columns: projection.rows)
        tokens.values.withUnsafeBufferPointer { tokenValues in
            product.values.withUnsafeMutableBufferPointer { target in
                guard let start = tokenValues.baseAddress, let target = target.baseAddress else { return }
                for row in 0..<tokens.rows {
                    attar_dot_f32(
                        start + row * tokens.columns, projection.values, tokens.columns, nil, projection.rows,
                        tokens.columns, target + row * projection.rows)
                }
            }
        }
        return product
    }
}
