import AttarStorage
import AttarTensor
import AttarText

/// A model on disk: a sentence-transformers folder, or a plain Hugging Face folder.
///
/// A sentence-transformers folder lists its modules in `modules.json`. A folder without one, but with `config.json`,
/// `model.safetensors` and `tokenizer.json`, is read as sentence-transformers reads it: mean pooling, no normalisation.
/// Weights are read from safetensors only; pickled ones (`pytorch_model.bin`) are never opened.
public struct ModelFolder: Sendable {
    /// What turns tokens into states or vectors.
    public enum Backbone: Sendable, Equatable {
        /// A transformer, whose states are pooled.
        case bert(BertConfiguration, PoolingConfiguration)
        /// A table of token vectors, whose mean is taken.
        case staticTable
    }

    /// What happens to the pooled vector, in order.
    public enum Head: Sendable, Equatable {
        /// A linear map, with weights in the file.
        case dense(DenseConfiguration)
        /// Division by the Euclidean length.
        case normalize
    }

    /// The folder.
    public let path: String
    /// The folder in which the backbone's own files stand.
    public let backbonePath: String
    /// What turns tokens into vectors.
    public let backbone: Backbone
    /// What happens to the vector then.
    public let heads: [Head]
    /// Whether the folder says that it gives weights of tokens (SPLADE), not vectors.
    public let isSparse: Bool
    /// The prompts of the model.
    public let prompts: ModelPrompts
    /// The most tokens of a text that are read; `Int.max` without limit.
    public let maximumLength: Int
    /// Whether texts are put into lower case before the tokenizer sees them.
    public let lowercases: Bool
    /// What Attar wrote about the model, if Attar made it.
    public let facts: AttarFacts?

    /// Reads the configuration files of a folder, not its weights.
    ///
    /// - Throws: `StorageError` when files cannot be read; `ModelError` when one is missing, broken, or describes a
    ///   model that cannot be run.
    public init(path: String) throws {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let information = try LocalFileSystem().information(at: path)
        guard let information else { throw StorageError(.notFound, path: path, "no model folder stands here.") }
        guard information.kind == .directory else {
            throw StorageError(.notADirectory, path: path, "a model is a folder, this is a file.")
        }
        let plan = try ModulePlan(folder: path)
        self.path = path
        backbonePath = plan.backbonePath
        backbone = plan.backbone
        heads = plan.heads
        isSparse = plan.isSparse
        prompts = try ModelPrompts(folder: path)
        let limits = try SequenceLimits(folder: plan.backbonePath, backbone: plan.backbone)
        maximumLength = limits.maximumLength
        lowercases = limits.lowercases
        facts = try AttarFacts.read(folder: path)
        try requireFile(tokenizerPath, mend: "It is the tokenizer; fetch the model again, or save it in the fast form.")
        try requireFile(
            weightsPath,
            mend: "Save the model with safe serialisation: weights are read from safetensors only, in one file.")
    }

    /// The weights of the backbone.
    public var weightsPath: String { backbonePath + "/model.safetensors" }
    /// The tokenizer.
    public var tokenizerPath: String { backbonePath + "/tokenizer.json" }
    /// The name for people: the author's, else the folder's.
    public var name: String { facts?.name ?? path.split(separator: "/").last.map(String.init) ?? path }
    /// Whether the last step is normalisation.
    public var isNormalized: Bool { heads.last == .normalize }

    /// The numbers in which the model is computed when nothing else is asked for.
    public var precision: Precision { facts?.precision ?? .float32 }

    /// Loads the tokenizer.
    ///
    /// - Throws: `TextError`.
    public func tokenizer() throws -> any Tokenizer {
        try TokenizerFile.load(path: tokenizerPath)
    }

    /// The tokenizer with more whole words in its vocabulary, numbered on behind its own.
    ///
    /// - Parameter words: normalized words, none of them in the vocabulary yet.
    /// - Throws: `TextError`; `StorageError`; `ModelError` when the vocabulary cannot take words.
    public func tokenizer(adding words: [String]) throws -> any Tokenizer {
        try words.isEmpty ? tokenizer() : TokenizerFile.parse(tokenizerFile(adding: words), path: tokenizerPath)
    }

    /// The bytes of `tokenizer.json`, without truncation, with more words.
    func tokenizerFile(adding words: [String] = []) throws -> [UInt8] {
        let file = TokenizerFacts.untruncated(
            try LocalFileSystem().read(tokenizerPath, maximumBytes: TokenizerFile.maximumBytes))
        guard !words.isEmpty else { return file }
        guard let own = try tokenizer() as? WordPieceTokenizer, own.canTakeWords,
            let extended = TokenizerFacts.adding(words, firstID: own.vocabularySize, to: file)
        else {
            throw ModelError.badConfiguration(file: tokenizerPath, detail: "its vocabulary cannot take further words.")
        }
        return extended
    }

    /// Opens the backbone's weights.
    ///
    /// - Throws: `TensorError`.
    public func weights() throws -> Safetensors {
        try Safetensors(path: weightsPath)
    }

    private func requireFile(_ file: String, mend: String) throws {
        guard try LocalFileSystem().exists(file) else {
            throw ModelError.missingFile(folder: path, file: String(file.dropFirst(path.count + 1)), mend: mend)
        }
    }
}

/// How token states become one vector.
public struct PoolingConfiguration: Sendable, Equatable, Codable {
    /// The ways to pool.
    public enum Mode: String, Sendable, Codable {
        /// The mean of all states, special tokens included.
        case mean
        /// The state of the first token.
        case cls
        /// The largest value of each coordinate.
        case max
    }

    /// The way to pool.
    public var mode: Mode
    /// Whether the tokens of the prompt take part.
    public var includesPrompt: Bool

    /// A pooling.
    public init(mode: Mode = .mean, includesPrompt: Bool = true) {
        self.mode = mode
        self.includesPrompt = includesPrompt
    }
}

/// A linear map after pooling.
public struct DenseConfiguration: Sendable, Equatable {
    /// The functions after the map.
    public enum Activation: String, Sendable {
        /// None.
        case identity
        /// The hyperbolic tangent.
        case tanh
    }

    /// The width it takes.
    public var inputs: Int
    /// The width it gives.
    public var outputs: Int
    /// Whether a bias is added.
    public var bias: Bool
    /// The function after it.
    public var activation: Activation
    /// The folder of its weights.
    public var path: String
}
