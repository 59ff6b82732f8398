import AttarStorage
import AttarText

/// The modules of a sentence-transformers folder, checked and in order.
struct ModulePlan {
    var backbonePath: String
    var backbone: ModelFolder.Backbone
    var heads: [ModelFolder.Head] = []
    /// Whether a masked-language-model head makes weights of tokens (SPLADE), so that nothing is pooled into a vector.
    var isSparse = false

    /// One line of `modules.json`.
    private struct Module {
        /// The last part of the class path: old folders say `sentence_transformers.models.Dense`, new ones
        /// `sentence_transformers.base.modules.dense.Dense`.
        var kind: String
        var path: String
    }

    init(folder: String) throws {
        if let file = try ConfigurationFile(ifPresent: folder + "/modules.json") {
            try self.init(file, folder: folder)
        } else {
            try self.init(plainFolder: folder)
        }
    }

    private init(_ file: ConfigurationFile, folder: String) throws {
        var modules = try Self.modules(file, folder: folder)[...]
        guard let first = modules.popFirst() else {
            throw ModelError.badConfiguration(file: file.path, detail: "it lists no modules.")
        }
        backbonePath = first.path
        switch first.kind {
        case "StaticEmbedding": backbone = .staticTable
        case "Transformer":
            let configuration = try Self.bert(in: first.path)
            guard let pooling = modules.popFirst(), pooling.kind == "Pooling" else {
                throw ModelError.unsupported(
                    folder: folder, detail: "its transformer is not followed by a Pooling module.")
            }
            backbone = .bert(
                configuration, try Self.pooling(ConfigurationFile(pooling.path + "/config.json"), configuration))
        case "MLMTransformer":
            backbone = .bert(try Self.bert(in: first.path), PoolingConfiguration())
            isSparse = true
            try Self.checkSplade(modules.popFirst(), folder: folder)
        default:
            throw ModelError.unsupported(
                folder: folder,
                detail: "its first module is \(first.kind); Transformer, MLMTransformer and StaticEmbedding can be run.")
        }
        heads = try modules.compactMap { try Self.head($0, folder: folder) }
    }

    /// The one way to pool that `SparseEncoder` knows: the largest log(1 + relu(logit)) of each token.
    private static func checkSplade(_ module: Module?, folder: String) throws {
        guard let module, module.kind == "SpladePooling" else {
            throw ModelError.unsupported(
                folder: folder, detail: "its masked language model is not followed by a SpladePooling module.")
        }
        let file = try ConfigurationFile(module.path + "/config.json")
        let (pooling, activation) = (try file.text("pooling_strategy"), try file.text("activation_function"))
        guard pooling ?? "max" == "max", activation ?? "relu" == "relu" else {
            throw ModelError.unsupported(
                folder: file.path,
                detail: "SPLADE pooling by \(pooling ?? "max") of \(activation ?? "relu"); max of relu can be run.")
        }
    }

    private init(plainFolder folder: String) throws {
        guard try LocalFileSystem().exists(folder + "/config.json") else {
            throw ModelError.missingFile(
                folder: folder, file: "modules.json or config.json",
                mend: "Give a sentence-transformers folder, or a Hugging Face folder of a BERT encoder.")
        }
        backbonePath = folder
        backbone = .bert(try Self.bert(in: folder), PoolingConfiguration(mode: .mean))
    }

    private static func modules(_ file: ConfigurationFile, folder: String) throws -> [Module] {
        guard let list = file.value.array, list.count <= 32 else {
            throw ModelError.badConfiguration(file: file.path, detail: "a list of at most 32 modules was expected.")
        }
        return try list.map { entry in
            guard let type = entry["type"]?.string, let path = entry["path"]?.string,
                let kind = type.split(separator: ".").last
            else {
                throw ModelError.badConfiguration(file: file.path, detail: "each module needs \"type\" and \"path\".")
            }
            guard isInside(path) else {
                throw ModelError.badConfiguration(
                    file: file.path, detail: "the path \"\(path)\" leads out of the model's folder.")
            }
            return Module(kind: String(kind), path: path.isEmpty ? folder : folder + "/" + path)
        }
    }

    /// Whether a relative path stays below the folder that it starts from.
    static func isInside(_ path: String) -> Bool {
        !path.hasPrefix("/") && !path.utf8.contains(0)
            && !path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
    }

    private static func bert(in folder: String) throws -> BertConfiguration {
        let path = folder + "/config.json"
        guard try LocalFileSystem().exists(path) else {
            throw ModelError.missingFile(
                folder: folder, file: "config.json", mend: "It states the size of the transformer.")
        }
        return try BertConfiguration(path: path)
    }

    /// Pooling: old folders have a flag a mode, new ones one name.
    private static func pooling(
        _ file: ConfigurationFile, _ backbone: BertConfiguration
    ) throws -> PoolingConfiguration {
        let width = try file.count(
            file.value["embedding_dimension"] == nil ? "word_embedding_dimension" : "embedding_dimension",
            default: backbone.hiddenSize)
        guard width == backbone.hiddenSize else {
            throw ModelError.mismatch(
                file: file.path,
                detail: "it pools vectors of \(width) numbers, the transformer gives \(backbone.hiddenSize).")
        }
        let modes = try poolingModes(file)
        guard modes.count == 1, let mode = PoolingConfiguration.Mode(rawValue: modes[0]) else {
            throw ModelError.unsupported(
                folder: file.path,
                detail: "pooling by \(modes.joined(separator: " and ")); one of mean, cls, max can be run.")
        }
        return PoolingConfiguration(mode: mode, includesPrompt: try file.flag("include_prompt", default: true))
    }

    private static func poolingModes(_ file: ConfigurationFile) throws -> [String] {
        if let name = file.value["pooling_mode"] {
            return name.string.map { [$0] } ?? (name.array ?? []).compactMap(\.string)
        }
        let flags = [
            ("pooling_mode_cls_token", "cls"), ("pooling_mode_max_tokens", "max"), ("pooling_mode_mean_tokens", "mean"),
            ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
            ("pooling_mode_weightedmean_tokens", "weightedmean"), ("pooling_mode_lasttoken", "lasttoken"),
        ]
        let active = try flags.filter { try file.flag($0.0, default: false) }.map(\.1)
        return active.isEmpty ? ["mean"] : active
    }

    private static func head(_ module: Module, folder: String) throws -> ModelFolder.Head? {
        switch module.kind {
        case "Normalize": return .normalize
        case "Dropout": return nil  // Dropout does nothing outside training.
        case "Dense": return .dense(try dense(ConfigurationFile(module.path + "/config.json"), folder: module.path))
        default:
            throw ModelError.unsupported(
                folder: folder, detail: "its module \(module.kind) is not built in; Pooling, Dense and Normalize are.")
        }
    }

    private static func dense(_ file: ConfigurationFile, folder: String) throws -> DenseConfiguration {
        let name = try file.text("activation_function") ?? "torch.nn.modules.activation.Tanh"
        let activations: [String: DenseConfiguration.Activation] = [
            "torch.nn.modules.linear.Identity": .identity, "torch.nn.modules.activation.Tanh": .tanh,
        ]
        guard let activation = activations[name], try !file.flag("use_residual", default: false) else {
            throw ModelError.unsupported(
                folder: folder,
                detail: "a dense layer with the activation \(name) or a residual; Identity and Tanh can be run.")
        }
        guard try LocalFileSystem().exists(folder + "/model.safetensors") else {
            throw ModelError.missingFile(
                folder: folder, file: "model.safetensors", mend: "It holds the dense layer's weights.")
        }
        return DenseConfiguration(
            inputs: try file.count("in_features"), outputs: try file.count("out_features"),
            bias: try file.flag("bias", default: true), activation: activation, path: folder)
    }
}

/// How much of a text a model reads.
struct SequenceLimits {
    var maximumLength = Int.max
    var lowercases = false

    init(folder: String, backbone: ModelFolder.Backbone) throws {
        guard case .bert(let configuration, _) = backbone else {
            let path = folder + "/tokenizer.json"
            // A token table reads everything, unless its tokenizer file cuts texts.
            if try LocalFileSystem().exists(path),
                let limit = TokenizerFacts.truncation(in: try LocalFileSystem().read(path))
            {
                maximumLength = limit
            }
            return
        }
        maximumLength = configuration.positions
        let file = try ConfigurationFile(ifPresent: folder + "/sentence_bert_config.json")
        lowercases = try file?.flag("do_lower_case", default: false) ?? false
        if let file, let limit = file.value["max_seq_length"], !limit.isNull {
            maximumLength = min(maximumLength, try file.count("max_seq_length"))
        } else if let tokenizer = try ConfigurationFile(ifPresent: folder + "/tokenizer_config.json"),
            let limit = tokenizer.value["model_max_length"]?.integer, limit > 0
        {
            maximumLength = min(maximumLength, limit)
        }
    }
}
