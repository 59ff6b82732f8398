import AttarStorage
import AttarTensor
import AttarText

/// What a decoder is made of, found at a path: a GGUF file, a folder that holds one, or a Hugging Face folder.
struct DecoderSource {
    let configuration: DecoderConfiguration
    let weights: DecoderWeightFile
    let tokenizer: SubwordTokenizer
    /// The text of the chat template, if there is one.
    let template: String?
    let endIDs: Set<Int32>
    let name: String
    let files: [String]

    /// - Throws: `ModelError`, `TensorError`, `TextError`, `StorageError`.
    init(path: String) throws {
        if let file = try Self.ggufFile(at: path) {
            try self.init(gguf: file)
        } else {
            try self.init(folder: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
        }
    }

    /// The GGUF file that a path stands for, or nil for a folder without one.
    ///
    /// - Throws: `ModelError` for a folder with several, `StorageError`.
    static func ggufFile(at path: String) throws -> String? {
        guard let information = try LocalFileSystem().information(at: path) else {
            throw StorageError(.notFound, path: path, "no model stands here.")
        }
        guard information.kind == .directory else { return path }
        let found = try LocalFileSystem().list(path).filter { $0.lowercased().hasSuffix(".gguf") }
        guard found.count < 2 else {
            throw ModelError.badConfiguration(
                file: path, detail: "it holds \(found.count) GGUF files; name one of them: \(found.sorted().prefix(4)).")
        }
        return found.first.map { path + "/" + $0 }
    }

    /// Whether a path holds a decoder that can be run, by its metadata alone.
    static func isDecoder(at path: String) -> Bool {
        if let file = try? ggufFile(at: path) { return (try? DecoderConfiguration(GGUF(path: file))) != nil }
        return (try? DecoderConfiguration(configurationPath: path + "/config.json")) != nil
    }

    private init(gguf path: String) throws {
        let file = try GGUF(path: path)
        configuration = try DecoderConfiguration(file)
        weights = .gguf(file)
        tokenizer = try GGUFTokenizer.load(file, architecture: configuration.architecture)
        template = file.metadata["tokenizer.chat_template"]?.string
        endIDs = GGUFTokenizer.endIDs(file, tokenizer)
        name = file.metadata["general.name"]?.string ?? path.split(separator: "/").last.map(String.init) ?? path
        files = [path]
    }

    private init(folder: String) throws {
        let configurationPath = folder + "/config.json", tokenizerPath = folder + "/tokenizer.json"
        guard try LocalFileSystem().exists(configurationPath) else {
            throw ModelError.missingFile(
                folder: folder, file: "config.json", mend: "A decoder is a GGUF file or a Hugging Face folder.")
        }
        configuration = try DecoderConfiguration(configurationPath: configurationPath)
        weights = try .safetensors(folder: folder)
        guard try LocalFileSystem().exists(tokenizerPath) else {
            throw ModelError.missingFile(
                folder: folder, file: "tokenizer.json", mend: "Save the tokenizer in the fast form.")
        }
        guard let tokenizer = try TokenizerFile.load(path: tokenizerPath) as? SubwordTokenizer, tokenizer.isByteLevel
        else {
            throw ModelError.unsupported(
                folder: tokenizerPath, detail: "decoders with tokenizers of byte-level BPE can be run, this is another.")
        }
        self.tokenizer = tokenizer
        template = try Self.template(folder: folder)
        endIDs = try Self.endIDs(folder: folder, tokenizer)
        name = folder.split(separator: "/").last.map(String.init) ?? folder
        files = weights.files + [configurationPath, tokenizerPath]
    }

    /// Newer folders have the template in a file of its own.
    private static func template(folder: String) throws -> String? {
        let file = folder + "/chat_template.jinja"
        if try LocalFileSystem().exists(file) {
            return String(decoding: try LocalFileSystem().read(file, maximumBytes: 1 << 20), as: UTF8.self)
        }
        return try ConfigurationFile(ifPresent: folder + "/tokenizer_config.json")?.value["chat_template"]?.string
    }

    /// What generation_config.json names, else config.json, and the ends of turns that the vocabulary knows.
    private static func endIDs(folder: String, _ tokenizer: SubwordTokenizer) throws -> Set<Int32> {
        var ids = tokenizer.endsOfTurns
        for name in ["generation_config.json", "config.json"] {
            let value = try ConfigurationFile(ifPresent: folder + "/" + name)?.value["eos_token_id"]
            let found = (value?.array ?? value.map { [$0] } ?? []).compactMap(\.integer)
            ids.formUnion(found.compactMap { Int32(exactly: $0) })
            if !found.isEmpty { break }
        }
        return ids
    }
}

extension SubwordTokenizer {
    /// The special tokens that end a text or a turn, by the names that the families give them.
    var endsOfTurns: Set<Int32> {
        let names = ["<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "</s>"]
        return Set(names.compactMap { id(for: $0) }).intersection(specialIDs)
    }
}

extension DecoderWeightFile {
    /// The files that hold the weights, sorted.
    var files: [String] {
        switch self {
        case .gguf(let file): [file.path]
        case .safetensors(let tensors, _): Set(tensors.values.map(\.path)).sorted()
        }
    }
}
