import AttarStorage
import AttarTensor
import AttarText

/// A language model of the Llama family for inference: text in, next-token logits, states and text out.
///
/// ```swift
/// let decoder = try TextDecoder(path: "models/smollm2")
/// let generator = TextGenerator(decoder)
/// print(try generator.generate(decoder.prompt(for: [.user("What is attar?")])).text)
/// ```
/// Reads a GGUF file, a folder that holds one, or a Hugging Face folder. The weights are shared by all contexts.
public final class TextDecoder: Sendable {
    /// The shape of the network.
    public let configuration: DecoderConfiguration
    /// The tokenizer, of bytes.
    public let tokenizer: SubwordTokenizer
    /// How conversations are written down; nil when the model has no template, or one that is not known.
    public let chatTemplate: ChatTemplate?
    /// The tokens that end a text.
    public let endIDs: Set<Int32>
    /// How the weights are held.
    public let precision: Precision
    /// A name for people.
    public let name: String
    /// The files that decide what the model says.
    public let files: [String]
    private let templateProblem: ModelError?
    let weights: DecoderWeights

    /// Loads a model.
    ///
    /// - Parameter precision: how weights are held; nil for `int8` when the file holds blocks, `float32` otherwise.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    /// - Complexity: O(weights); all are read and packed.
    public init(path: String, precision: Precision? = nil) throws {
        let source = try DecoderSource(path: path)
        configuration = source.configuration
        tokenizer = source.tokenizer
        endIDs = source.endIDs
        name = source.name
        files = source.files
        self.precision = precision ?? (source.weights.holdsBlocks ? .int8 : .float32)
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw ModelError.mismatch(
                file: path,
                detail: "the tokenizer has ids up to \(tokenizer.vocabularySize - 1), but the model has vectors for "
                    + "\(configuration.vocabularySize) tokens. Weights and tokenizer are of two models.")
        }
        do {
            chatTemplate = try source.template.map { try ChatTemplate($0, path: path) }
            templateProblem = nil
        } catch let error as ModelError {
            (chatTemplate, templateProblem) = (nil, error)
        }
        weights = try DecoderWeights(source.weights, configuration, precision: self.precision)
    }

    /// The tokens of a conversation in the model's own form, ending where the assistant is to speak.
    ///
    /// Special tokens in what people say are plain text.
    ///
    /// - Throws: `ModelError.unsupported` when the model has no template, or one that is not known.
    public func prompt(for messages: [ChatMessage]) throws -> [Int32] {
        guard let chatTemplate else {
            throw templateProblem
                ?? ModelError.unsupported(
                    folder: name, detail: "it has no chat template. Give the whole prompt yourself, with --raw.")
        }
        return try chatTemplate.ids(of: messages, tokenizer: tokenizer)
    }

    /// The tokens of a prompt given as it is: special tokens in it are recognised, and the model's own beginning of text is
    /// put before it unless it stands there.
    public func prompt(raw text: String) -> [Int32] {
        let ids = tokenizer.encode(text, addSpecialTokens: false)
        let whole = tokenizer.encode(text)
        return whole.count == ids.count + 1 && ids.first == whole.first ? ids : whole
    }

    /// SHA-256, in hexadecimal, over everything that decides what the model says.
    ///
    /// - Throws: `StorageError`.
    /// - Complexity: O(bytes of the files), about a second for 2 GB.
    public func fingerprint() throws -> String {
        let hasher = SHA256Hasher()
        hasher.update(Array("attar decoder 1 \(precision.rawValue)\n".utf8))
        for file in files { hasher.update(Array((try SHA256Digest.hex(ofFile: file) + "\n").utf8)) }
        return hasher.finish().hex
    }
}
