import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Testing

/// Adapter folders that contradict themselves or the model are refused with a message that names the file and the mend.
struct HostileAdapterTests {
    private static let prefix = "base_model.model.model.layers."

    /// The message with which a changed copy of the tiny Llama's adapter is refused.
    private func refusal(
        config: (String) -> String = { $0 }, tensors: (inout [String: TensorValues]) -> Void = { _ in }
    ) throws -> String {
        let source = TinyAdapters.folder("llama"), shape = try TinyAdapters.shape("llama")
        return try withFolder { folder in
            let text = String(decoding: try LocalFileSystem().read(source + "/adapter_config.json"), as: UTF8.self)
            try AtomicFile.write(Array(config(text).utf8), to: folder + "/adapter_config.json")
            let file = try Safetensors(path: source + "/adapter_model.safetensors")
            var values = Dictionary(uniqueKeysWithValues: try file.names.map { ($0, try file.tensor(named: $0)) })
            tensors(&values)
            try SafetensorsWriter.write(values, to: folder + "/adapter_model.safetensors")
            do {
                _ = try DecoderAdapter(folder: folder, for: shape)
            } catch let error as any AttarError {
                #expect(error.category == .input)
                #expect("\(error)".contains(folder), "\(error)")
                return "\(error)"
            }
            return ""
        }
    }

    private func refusalOfTensors(_ change: (inout [String: TensorValues]) -> Void) throws -> String {
        try refusal(tensors: change)
    }

    private func replacing(_ old: String, _ new: String) -> (String) -> String {
        { text in
            precondition(text.contains(old), "no \(old) in \(text)")
            return text.replacing(old, with: new)
        }
    }

    @Test func anUnchangedCopyIsTaken() throws {
        #expect(try refusal() == "")
    }

    @Test(arguments: [
        ("\"r\": 4", "\"r\": 5", "[5, 32]"), ("\"r\": 4", "\"r\": 0", "\"r\""), ("\"r\": 4", "\"r\": -4", "\"r\""),
        ("\"r\": 4", "\"r\": 2147483647", "rank"), ("\"r\": 4", "\"r\": \"4\"", "\"r\""),
        ("\"r\": 4", "\"r\": 99999999999999999999", "\"r\""), ("\"lora_alpha\": 6", "\"lora_alpha\": \"6\"", "lora_alpha"),
        ("\"lora_alpha\": 6", "\"lora_alpha\": 1e999", ""), ("\"lora_dropout\": 0.0", "\"lora_dropout\": 1.5", "dropout"),
        ("\"LORA\"", "\"IA3\"", "\"IA3\""), ("\"bias\": \"none\"", "\"bias\": \"all\"", "biases"),
        ("\"use_dora\": false", "\"use_dora\": true", "use_dora"),
        ("\"rank_pattern\": {}", "\"rank_pattern\": {\"q_proj\": 8}", "rank_pattern"),
        ("\"modules_to_save\": null", "\"modules_to_save\": [\"lm_head\"]", "modules_to_save"),
        ("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "pissa"),
        ("model.layers.1.mlp.up_proj", "model.layers.1.mlp.experts", "mlp.experts"),
        ("model.layers.1.mlp.up_proj", "model.layers.7.mlp.up_proj", "layers.7"),
        ("\"layers_to_transform\": null", "\"layers_to_transform\": [0, 9]", "layer 9"),
        ("\"layers_to_transform\": null", "\"layers_to_transform\": \"0\"", "layers_to_transform"),
        ("\"target_modules\": [", "\"target_modules\": [[],", "target_modules"),
        ("\"target_modules\":", "\"target_modules\": \".*proj\", \"x\":", "target_modules"),
    ])
    func configurationsAreRefusedByWhatIsWrong(old: String, new: String, mentioned: String) throws {
        let message = try refusal(config: replacing(old, new))
        #expect(!message.isEmpty && message.contains(mentioned), "\(message)")
    }

    @Test func aMissingHalfIsNamed() throws {
        let name = Self.prefix + "1.mlp.up_proj.lora_B.weight"
        #expect(try refusalOfTensors { $0[name] = nil }.contains(name))
    }

    @Test func strangersAreNamed() throws {
        for name in ["lm_head.lora_A.weight", Self.prefix + "9.mlp.up_proj.lora_A.weight"] {
            #expect(try refusalOfTensors { $0[name] = TensorValues(shape: [4, 32]) }.contains(name))
        }
        // A matrix that the configuration does not mention.
        let message = try refusal(config: replacing("\"model.layers.1.mlp.up_proj\",", ""))
        #expect(message.contains(Self.prefix + "1.mlp.up_proj.lora_A.weight"))
    }

    @Test func shapesAreHeldAgainstTheModel() throws {
        let down = Self.prefix + "0.self_attn.q_proj.lora_A.weight", up = Self.prefix + "0.self_attn.q_proj.lora_B.weight"
        #expect(try refusalOfTensors { $0[down] = TensorValues(shape: [4, 31]) }.contains("[4, 32]"))
        #expect(try refusalOfTensors { $0[down] = TensorValues(shape: [3, 32]) }.contains("[4, 32]"))
        #expect(try refusalOfTensors { $0[up] = TensorValues(shape: [32, 3]) }.contains("[32, 4]"))
        #expect(try refusalOfTensors { $0[up] = TensorValues(shape: [128]) }.contains("[128]"))
    }

    @Test func numbersThatAreNotFiniteAreRefused() throws {
        let name = Self.prefix + "0.mlp.down_proj.lora_A.weight"
        #expect(try refusalOfTensors { $0[name]?.values[5] = .infinity }.contains(name))
    }

    @Test func missingFilesAreNamed() throws {
        let shape = try TinyAdapters.shape("llama")
        try withFolder { folder in
            let none = #expect(throws: ModelError.self) { try DecoderAdapter(folder: folder, for: shape) }
            #expect(none?.description.contains("adapter_config.json") == true)
            let config = try LocalFileSystem().read(TinyAdapters.folder("llama") + "/adapter_config.json")
            try AtomicFile.write(config, to: folder + "/adapter_config.json")
            let half = #expect(throws: ModelError.self) { try DecoderAdapter(folder: folder, for: shape) }
            #expect(half?.description.contains("adapter_model.safetensors") == true)
        }
    }

    @Test func damagedFilesNeverCrash() throws {
        let source = TinyAdapters.folder("llama"), shape = try TinyAdapters.shape("llama")
        var mutator = ByteMutator(seed: 8)
        var refused = 0
        for name in ["adapter_config.json", "adapter_model.safetensors"] {
            let bytes = try LocalFileSystem().read(source + "/" + name)
            try withFolder { folder in
                for other in ["adapter_config.json", "adapter_model.safetensors"] {
                    try AtomicFile.write(LocalFileSystem().read(source + "/" + other), to: folder + "/" + other)
                }
                for _ in 0..<150 {
                    try AtomicFile.write(mutator.damaged(bytes), to: folder + "/" + name)
                    do {
                        _ = try DecoderAdapter(folder: folder, for: shape)
                    } catch let error as any AttarError {
                        #expect(error.category == .input)
                        refused += 1
                    }
                }
            }
        }
        #expect(refused > 60)
    }
}
