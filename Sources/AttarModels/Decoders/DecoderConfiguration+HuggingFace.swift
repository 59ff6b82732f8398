import AttarText

extension DecoderConfiguration {
    /// Reads the `config.json` of a Hugging Face folder.
    ///
    /// - Throws: `StorageError`; `ModelError.unsupported` for other architectures, `badConfiguration` for nonsense.
    init(configurationPath path: String) throws {
        let file = try ConfigurationFile(path)
        let type = try file.text("model_type") ?? "(none)"
        guard let architecture = Architecture(rawValue: type) else {
            throw ModelError.unsupported(
                folder: path, detail: "its model_type is \"\(type)\"; llama and qwen2 decoders can be run.")
        }
        try Self.checkOptions(file)
        let hidden = try file.count("hidden_size"), heads = try file.count("num_attention_heads")
        self.init(
            architecture: architecture, hiddenSize: hidden, layers: try file.count("num_hidden_layers"), heads: heads,
            keyValueHeads: try file.count("num_key_value_heads", default: heads),
            headSize: try file.count("head_dim", default: max(1, hidden / heads)),
            intermediateSize: try file.count("intermediate_size"), vocabularySize: try file.count("vocab_size"),
            positions: try file.count("max_position_embeddings", default: architecture == .llama ? 2048 : 32_768),
            epsilon: Float(try file.number("rms_norm_eps", default: 1e-6)), rotary: try Self.rotary(file),
            hasAttentionBias: architecture == .qwen2,
            tiesOutput: try file.flag("tie_word_embeddings", default: false))
        try check(file: path)
    }

    private static func checkOptions(_ file: ConfigurationFile) throws {
        let activation = try file.text("hidden_act") ?? "silu"
        guard activation == "silu" || activation == "swish" else {
            throw ModelError.unsupported(folder: file.path, detail: "the activation \"\(activation)\"; \"silu\" can be run.")
        }
        for key in ["attention_bias", "mlp_bias", "use_sliding_window"] where try file.flag(key, default: false) {
            throw ModelError.unsupported(folder: file.path, detail: "it sets \"\(key)\", which is not built in.")
        }
        if try file.number("partial_rotary_factor", default: 1) != 1 {
            throw ModelError.unsupported(
                folder: file.path, detail: "positions turn only a part of each head (\"partial_rotary_factor\").")
        }
    }

    /// The older form has `rope_theta` and `rope_scaling`, the newer one `rope_parameters` with both.
    private static func rotary(_ file: ConfigurationFile) throws -> RotaryConfiguration {
        let newer = file.value["rope_parameters"].flatMap { $0.isNull ? nil : $0 }
        let older = file.value["rope_scaling"].flatMap { $0.isNull ? nil : $0 }
        let theta = try newer?["rope_theta"].flatMap(number) ?? file.number("rope_theta", default: 10_000)
        guard let parameters = newer ?? older else { return RotaryConfiguration(theta: theta) }
        func required(_ key: String) throws -> Double {
            guard let value = parameters[key].flatMap(number) else {
                throw file.bad("rope_scaling", "\"\(key)\" must be a number")
            }
            return value
        }
        let type = parameters["rope_type"]?.string ?? parameters["type"]?.string ?? "default"
        switch type {
        case "default": return RotaryConfiguration(theta: theta)
        case "linear": return RotaryConfiguration(theta: theta, scaling: .linear(factor: try required("factor")))
        case "llama3":
            let scaling = RotaryConfiguration.Scaling.llama3(
                factor: try required("factor"), lowFrequencyFactor: try required("low_freq_factor"),
                highFrequencyFactor: try required("high_freq_factor"),
                originalPositions: try required("original_max_position_embeddings"))
            return RotaryConfiguration(theta: theta, scaling: scaling)
        default:
            throw ModelError.unsupported(
                folder: file.path,
                detail: "its positions are scaled by \"\(type)\"; \"linear\" and \"llama3\" can be run.")
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let whole): Double(whole)
        case .number(let number): number
        default: nil
        }
    }
}
