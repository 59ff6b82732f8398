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
    /// How texts become its tokens.
    public let prompts: DecoderPrompts
    /// How the weights are held.
    public let precision: Precision
    /// The files that decide what the model says.
    public let files: [String]
    let weights: DecoderWeights
    /// What was put upon the model.
    public let adapter: DecoderAdapter?

    /// Loads a model.
    ///
    /// - Parameters:
    ///   - precision: how weights are held; nil for `int8` when the file holds blocks, `float32` otherwise.
    ///   - adapter: a folder with low-rank changes in the form of PEFT. They are added to weights that are held as
    ///     `float32`, and computed beside others, whose rounding would swallow a part of them.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    /// - Complexity: O(weights); all are read and packed.
    public convenience init(path: String, precision: Precision? = nil, adapter: String? = nil) throws {
        let source = try DecoderSource(path: path)
        try self.init(
            source, path: path, precision: precision,
            adapter: adapter.map { try DecoderAdapter(folder: $0, for: source.configuration) })
    }

    /// Loads a model with low-rank changes that are at hand, such as those of a `TrainableDecoder`.
    ///
    /// - Throws: as above; `ModelError.mismatch` when the changes are for another model.
    public convenience init(path: String, precision: Precision? = nil, adapter: DecoderAdapter) throws {
        try self.init(DecoderSource(path: path), path: path, precision: precision, adapter: adapter)
    }

    private init(_ source: DecoderSource, path: String, precision: Precision?, adapter: DecoderAdapter?) throws {
        configuration = source.configuration
        prompts = try DecoderPrompts(source, path: path)
        files = source.files + (adapter?.files ?? [])
        self.precision = precision ?? (source.weights.holdsBlocks ? .int8 : .float32)
        self.adapter = adapter
        try adapter?.check(configuration, model: path)
        weights = try DecoderWeights(source.weights, configuration, precision: self.precision, adapter: adapter)
    }

    /// A name for people.
    public var name: String { prompts.name }
    /// The tokenizer, of bytes.
    public var tokenizer: SubwordTokenizer { prompts.tokenizer }
    /// How conversations are written down; nil when the model has no template, or one that is not known.
    public var chatTemplate: ChatTemplate? { prompts.chatTemplate }
    /// The tokens that end a text.
    public var endIDs: Set<Int32> { prompts.endIDs }

    /// The tokens of a conversation: see `DecoderPrompts`.
    ///
    /// - Throws: `ModelError.unsupported` when the model has no template, or one that is not known.
    public func prompt(for messages: [ChatMessage]) throws -> [Int32] { try prompts.prompt(for: messages) }

    /// The tokens of a prompt given as it is: see `DecoderPrompts`.
    public func prompt(raw text: String) -> [Int32] { prompts.prompt(raw: text) }

    /// SHA-256, in hexadecimal, over everything that decides what the model says.
    ///
    /// - Throws: `StorageError`.
    /// - Complexity: O(bytes of the files), about a second for 2 GB.
    public func fingerprint() throws -> String {
        let hasher = SHA256Hasher()
        hasher.update(Array("attar decoder 1 \(precision.rawValue)\n".utf8))
        for file in files { hasher.update(Array((try SHA256Digest.hex(ofFile: file) + "\n").utf8)) }
        if let adapter, adapter.files.isEmpty { adapter.hash(into: hasher) }
        return hasher.finish().hex
    }
}
