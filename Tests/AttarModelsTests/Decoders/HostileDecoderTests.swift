import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Testing

/// GGUF files and folders that contradict themselves are refused with a message that names the file, and never run.
struct HostileDecoderTests {
    /// Loads a changed file; the message with which it is refused.
    private func refusal(_ change: (inout [UInt8]) throws -> Void) throws -> String {
        try TinyDecoders.withChangedGGUF(change) { path in
            do {
                _ = try TextDecoder(path: path)
            } catch let error as any AttarError {
                #expect(error.category == .input)
                #expect("\(error)".contains("changed.gguf"), "\(error)")
                return "\(error)"
            }
            Issue.record("it was loaded")
            return ""
        }
    }

    @Test func missingTensorsAreNamed() throws {
        let message = try refusal { try TinyDecoders.replace("blk.1.ffn_up.weight", by: "blk.9.ffn_up.weight", in: &$0) }
        #expect(message.contains("blk.1.ffn_up.weight"))
        #expect(try refusal { try TinyDecoders.replace("token_embd.weight", by: "token_embx.weight", in: &$0) }
            .contains("token_embd.weight"))
    }

    @Test(arguments: [
        ("llama.attention.head_count", 0), ("llama.attention.head_count", 3), ("llama.attention.head_count", 1 << 30),
        ("llama.attention.head_count_kv", 3), ("llama.attention.head_count_kv", 0),
        ("llama.attention.head_count_kv", 0xFFFF_FFFF), ("llama.block_count", 0), ("llama.block_count", 3),
        ("llama.block_count", 0xFFFF_FFFF), ("llama.embedding_length", 33), ("llama.embedding_length", 1 << 31),
        ("llama.feed_forward_length", 65), ("llama.feed_forward_length", 0), ("llama.context_length", 0),
        ("llama.rope.dimension_count", 6), ("llama.rope.dimension_count", 7), ("llama.rope.dimension_count", 0),
        ("llama.rope.freq_base", 0x7FC0_0000), ("llama.rope.freq_base", 0xBF80_0000),
        ("llama.attention.layer_norm_rms_epsilon", 0x7F80_0000), ("llama.attention.layer_norm_rms_epsilon", 0xC000_0000),
    ] as [(String, UInt32)])
    func absurdNumbersAreRefused(key: String, value: UInt32) throws {
        #expect(try !refusal { try TinyDecoders.set(key, to: value, in: &$0) }.isEmpty)
    }

    @Test func otherModelsAreRefusedByName() throws {
        #expect(try refusal { bytes in
            let place = try #require(bytes.firstRange(of: Array("general.architecture".utf8)))
            // The value follows the key, its type and its length.
            bytes.replaceSubrange((place.upperBound + 12)..<(place.upperBound + 17), with: Array("gemma".utf8))
        }.contains("\"gemma\""))
        #expect(try refusal { try TinyDecoders.replace("smollm", by: "tekken", in: &$0) }.contains("\"tekken\""))
        #expect(try refusal { try TinyDecoders.replace("gpt2", by: "bert", in: &$0) }.contains("\"bert\""))
    }

    @Test func foldersAreRefusedByName() throws {
        func refusal(_ old: String, _ new: String) throws -> String {
            try withFolder { folder in
                for file in ["config.json", "model.safetensors", "tokenizer.json"] {
                    let bytes = try LocalFileSystem().read(TinyDecoders.path("qwen2") + "/" + file)
                    try AtomicFile.write(bytes, to: folder + "/" + file)
                }
                try TinyModels.replace(old, in: folder + "/config.json", with: new)
                do {
                    _ = try TextDecoder(path: folder)
                } catch let error as any AttarError {
                    return "\(error)"
                }
                return ""
            }
        }
        #expect(try refusal("\"default\"", "\"yarn\"").contains("\"yarn\""))
        #expect(try refusal("\"qwen2\"", "\"mamba\"").contains("\"mamba\""))
        #expect(try refusal("\"silu\"", "\"relu\"").contains("\"relu\""))
        #expect(try refusal("\"vocab_size\": 313", "\"vocab_size\": 312").contains("312"))
        #expect(try refusal("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3").contains("3"))
    }

    @Test func damagedFilesNeverCrash() throws {
        let bytes = try LocalFileSystem().read(TinyDecoders.path("gguf"))
        var mutator = ByteMutator(seed: 11)
        var refused = 0
        try withFolder { folder in
            for _ in 0..<300 {
                try AtomicFile.write(mutator.damaged(bytes), to: folder + "/changed.gguf")
                do {
                    let decoder = try TextDecoder(path: folder + "/changed.gguf")
                    _ = try TextGenerator(decoder).generate([1, 2, 3], options: .init(maximumTokens: 2))
                } catch is any AttarError {
                    refused += 1
                }
            }
        }
        #expect(refused > 30)
    }

    @Test func aFolderWithSeveralFilesAsksForOne() throws {
        try withFolder { folder in
            let bytes = try LocalFileSystem().read(TinyDecoders.path("gguf"))
            for name in ["a.gguf", "b.gguf"] { try AtomicFile.write(bytes, to: folder + "/" + name) }
            #expect(throws: ModelError.self) { try TextDecoder(path: folder) }
            #expect(try TextDecoder(path: folder + "/b.gguf").name == "tiny")
        }
    }
}
