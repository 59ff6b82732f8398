import AttarTensor

extension DecoderConfiguration {
    /// Reads the metadata of a GGUF file.
    ///
    /// - Throws: `ModelError.unsupported` for other architectures and scalings of positions, `badConfiguration` for
    ///   nonsense, `TensorError` for keys that are missing.
    init(_ file: GGUF) throws {
        let metadata = file.metadata
        let name = try metadata.string("general.architecture")
        guard let architecture = Architecture(rawValue: name) else {
            throw ModelError.unsupported(
                folder: file.path, detail: "its architecture is \"\(name)\"; llama and qwen2 decoders can be run.")
        }
        func integer(_ key: String) throws -> Int { try metadata.integer("\(name).\(key)") }
        func optional(_ key: String) -> Int? { metadata["\(name).\(key)"]?.integer }
        let hidden = try integer("embedding_length"), heads = try integer("attention.head_count")
        guard heads > 0, hidden > 0 else {
            throw ModelError.badConfiguration(
                file: file.path, detail: "an embedding length of \(hidden) and \(heads) attention heads.")
        }
        let headSize = optional("attention.key_length") ?? optional("rope.dimension_count") ?? hidden / heads
        let table = try file.entry(named: "token_embd.weight")
        self.init(
            architecture: architecture, hiddenSize: hidden, layers: try integer("block_count"), heads: heads,
            keyValueHeads: try metadata["\(name).attention.head_count_kv"] == nil
                ? heads : integer("attention.head_count_kv"), headSize: headSize,
            intermediateSize: try integer("feed_forward_length"), vocabularySize: table.shape.first ?? 0,
            positions: try integer("context_length"),
            epsilon: Float(try metadata.float("\(name).attention.layer_norm_rms_epsilon")),
            rotary: RotaryConfiguration(), hasAttentionBias: file.entries["blk.0.attn_q.bias"] != nil,
            tiesOutput: file.entries["output.weight"] == nil)
        try checkOptions(file, name)
        rotary = try Self.rotary(file, name, headSize: headSize)
        try check(file: file.path)
    }

    private func checkOptions(_ file: GGUF, _ name: String) throws {
        func refuse(_ detail: String) -> ModelError { .unsupported(folder: file.path, detail: detail) }
        for key in ["attention.key_length", "attention.value_length", "rope.dimension_count"] {
            if let found = file.metadata["\(name).\(key)"]?.integer, found != headSize {
                throw refuse("\(name).\(key) is \(found) where a head has \(headSize) numbers; only equal ones can be run.")
            }
        }
        if let experts = file.metadata["\(name).expert_count"]?.integer, experts > 0 {
            throw refuse("it is a mixture of \(experts) experts; dense decoders can be run.")
        }
    }

    private static func rotary(_ file: GGUF, _ name: String, headSize: Int) throws -> RotaryConfiguration {
        let theta = file.metadata["\(name).rope.freq_base"]?.float ?? 10_000
        if file.entries["rope_freqs.weight"] != nil {
            let divisors = try file.floats(named: "rope_freqs.weight", shape: [headSize / 2])
            return RotaryConfiguration(theta: theta, scaling: .divisors(divisors))
        }
        let type = file.metadata["\(name).rope.scaling.type"]?.string ?? "none"
        switch type {
        case "none": return RotaryConfiguration(theta: theta)
        case "linear":
            let factor = try file.metadata.float("\(name).rope.scaling.factor")
            return RotaryConfiguration(theta: theta, scaling: .linear(factor: factor))
        default:
            throw ModelError.unsupported(
                folder: file.path,
                detail: "its positions are scaled by \"\(type)\"; \"linear\" and Llama 3's scaling can be run.")
        }
    }
}
