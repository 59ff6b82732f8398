import AttarTensor

/// Which linear layers of a decoder get a low-rank change, and of what size (LoRA, Hu et al. 2022). Names and rules are
/// those of PEFT's `LoraConfig`.
public struct LowRankConfiguration: Sendable, Equatable {
    /// The width between the two matrices of a change, r.
    public var rank: Int
    /// α: a change counts `α / rank` times, or `α / √rank` times with `usesRootOfRank`.
    public var alpha: Double
    /// How much of a layer's input the change does not see in training.
    public var dropout: Double
    /// The layers: each is a name, or the end of names behind a dot. `q_proj` is the query matrix of every layer,
    /// `layers.3.self_attn.q_proj` that of the fourth.
    public var targets: [String]
    /// The numbers of the layers that are changed at all, from 0; nil for all.
    public var layers: [Int]?
    /// Whether α is divided by the root of the rank (Kalajdzievski 2023), which keeps high ranks learning.
    public var usesRootOfRank: Bool

    /// Queries and values: what the paper changes, and PEFT by default.
    public static let queriesAndValues = ["q_proj", "v_proj"]
    /// Every matrix of attention and feed-forward part.
    public static let allLinear = DecoderWeightFile.Part.matrices.map(\.moduleName)

    /// A configuration; the defaults are PEFT's.
    public init(
        rank: Int = 8, alpha: Double = 8, dropout: Double = 0, targets: [String] = queriesAndValues,
        layers: [Int]? = nil, usesRootOfRank: Bool = false
    ) {
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.targets = targets
        self.layers = layers
        self.usesRootOfRank = usesRootOfRank
    }

    /// What the product of the two matrices is multiplied by.
    public var scale: Float {
        Float(alpha / (usesRootOfRank ? Double(rank).squareRoot() : Double(rank)))
    }

    /// Far more than anybody uses; the work areas of inference are made for it.
    static let maximumRank = 4096

    /// The matrices of a decoder that are changed, in the order of layers.
    ///
    /// - Throws: `ModelError.badConfiguration` for numbers without sense, for a target that the decoder does not have,
    ///   and when nothing is left to change. `file` is named.
    func places(in shape: DecoderConfiguration, file: String) throws -> [DecoderMatrix] {
        func bad(_ detail: String) -> ModelError { .badConfiguration(file: file, detail: detail) }
        guard (1...Self.maximumRank).contains(rank) else {
            throw bad("its rank is \(rank); 1 to \(Self.maximumRank) was expected.")
        }
        guard alpha.isFinite, (0..<1).contains(dropout) else {
            throw bad("an alpha of \(alpha) and a dropout of \(dropout); a number, and one from 0 to below 1 were expected.")
        }
        let all = shape.matrices
        for target in targets where !all.contains(where: { $0.isNamed(target) }) {
            throw bad(
                "it changes \"\(target)\", which this decoder has not, or not as a matrix that can be changed: "
                    + "\(Self.allLinear.joined(separator: ", ")).")
        }
        for layer in layers ?? [] where !(0..<shape.layers).contains(layer) {
            throw bad("it changes layer \(layer); this decoder has the layers 0 to \(shape.layers - 1).")
        }
        let places = all.filter { place in
            targets.contains { place.isNamed($0) } && (layers?.contains(place.layer) ?? true)
        }
        guard !places.isEmpty else { throw bad("it changes no matrix of this decoder.") }
        return places
    }
}

/// A matrix of a decoder's layers, by its place and by the name that Hugging Face gives it.
struct DecoderMatrix: Hashable, Sendable {
    let layer: Int
    let part: DecoderWeightFile.Part
    /// `[outputs, inputs]`.
    let outputs: Int
    let inputs: Int

    /// Such as `model.layers.0.self_attn.q_proj`.
    var name: String { "model.layers.\(layer).\(part.folderName)" }

    /// Whether a target of an adapter means this matrix: its name, or the end of it behind a dot.
    func isNamed(_ target: String) -> Bool { name == target || name.hasSuffix("." + target) }
}

extension DecoderWeightFile.Part {
    /// The parts that are matrices.
    static let matrices: [DecoderWeightFile.Part] = [
        .query, .key, .value, .attentionOutput, .gate, .up, .down,
    ]

    /// The last part of the name, such as `q_proj`.
    var moduleName: String { folderName.split(separator: ".").last.map(String.init) ?? folderName }
}

extension DecoderConfiguration {
    /// A matrix of a layer, with its shape.
    func matrix(_ layer: Int, _ part: DecoderWeightFile.Part) -> DecoderMatrix {
        let (outputs, inputs) =
            switch part {
            case .query: (queryWidth, hiddenSize)
            case .key, .value: (keyValueWidth, hiddenSize)
            case .attentionOutput: (hiddenSize, queryWidth)
            case .gate, .up: (intermediateSize, hiddenSize)
            case .down: (hiddenSize, intermediateSize)
            case .attentionNorm, .feedForwardNorm: (1, hiddenSize)
            }
        return DecoderMatrix(layer: layer, part: part, outputs: outputs, inputs: inputs)
    }

    /// The matrices of all layers, in their order.
    var matrices: [DecoderMatrix] {
        (0..<layers).flatMap { layer in DecoderWeightFile.Part.matrices.map { matrix(layer, $0) } }
    }
}
