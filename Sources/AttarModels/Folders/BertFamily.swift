/// BERT and its kin: encoders that differ in the names of their weights, in how positions are counted, and in what
/// attention adds to its scores.
public enum BertFamily: String, Sendable {
    /// Devlin et al. 2019: positions from 0, two segments.
    case bert
    /// RoBERTa (Liu et al. 2019), XLM-R and CamemBERT: positions count on from the padding token's id.
    case roberta
    /// MPNet (Song et al. 2020): as RoBERTa, without segments, and with a bias for relative positions.
    case mpnet

    /// The family of a `model_type`; nil when it is no kin.
    init?(modelType: String) {
        switch modelType {
        case "bert": self = .bert
        case "roberta", "xlm-roberta", "camembert": self = .roberta
        case "mpnet": self = .mpnet
        default: return nil
        }
    }

    /// The `model_type`s that can be run, for messages.
    static let modelTypes = "bert, roberta, xlm-roberta, camembert and mpnet"

    /// Rows of the position table before the first text position, given the padding token's id.
    func positionOffset(padID: Int) -> Int { self == .bert ? 0 : padID + 1 }

    /// What may stand before the names of weights.
    var prefixes: [String] {
        switch self {
        case .bert: ["", "bert."]
        case .roberta: ["", "roberta."]
        case .mpnet: ["", "mpnet."]
        }
    }

    /// The names of a layer's attention weights, after the layer's own name.
    var attentionNames: (inputs: [String], output: String, norm: String) {
        switch self {
        case .bert, .roberta:
            (
                ["query", "key", "value"].map { "attention.self." + $0 }, "attention.output.dense",
                "attention.output.LayerNorm"
            )
        case .mpnet: (["q", "k", "v"].map { "attention.attn." + $0 }, "attention.attn.o", "attention.LayerNorm")
        }
    }
}
