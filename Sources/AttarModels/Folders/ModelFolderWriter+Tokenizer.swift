import AttarStorage
import AttarText
import Foundation

extension ModelFolderWriter {
    /// Copies what other programs want beside `tokenizer.json`; a source without it gets the least that they accept.
    func copyTokenizerCompanions(to folder: String, maximumLength: Int) throws {
        for name in ["vocab.txt", "special_tokens_map.json", "tokenizer_config.json"] {
            let source = tokenizerSource.backbonePath + "/" + name
            if try LocalFileSystem().exists(source) {
                try put(LocalFileSystem().read(source, maximumBytes: 64 << 20), folder + "/" + name)
            }
        }
        guard try !fileSystem.exists(folder + "/tokenizer_config.json") else { return }
        let tokenizer = try tokenizerSource.tokenizer()
        var fields = ["tokenizer_class": "PreTrainedTokenizerFast"]
        fields["pad_token"] = tokenizer.token(for: tokenizer.padID)
        try put(json(fields), folder + "/tokenizer_config.json")
    }

    /// Pooling with the flags that every version of sentence-transformers reads.
    func poolingJSON(_ pooling: PoolingConfiguration, width: Int) throws -> [UInt8] {
        try json(
            PoolingLines(
                word_embedding_dimension: width, pooling_mode_cls_token: pooling.mode == .cls,
                pooling_mode_mean_tokens: pooling.mode == .mean, pooling_mode_max_tokens: pooling.mode == .max,
                include_prompt: pooling.includesPrompt))
    }

    /// Indented JSON with sorted keys, so that equal models have equal bytes.
    func json(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}

/// A pooling module's `config.json`.
private struct PoolingLines: Encodable {
    var word_embedding_dimension: Int
    var pooling_mode_cls_token: Bool
    var pooling_mode_mean_tokens: Bool
    var pooling_mode_max_tokens: Bool
    var pooling_mode_mean_sqrt_len_tokens = false
    var include_prompt: Bool
}

/// `sentence_bert_config.json`.
struct SequenceLines: Encodable {
    var max_seq_length: Int
    var do_lower_case: Bool
}
