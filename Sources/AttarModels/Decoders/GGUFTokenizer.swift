import AttarTensor
import AttarText

/// The tokenizer that a GGUF file carries in its metadata.
enum GGUFTokenizer {
    /// `llama_token_type` of llama.cpp.
    private enum Kind {
        static let control = 3
        static let userDefined = 4
    }

    /// - Throws: `ModelError.unsupported` for other models than byte-level BPE, and for splittings that are not built
    ///   in; `TensorError`, `TextError` for tables that are missing or contradict themselves.
    static func load(_ file: GGUF, architecture: DecoderConfiguration.Architecture) throws -> SubwordTokenizer {
        let metadata = file.metadata
        let model = try metadata.string("tokenizer.ggml.model")
        guard model == "gpt2" else {
            throw ModelError.unsupported(
                folder: file.path, detail: "its tokenizer is \"\(model)\"; byte-level BPE (\"gpt2\") can be read.")
        }
        let tokens = try metadata.strings("tokenizer.ggml.tokens")
        let kinds = metadata["tokenizer.ggml.token_type"] == nil
            ? [] : try metadata.integers("tokenizer.ggml.token_type")
        guard kinds.isEmpty || kinds.count == tokens.count else {
            throw ModelError.mismatch(file: file.path, detail: "\(kinds.count) token types for \(tokens.count) tokens.")
        }
        func ids(_ kind: Int) -> [Int32] { kinds.indices.filter { kinds[$0] == kind }.map(Int32.init) }
        let splitting = try splitting(file, architecture)
        let tables = BytePairTables(
            tokens: tokens, specialIDs: ids(Kind.control), addedIDs: ids(Kind.userDefined),
            merges: try metadata.strings("tokenizer.ggml.merges"), splitting: splitting,
            prefix: try added("bos", file, default: splitting == .llama3),
            suffix: try added("eos", file, default: false), padID: try id("padding", file) ?? 0)
        return try SubwordTokenizer(tables, path: file.path)
    }

    /// The tokens after which nothing follows.
    static func endIDs(_ file: GGUF, _ tokenizer: SubwordTokenizer) -> Set<Int32> {
        let named = ["eos", "eot"].compactMap { try? id($0, file) }
        return tokenizer.endsOfTurns.union(named)
    }

    private static func id(_ name: String, _ file: GGUF) throws -> Int32? {
        let key = "tokenizer.ggml.\(name)_token_id"
        guard let value = file.metadata[key] else { return nil }
        guard let id = value.integer.flatMap({ Int32(exactly: $0) }), id >= 0 else {
            throw ModelError.badConfiguration(file: file.path, detail: "\"\(key)\" is no token id.")
        }
        return id
    }

    /// The token that the file says is put before or behind each text.
    private static func added(_ name: String, _ file: GGUF, default fallback: Bool) throws -> [Int32] {
        guard file.metadata["tokenizer.ggml.add_\(name)_token"]?.bool ?? fallback else { return [] }
        return try id(name, file).map { [$0] } ?? []
    }

    /// The names are those of llama.cpp (`tokenizer.ggml.pre`); files without one, or with "default", are split as the
    /// reference, which looks at the architecture, splits them.
    private static func splitting(
        _ file: GGUF, _ architecture: DecoderConfiguration.Architecture
    ) throws -> BytePairTables.Splitting {
        let name = file.metadata["tokenizer.ggml.pre"]?.string ?? "default"
        switch name {
        case "default": return architecture == .qwen2 ? .qwen2 : .gpt2
        case "gpt-2", "gpt2", "mpt", "olmo", "jais", "phi-2": return .gpt2
        case "smollm", "starcoder", "refact", "command-r", "codeshell": return .gpt2Digits
        case "llama3", "llama-v3", "llama-bpe": return .llama3
        case "qwen2", "deepseek-r1-qwen": return .qwen2
        default:
            throw ModelError.unsupported(
                folder: file.path,
                detail: "its tokenizer splits text as \"\(name)\"; gpt-2, smollm, llama-bpe and qwen2 can be read.")
        }
    }
}
