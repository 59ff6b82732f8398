import AttarStorage
import AttarTensor

/// What is worth knowing of a decoder, without loading its weights.
public struct DecoderDescription: Encodable, Sendable {
    /// The name that its file gives it.
    public let name: String
    /// The file or folder.
    public let path: String
    /// The family: "llama", "qwen2".
    public let architecture: String
    /// The number of layers.
    public let layers: Int
    /// The width of a token's state.
    public let hiddenSize: Int
    /// The query heads, and the heads of keys and values.
    public let heads: Int
    public let keyValueHeads: Int
    /// The most tokens of a sequence.
    public let positions: Int
    /// The rows of the token table.
    public let vocabularySize: Int
    /// The types of its matrices, by how many have them, most frequent first.
    public let types: [String]
    /// How conversations are written down, or why they cannot be.
    public let chat: String

    /// Describes a decoder; nil when the path holds another kind of model.
    ///
    /// - Throws: `ModelError`, `TensorError`, `TextError`, `StorageError` when it is a decoder that cannot be read.
    public init?(ifDecoderAt path: String) throws {
        let file = try DecoderSource.ggufFile(at: path)
        if file == nil {
            let configuration = try ConfigurationFile(ifPresent: path + "/config.json")
            let type = try configuration?.text("model_type") ?? ""
            guard DecoderConfiguration.Architecture(rawValue: type) != nil else { return nil }
        }
        let source = try DecoderSource(path: path)
        let shape = source.configuration
        name = source.name
        self.path = file ?? path
        architecture = shape.architecture.rawValue
        (layers, hiddenSize, heads, keyValueHeads) = (shape.layers, shape.hiddenSize, shape.heads, shape.keyValueHeads)
        (positions, vocabularySize) = (shape.positions, shape.vocabularySize)
        types = source.weights.types
        chat = Self.chat(source.template, path)
    }

    private static func chat(_ template: String?, _ path: String) -> String {
        guard let template else { return "none; give prompts with --raw" }
        switch try? ChatTemplate(template, path: path).family {
        case .chatML(let system)?: return "ChatML" + (system.map { ", by default \"\($0)\"" } ?? "")
        case .llama3?: return "Llama 3"
        case nil: return "not known; give prompts with --raw"
        }
    }

    /// The facts as rows of a table.
    public var rows: [[String]] {
        [
            ["name", name], ["model", path], ["kind", "\(architecture) decoder, \(layers) layers x \(hiddenSize)"],
            ["heads", "\(heads), with \(keyValueHeads) of keys and values"], ["reads", "\(positions) tokens"],
            ["vocabulary", "\(vocabularySize) tokens"], ["weights", types.joined(separator: ", ")], ["chat", chat],
        ]
    }
}

extension DecoderWeightFile {
    /// The types of the matrices, most frequent first.
    fileprivate var types: [String] {
        let names: [String]
        switch self {
        case .gguf(let file): names = file.entries.values.filter { $0.shape.count == 2 }.map(\.type.name)
        case .safetensors(let files, _):
            names = files.compactMap { name, file in
                file.entries[name].flatMap { $0.shape.count == 2 ? $0.type.rawValue : nil }
            }
        }
        let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }
}
