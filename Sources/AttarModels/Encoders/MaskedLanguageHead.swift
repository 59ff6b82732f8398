import AttarTensor
import CAttarKernels

/// The head that predicts tokens from states (Devlin et al. 2019, section 3.1): dense, activation, layer normalisation,
/// and a product with the word vectors themselves, plus a bias.
struct MaskedLanguageHead: Sendable {
    /// Tokens of the vocabulary that are worked on at once, so that their weights and scores stay in the cache.
    static let panel = 512

    private let configuration: BertConfiguration
    private let precision: Precision
    private let transform: PackedLinear
    private let norm: BertWeights.LayerNorm
    /// `[panel, hidden]` each, the last one shorter.
    private let decoder: [PackedLinear]

    /// The height of the vocabulary.
    var vocabularySize: Int { configuration.vocabularySize }

    /// Reads the head's weights.
    ///
    /// - Throws: `TensorError` when the file holds no such head, or one of another shape.
    init(_ file: Safetensors, _ configuration: BertConfiguration, words: WordVectors, precision: Precision) throws {
        let names = Names(configuration.family)
        let reader = TensorReader(file: file, prefix: "", precision: precision)
        let (width, tokens) = (configuration.hiddenSize, configuration.vocabularySize)
        self.configuration = configuration
        self.precision = precision
        transform = try reader.linear(names.transform, width, width)
        norm = try reader.layerNorm(names.norm, width)
        let bias = try reader.floats(names.bias, [tokens])
        // Checkpoints that tie the decoder to the word vectors often leave it out.
        let vectors = file.entries[names.decoder] == nil ? words
            : try WordVectors(file, named: names.decoder, shape: [tokens, width], precision: precision)
        decoder = stride(from: 0, to: tokens, by: Self.panel).map { first in
            let part = first..<min(tokens, first + Self.panel)
            return vectors.layer(of: part, bias: Array(bias[part]))
        }
    }

    /// The names of the head's matrices that are held in the encoder's precision, as far as the file has them.
    static func matrixNames(_ file: Safetensors, _ family: BertFamily) -> [String] {
        let names = Names(family)
        return [names.transform + ".weight", names.decoder].filter { file.entries[$0] != nil }
    }

    /// The names of the head's weights.
    private struct Names {
        let transform: String
        let norm: String
        let bias: String
        let decoder: String

        init(_ family: BertFamily) {
            switch family {
            case .bert:
                transform = "cls.predictions.transform.dense"
                norm = "cls.predictions.transform.LayerNorm"
                bias = "cls.predictions.bias"
                decoder = "cls.predictions.decoder.weight"
            case .roberta, .mpnet:
                transform = "lm_head.dense"
                norm = "lm_head.layer_norm"
                bias = "lm_head.bias"
                decoder = "lm_head.decoder.weight"
            }
        }
    }

    /// Calls `body` with the logits of consecutive parts of the vocabulary: never more than a panel of them is stored.
    ///
    /// - Parameters:
    ///   - work: its states are what is read; its update and context are overwritten.
    ///   - body: is given the part's tokens, and `[rows, part]` logits.
    func forEachPanel(
        rows: Int, in work: BertWorkspace, _ body: (_ tokens: Range<Int>, _ logits: UnsafePointer<Float>) -> Void
    ) {
        let width = configuration.hiddenSize
        transform.apply(rows: rows, work.states.start, work.update.start, scratch: work.linear)
        configuration.activation.apply(work.update.start, rows * width, precision: precision)
        attar_layer_norm_f32(
            work.update.start, nil, norm.gamma.start, norm.beta.start, rows, width, configuration.epsilon, nil,
            work.context.start, nil, nil)
        let logits = FloatBuffer(count: rows * Self.panel)
        var first = 0
        for part in decoder {
            part.apply(rows: rows, work.context.start, logits.start, scratch: work.linear)
            body(first..<first + part.outputs, logits.start)
            first += part.outputs
        }
    }
}
