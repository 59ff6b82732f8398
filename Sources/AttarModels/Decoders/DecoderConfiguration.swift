import AttarTensor

/// The shape of a decoder of the Llama family (Touvron et al. 2023), as its file or folder states it.
public struct DecoderConfiguration: Sendable, Equatable {
    /// The families that can be run. Both are the same network; Qwen2 adds biases to queries, keys and values.
    public enum Architecture: String, Sendable {
        case llama, qwen2
    }

    /// The family.
    public var architecture: Architecture
    /// The width of a token's state.
    public var hiddenSize: Int
    /// The number of layers.
    public var layers: Int
    /// The query heads of a layer.
    public var heads: Int
    /// The heads of keys and values; each serves `heads / keyValueHeads` query heads (Ainslie et al. 2023).
    public var keyValueHeads: Int
    /// The width of a head.
    public var headSize: Int
    /// The width between the products of the feed-forward part.
    public var intermediateSize: Int
    /// The rows of the token table.
    public var vocabularySize: Int
    /// The most tokens of a sequence.
    public var positions: Int
    /// The epsilon of every normalisation.
    public var epsilon: Float
    /// The angles by which positions turn queries and keys.
    public var rotary: RotaryConfiguration
    /// Whether queries, keys and values have biases.
    public var hasAttentionBias: Bool
    /// Whether the token table is the output matrix too.
    public var tiesOutput: Bool

    /// The query heads that share one head of keys and values.
    public var group: Int { heads / keyValueHeads }
    /// The width of all query heads.
    public var queryWidth: Int { heads * headSize }
    /// The width of all heads of keys, and of values.
    public var keyValueWidth: Int { keyValueHeads * headSize }

    /// Far more than any decoder of these families has.
    private static let maximumLayers = 1024
    private static let maximumHeadSize = 1024
    /// 2²⁸: tables are made for widths before the weights are seen.
    private static let maximumWidth = 1 << 28

    /// Refuses shapes that contradict themselves.
    ///
    /// - Throws: `ModelError.badConfiguration`.
    func check(file: String) throws {
        func require(_ condition: Bool, _ detail: @autoclosure () -> String) throws {
            if !condition { throw ModelError.badConfiguration(file: file, detail: detail()) }
        }
        for (name, value) in [
            ("hidden size", hiddenSize), ("layers", layers), ("attention heads", heads), ("key-value heads", keyValueHeads),
            ("head size", headSize), ("feed-forward size", intermediateSize), ("vocabulary", vocabularySize),
            ("positions", positions),
        ] {
            try require((1...Self.maximumWidth).contains(value), "its number of \(name) is \(value).")
        }
        try require(layers <= Self.maximumLayers, "it has \(layers) layers; at most \(Self.maximumLayers) can be run.")
        try require(
            headSize % 2 == 0 && headSize <= Self.maximumHeadSize,
            "a head of \(headSize) numbers; an even number up to \(Self.maximumHeadSize) was expected.")
        try require(
            heads % keyValueHeads == 0,
            "\(heads) attention heads cannot share \(keyValueHeads) heads of keys and values evenly.")
        try require(
            heads <= Self.maximumWidth / headSize, "\(heads) heads of \(headSize) numbers are more than can be run.")
        try require((0...1).contains(epsilon), "its epsilon is \(epsilon); a number from 0 to 1 was expected.")
        try rotary.check(file: file)
    }
}
