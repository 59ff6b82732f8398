import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// Writes students as sentence-transformers folders, which open there unchanged and give the same vectors.
///
/// Attar's own facts stand in one extra file, `attar.json`. A folder appears whole or not at all: it is made under a
/// temporary name beside its place. An older model of Attar's making in that place is replaced; anything else is not.
public struct ModelFolderWriter: Sendable {
    /// A linear map after pooling.
    public struct Dense: Sendable, Equatable {
        /// `[outputs, inputs]`.
        public var weight: Matrix
        /// `[outputs]`, or none.
        public var bias: [Float]?
        /// The function after the map.
        public var activation: DenseConfiguration.Activation

        /// A linear map.
        public init(weight: Matrix, bias: [Float]? = nil, activation: DenseConfiguration.Activation = .identity) {
            precondition(
                bias.map { $0.count == weight.rows } ?? true, "\(bias?.count ?? 0) biases for \(weight.rows) outputs")
            self.weight = weight
            self.bias = bias
            self.activation = activation
        }
    }

    /// The folder that is written.
    public let path: String
    /// The model whose tokenizer the student uses.
    public let tokenizerSource: ModelFolder
    /// Words that the tokenizer is to know besides those of its source, in the order of their rows behind its own.
    public var additionalWords: [String] = []
    /// The map after pooling, if there is one.
    public var dense: Dense?
    /// Whether vectors are normalised at the end.
    public var normalizes: Bool
    /// The prompts.
    public var prompts: ModelPrompts
    /// What Attar knows about the model; its dimension, prompts and normalisation are set by the writer.
    public var facts: AttarFacts
    let fileSystem: any FileSystem

    /// A writer for one folder.
    public init(
        path: String, tokenizerFrom source: ModelFolder, dense: Dense? = nil, normalizes: Bool, prompts: ModelPrompts,
        facts: AttarFacts, on fileSystem: any FileSystem = LocalFileSystem()
    ) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        tokenizerSource = source
        self.dense = dense
        self.normalizes = normalizes
        self.prompts = prompts
        self.facts = facts
        self.fileSystem = fileSystem
    }

    /// Writes a transformer.
    ///
    /// - Parameters:
    ///   - weights: by the names of Hugging Face's BERT, without prefix.
    ///   - maximumLength: the most tokens that the student reads.
    /// - Throws: `StorageError`, also when something that Attar did not write stands in the place.
    /// - Precondition: the dense layer takes the transformer's width.
    public func writeBert(
        _ configuration: BertConfiguration, weights: [String: TensorValues],
        pooling: PoolingConfiguration = PoolingConfiguration(), maximumLength: Int
    ) throws {
        precondition(configuration.family == .bert, "a \(configuration.family.rawValue) model cannot be written")
        try write(width: configuration.hiddenSize, backbone: "Transformer") { folder in
            try put(configuration.json(), folder + "/config.json")
            try put(
                json(
                    SequenceLines(
                        max_seq_length: min(maximumLength, configuration.positions),
                        do_lower_case: tokenizerSource.lowercases)),
                folder + "/sentence_bert_config.json")
            try SafetensorsWriter.write(
                weights, metadata: ["format": "pt"], to: folder + "/model.safetensors", on: fileSystem)
            try copyTokenizerCompanions(to: folder, maximumLength: maximumLength)
            try fileSystem.makeDirectory(folder + "/1_Pooling")
            try put(poolingJSON(pooling, width: configuration.hiddenSize), folder + "/1_Pooling/config.json")
        }
    }

    /// Writes a static table `[vocabulary, width]`.
    ///
    /// - Throws: as `writeBert`.
    /// - Precondition: the dense layer takes the table's width.
    public func writeStatic(table: Matrix) throws {
        try write(width: table.columns, backbone: "StaticEmbedding") { folder in
            try SafetensorsWriter.write(
                ["embedding.weight": TensorValues(shape: [table.rows, table.columns], values: table.values)],
                metadata: ["format": "pt"], to: folder + "/model.safetensors", on: fileSystem)
        }
    }

    // MARK: The common parts

    private func write(width: Int, backbone: String, _ body: (String) throws -> Void) throws {
        precondition(
            dense.map { $0.weight.columns == width } ?? true,
            "a dense layer for \(dense?.weight.columns ?? 0) numbers after a backbone of \(width)")
        try requireReplaceable()
        try AtomicFolder.write(to: path, on: fileSystem) { temporary in
            try put(
                tokenizerSource.tokenizerFile(adding: additionalWords), temporary + "/tokenizer.json")
            try body(temporary)
            try writeModules(backbone, to: temporary)
            try writeFacts(width: width, to: temporary)
        }
    }

    private func requireReplaceable() throws {
        if try fileSystem.exists(path), try !fileSystem.list(path).isEmpty, try !fileSystem.exists(path + "/attar.json")
        {
            throw StorageError(
                .alreadyExists, path: path,
                "it is not a model that Attar wrote, so it is not replaced. Choose another folder.")
        }
    }

    private func writeModules(_ backbone: String, to folder: String) throws {
        var modules: [(kind: String, path: String)] = [(backbone, "")]
        if backbone == "Transformer" { modules.append(("Pooling", "1_Pooling")) }
        if let dense {
            let place = "\(modules.count)_Dense"
            modules.append(("Dense", place))
            try writeDense(dense, to: folder + "/" + place)
        }
        if normalizes {
            let place = "\(modules.count)_Normalize"
            modules.append(("Normalize", place))
            try fileSystem.makeDirectory(folder + "/" + place)
            try put(json([String: String]()), folder + "/" + place + "/config.json")
        }
        let lines = modules.enumerated().map { index, module in
            ModuleLine(
                idx: index, name: "\(index)", path: module.path, type: "sentence_transformers.models.\(module.kind)")
        }
        try put(json(lines), folder + "/modules.json")
    }

    private func writeDense(_ dense: Dense, to folder: String) throws {
        try fileSystem.makeDirectory(folder)
        let activation =
            dense.activation == .tanh ? "torch.nn.modules.activation.Tanh" : "torch.nn.modules.linear.Identity"
        try put(
            json(
                DenseLine(
                    in_features: dense.weight.columns, out_features: dense.weight.rows, bias: dense.bias != nil,
                    activation_function: activation)), folder + "/config.json")
        var tensors = [
            "linear.weight": TensorValues(
                shape: [dense.weight.rows, dense.weight.columns], values: dense.weight.values)
        ]
        if let bias = dense.bias { tensors["linear.bias"] = TensorValues(shape: [bias.count], values: bias) }
        try SafetensorsWriter.write(
            tensors, metadata: ["format": "pt"], to: folder + "/model.safetensors", on: fileSystem)
    }

    private func writeFacts(width: Int, to folder: String) throws {
        var facts = facts
        facts.dimension = dense?.weight.rows ?? width
        facts.normalized = normalizes
        facts.prompts = prompts.named
        try put(facts.json(), folder + "/attar.json")
        try put(
            json(
                PromptLines(
                    prompts: prompts.named, default_prompt_name: prompts.defaultName, similarity_fn_name: "cosine")),
            folder + "/config_sentence_transformers.json")
    }

    func put(_ bytes: [UInt8], _ path: String) throws {
        try AtomicFile.write(bytes, to: path, on: fileSystem)
    }
}

/// A line of `modules.json`.
private struct ModuleLine: Encodable {
    var idx: Int
    var name: String
    var path: String
    var type: String
}

/// A dense layer's `config.json`.
private struct DenseLine: Encodable {
    var in_features: Int
    var out_features: Int
    var bias: Bool
    var activation_function: String
}

/// `config_sentence_transformers.json`.
private struct PromptLines: Encodable {
    var prompts: [String: String]
    var default_prompt_name: String?
    var similarity_fn_name: String
}
