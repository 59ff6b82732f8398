import AttarText
import Foundation

/// The shape of an encoder of the BERT family, as its `config.json` states it.
public struct BertConfiguration: Sendable, Equatable {
    /// The function between the two products of the feed-forward part.
    public enum Activation: String, Sendable {
        /// x Φ(x), exactly.
        case gelu
        /// The tanh approximation of GELU.
        case geluTanh = "gelu_new"
        /// The larger of x and 0.
        case relu
    }

    /// The width of a token's state.
    public var hiddenSize: Int
    /// The number of layers.
    public var layers: Int
    /// The attention heads of a layer; each is `hiddenSize / heads` wide.
    public var heads: Int
    /// The width between the two products of the feed-forward part.
    public var intermediateSize: Int
    /// The rows of the token table.
    public var vocabularySize: Int
    /// The longest text in tokens: the rows of the position table, without those that no text uses.
    public var positions: Int
    /// The rows of the segment table; texts use the first, the second half of a pair uses the second.
    public var segments: Int
    /// The activation of the feed-forward part.
    public var activation: Activation
    /// The epsilon of every layer normalisation.
    public var epsilon: Float
    /// The id that fills batches in other programs; Attar pads nothing, but some families count positions from it.
    public var padID: Int
    /// Which of its kin this is.
    public var family: BertFamily
    /// Kinds of distance that the bias of relative positions tells apart; 0 without one.
    public var relativeBuckets: Int

    /// A configuration; the defaults are BERT's.
    public init(
        hiddenSize: Int, layers: Int, heads: Int, intermediateSize: Int, vocabularySize: Int, positions: Int = 512,
        segments: Int = 2, activation: Activation = .gelu, epsilon: Float = 1e-12, padID: Int = 0,
        family: BertFamily = .bert, relativeBuckets: Int = 0
    ) {
        precondition(hiddenSize % heads == 0, "a width of \(hiddenSize) cannot be divided among \(heads) heads")
        self.hiddenSize = hiddenSize
        self.layers = layers
        self.heads = heads
        self.intermediateSize = intermediateSize
        self.vocabularySize = vocabularySize
        self.positions = positions
        self.segments = segments
        self.activation = activation
        self.epsilon = epsilon
        self.padID = padID
        self.family = family
        self.relativeBuckets = relativeBuckets
    }

    /// The width of a head.
    public var headSize: Int { hiddenSize / heads }

    /// Reads a `config.json`.
    ///
    /// - Throws: `StorageError`; `ModelError.unsupported` for any other architecture, `badConfiguration` for nonsense.
    public init(path: String) throws {
        let file = try ConfigurationFile(path)
        let family = try Self.family(file)
        let hidden = try file.count("hidden_size")
        let heads = try file.count("num_attention_heads")
        guard hidden % heads == 0 else {
            throw file.bad("hidden_size", "\(hidden) cannot be divided among \(heads) attention heads")
        }
        let layers = try file.count("num_hidden_layers")
        // Room is made for all layers before the first one is looked for in the weights.
        guard layers <= Self.maximumLayers else {
            throw file.bad("num_hidden_layers", "\(layers) layers; at most \(Self.maximumLayers) can be run")
        }
        let padID = try Self.padID(file, family)
        self.init(
            hiddenSize: hidden, layers: layers, heads: heads,
            intermediateSize: try file.count("intermediate_size"), vocabularySize: try file.count("vocab_size"),
            positions: try Self.positions(file, offset: family.positionOffset(padID: padID)),
            segments: try Self.segments(file, family), activation: try Self.activation(file),
            epsilon: try Self.epsilon(file), padID: padID, family: family,
            relativeBuckets: family == .mpnet ? try Self.relativeBuckets(file) : 0)
    }

    /// Far more than any encoder has.
    private static let maximumLayers = 1024

    /// Below 0 a norm has no root, and above 1 nothing of the vector is left.
    private static func epsilon(_ file: ConfigurationFile) throws -> Float {
        let key = "layer_norm_eps"
        let epsilon = try file.number(key, default: 1e-12)
        guard (0...1).contains(epsilon) else { throw file.bad(key, "a number from 0 to 1 was expected") }
        return Float(epsilon)
    }

    private static func family(_ file: ConfigurationFile) throws -> BertFamily {
        let type = try file.text("model_type") ?? "(none)"
        guard let family = BertFamily(modelType: type) else {
            throw ModelError.unsupported(
                folder: file.path,
                detail: "its model_type is \"\(type)\"; encoders of the types \(BertFamily.modelTypes) can be run.")
        }
        let position = try file.text("position_embedding_type") ?? "absolute"
        guard position == "absolute", try !file.flag("is_decoder", default: false) else {
            throw ModelError.unsupported(
                folder: file.path,
                detail: "position embeddings of the kind \"\(position)\", or a decoder; "
                    + "BERT encoders with absolute positions can be run.")
        }
        return family
    }

    private static func padID(_ file: ConfigurationFile, _ family: BertFamily) throws -> Int {
        let key = "pad_token_id"
        guard let padID = file.value[key]?.integer, padID >= 0 else { return family == .bert ? 0 : 1 }
        guard padID < TokenizerFile.maximumID else { throw file.bad(key, "\(padID) is no token id") }
        return padID
    }

    /// What is left of the position table for texts; some room must be.
    private static func positions(_ file: ConfigurationFile, offset: Int) throws -> Int {
        let key = "max_position_embeddings"
        let rows = try file.count(key, default: 512)
        guard rows > offset, offset >= 0 else {
            throw file.bad(key, "\(rows) positions, of which the padding token's id leaves none for texts")
        }
        return rows - offset
    }

    private static func segments(_ file: ConfigurationFile, _ family: BertFamily) throws -> Int {
        family == .mpnet ? 0 : try file.count("type_vocab_size", default: 2)
    }

    private static func relativeBuckets(_ file: ConfigurationFile) throws -> Int {
        let key = "relative_attention_num_buckets"
        let buckets = try file.count(key, default: 32)
        guard buckets.isMultiple(of: 4), buckets <= 1024 else {
            throw file.bad(key, "a multiple of 4 up to 1024 was expected")
        }
        return buckets
    }

    private static func activation(_ file: ConfigurationFile) throws -> Activation {
        let name = try file.text("hidden_act") ?? "gelu"
        switch name {
        case "gelu", "gelu_python": return .gelu
        case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
        case "relu": return .relu
        default:
            throw ModelError.unsupported(
                folder: file.path,
                detail: "the activation \"\(name)\" is not built in; \"gelu\", \"gelu_new\" and \"relu\" are.")
        }
    }

    /// The bytes of a `config.json` that other programs understand.
    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try Array(encoder.encode(HuggingFaceForm(self))) + [UInt8(ascii: "\n")]
    }
}

/// The names that the `transformers` library gives the fields.
private struct HuggingFaceForm: Encodable {
    var architectures = ["BertModel"]
    var model_type = "bert"
    var attention_probs_dropout_prob = 0.1
    var hidden_dropout_prob = 0.1
    var initializer_range = 0.02
    var position_embedding_type = "absolute"
    var hidden_act: String
    var hidden_size: Int
    var intermediate_size: Int
    var layer_norm_eps: Double
    var max_position_embeddings: Int
    var num_attention_heads: Int
    var num_hidden_layers: Int
    var pad_token_id: Int
    var type_vocab_size: Int
    var vocab_size: Int

    init(_ configuration: BertConfiguration) {
        hidden_act = configuration.activation.rawValue
        hidden_size = configuration.hiddenSize
        intermediate_size = configuration.intermediateSize
        layer_norm_eps = Double("\(configuration.epsilon)") ?? Double(configuration.epsilon)
        max_position_embeddings = configuration.positions
        num_attention_heads = configuration.heads
        num_hidden_layers = configuration.layers
        pad_token_id = configuration.padID
        type_vocab_size = configuration.segments
        vocab_size = configuration.vocabularySize
    }
}
