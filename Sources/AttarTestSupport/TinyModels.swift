import AttarModels
import AttarStorage
import AttarTensor
import Foundation

/// Models of some kilobytes, made on the spot: a word-piece vocabulary of a few words and random weights.
public enum TinyModels {
    public static let words = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "rose", "oil", "water", "steam", "petal", "##s", "of", "is",
        "dawn", "cloud", "##y", ".", "query", "passage", ":",
    ]

    public static let configuration = BertConfiguration(
        hiddenSize: 24, layers: 2, heads: 3, intermediateSize: 40, vocabularySize: words.count, positions: 32)

    /// A folder with nothing but a tokenizer and a plain Hugging Face model.
    @discardableResult
    public static func writePlain(
        to folder: String, configuration: BertConfiguration = TinyModels.configuration, seed: UInt64 = 1, prefix: String = ""
    ) throws -> ModelFolder {
        try LocalFileSystem().makeDirectory(folder)
        try AtomicFile.write(tokenizer(truncation: "null"), to: folder + "/tokenizer.json")
        let config = """
            {"model_type": "bert", "hidden_size": \(configuration.hiddenSize), "num_hidden_layers": \(configuration.layers),
             "num_attention_heads": \(configuration.heads), "intermediate_size": \(configuration.intermediateSize),
             "vocab_size": \(configuration.vocabularySize), "max_position_embeddings": \(configuration.positions),
             "hidden_act": "\(configuration.activation.rawValue)"}
            """
        try AtomicFile.write(Array(config.utf8), to: folder + "/config.json")
        let named = Dictionary(uniqueKeysWithValues: try weights(configuration, seed: seed).map { (prefix + $0.key, $0.value) })
        try SafetensorsWriter.write(named, to: folder + "/model.safetensors")
        return try ModelFolder(path: folder)
    }

    /// Weights of plausible size; scales of normalisation near 1.
    public static func weights(_ configuration: BertConfiguration, seed: UInt64) throws -> [String: TensorValues] {
        var generator = SeededGenerator(seed: seed)
        let trainable = try TrainableBert(configuration: .init(configuration), generator: &generator)
        var weights = trainable.weights
        for name in weights.keys.sorted() {
            guard var tensor = weights[name] else { continue }
            for index in tensor.values.indices { tensor.values[index] += 0.2 * Float(generator.normal()) }
            weights[name] = tensor
        }
        return weights
    }

    public static func table(columns: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        return Matrix(
            rows: words.count, columns: columns,
            values: (0..<words.count * columns).map { _ in Float(generator.normal()) })
    }

    public static func tokenizer(truncation: String) -> [UInt8] {
        let vocabulary = words.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
        let added = words.prefix(5).enumerated().map {
            "{\"id\": \($0), \"content\": \"\($1)\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                + "\"normalized\": false, \"special\": true}"
        }.joined(separator: ", ")
        return Array(
            """
            {"version": "1.0", "truncation": \(truncation), "padding": {"pad": ["truncation", {"x": 1}]},
             "added_tokens": [\(added)],
             "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                            "strip_accents": null, "lowercase": true},
             "pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": {"type": "TemplateProcessing",
               "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                          {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
               "pair": [],
               "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                                  "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
             "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100, "vocab": {\(vocabulary)}}}
            """.utf8)
    }

    public static func replace(_ text: String, in file: String, with other: String) throws {
        let old = String(decoding: try LocalFileSystem().read(file), as: UTF8.self)
        precondition(old.contains(text), "\(file) has no \(text)")
        try AtomicFile.write(Array(old.replacingOccurrences(of: text, with: other).utf8), to: file)
    }
}

/// The cosine of two vectors, in double precision.
public func cosine(_ first: some Sequence<Float>, _ second: some Sequence<Float>) -> Double {
    var (dot, a, b) = (0.0, 0.0, 0.0)
    for (x, y) in zip(first, second) {
        dot += Double(x) * Double(y)
        a += Double(x) * Double(x)
        b += Double(y) * Double(y)
    }
    return dot / (a * b).squareRoot()
}

/// Calls `body` with a new folder that is removed afterwards.
public func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/attar-models-\(UUID().uuidString)"
    try LocalFileSystem().makeDirectory(folder)
    defer { try? LocalFileSystem().removeTree(folder) }
    return try body(folder)
}
