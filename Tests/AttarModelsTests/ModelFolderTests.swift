import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct ModelFolderTests {
    @Test func aPlainHuggingFaceFolderIsMeanPooledAndNotNormalised() throws {
        try withFolder { folder in
            let model = try TinyModels.writePlain(to: folder + "/plain")
            #expect(model.backbone == .bert(TinyModels.configuration, PoolingConfiguration(mode: .mean)))
            #expect(model.heads.isEmpty && !model.isNormalized && model.name == "plain" && model.maximumLength == 32)
        }
    }

    @Test func theNewNamesOfModulesAreUnderstood() throws {
        try withFolder { folder in
            let path = folder + "/m"
            try TinyModels.writePlain(to: path)
            try LocalFileSystem().makeDirectory(path + "/1_Pooling")
            try AtomicFile.write(
                Array(#"{"embedding_dimension": 24, "pooling_mode": "cls", "include_prompt": false}"#.utf8),
                to: path + "/1_Pooling/config.json")
            let prefix = "sentence_transformers."
            let modules = [
                (prefix + "base.modules.transformer.Transformer", ""),
                (prefix + "sentence_transformer.modules.pooling.Pooling", "1_Pooling"),
                (prefix + "base.modules.normalize.Normalize", "2_Normalize"),
            ].map { "{\"idx\": 0, \"name\": \"x\", \"path\": \"\($1)\", \"type\": \"\($0)\"}" }
            try AtomicFile.write(Array("[\(modules.joined(separator: ","))]".utf8), to: path + "/modules.json")
            let model = try ModelFolder(path: path + "/")
            #expect(model.path == path && model.isNormalized)
            #expect(
                model.backbone
                    == .bert(TinyModels.configuration, PoolingConfiguration(mode: .cls, includesPrompt: false)))
        }
    }

    /// What is broken in a good folder, and words that the refusal must contain.
    static let breakages: [(file: String, old: String?, new: String, words: [String])] = [
        ("tokenizer.json", nil, "", ["tokenizer.json"]),
        ("model.safetensors", nil, "", ["model.safetensors", "safetensors only"]),
        ("config.json", "\"bert\"", "\"deberta-v2\"", ["deberta-v2"]),
        ("config.json", "\"gelu\"", "\"swish\"", ["swish"]),
        ("config.json", "\"hidden_size\" : 24", "\"hidden_size\" : 25", ["25", "3 attention heads"]),
        ("config.json", "\"hidden_size\" : 24", "\"hidden_size\" : \"big\"", ["hidden_size", "positive whole number"]),
        ("config.json", "\"num_hidden_layers\" : 2", "\"num_hidden_layers\" : 1000000000", ["at most 1024"]),
        ("config.json", "\"layer_norm_eps\" : 1e-12", "\"layer_norm_eps\" : -1", ["layer_norm_eps", "from 0 to 1"]),
        ("config.json", "{", "[", ["config.json", "JSON"]),
        ("config.json", "absolute", "relative_key", ["relative_key"]),
        ("modules.json", "1_Pooling", "../../etc", ["modules.json", "../../etc"]),
        ("modules.json", "models.Normalize", "models.WordWeights", ["WordWeights"]),
        ("modules.json", "models.Transformer", "models.CLIPModel", ["CLIPModel"]),
        ("1_Pooling/config.json", "24", "25", ["25", "24"]),
        (
            "1_Pooling/config.json", "\"pooling_mode_cls_token\" : false", "\"pooling_mode_cls_token\" : true",
            ["cls and mean"]
        ),
        ("2_Dense/config.json", "Identity", "GELU", ["GELU"]),
        ("2_Dense/model.safetensors", nil, "", ["model.safetensors"]),
        ("attar.json", "\"formatVersion\" : 1", "\"formatVersion\" : 9", ["9", "1", "Update"]),
        (
            "config_sentence_transformers.json", "\"default_prompt_name\" : \"query\"",
            "\"default_prompt_name\" : \"no\"", ["no prompt"]
        ),
    ]

    @Test(arguments: breakages.indices) func brokenFoldersAreRefusedByName(index: Int) throws {
        let breakage = Self.breakages[index]
        try withFolder { folder in
            let path = try writeStudent(in: folder)
            let file = path + "/" + breakage.file
            if let old = breakage.old {
                try TinyModels.replace(old, in: file, with: breakage.new)
            } else {
                try LocalFileSystem().remove(file)
            }
            let error = #expect(throws: ModelError.self) { try ModelFolder(path: path) }
            for word in breakage.words {
                #expect(error?.description.contains(word) == true, "\(error?.description ?? "") lacks \(word)")
            }
            #expect(error?.category == .input)
        }
    }

    @Test func widthsThatDoNotFollowFromEachOtherAreRefused() throws {
        try withFolder { folder in
            let path = try writeStudent(in: folder)
            try SafetensorsWriter.write(
                ["linear.weight": TensorValues(shape: [6, 23])], to: path + "/2_Dense/model.safetensors")
            let error = #expect(throws: TensorError.self) { try EncoderLoader.load(path: path) }
            #expect(error?.description.contains("[6, 24]") == true)
            try TinyModels.replace(
                "\"in_features\" : 24", in: path + "/2_Dense/config.json", with: "\"in_features\" : 23")
            #expect(throws: ModelError.self) { try EncoderLoader.load(path: path) }
        }
    }

    @Test func missingAndTruncatedWeightsAreRefused() throws {
        try withFolder { folder in
            let path = try writeStudent(in: folder)
            let bytes = try LocalFileSystem().read(path + "/model.safetensors")
            try AtomicFile.write(Array(bytes.dropLast(100)), to: path + "/model.safetensors")
            let error = #expect(throws: TensorError.self) { try EncoderLoader.load(path: path) }
            #expect(error?.description.contains("truncated") == true)
            try SafetensorsWriter.write(["w": TensorValues(shape: [1])], to: path + "/model.safetensors")
            #expect(throws: TensorError.self) { try EncoderLoader.load(path: path) }
            #expect(throws: StorageError.self) { try ModelFolder(path: path + "/attar.json") }
            #expect(throws: StorageError.self) { try ModelFolder(path: folder + "/none") }
        }
    }

    @Test func fingerprintsChangeWithWhateverChangesVectorsAndNothingElse() throws {
        try withFolder { folder in
            let path = try writeStudent(in: folder)
            let first = try EncoderLoader.load(path: path).fingerprint
            try LocalFileSystem().rename(path, to: folder + "/moved")
            try TinyModels.replace("\"tiny\"", in: folder + "/moved/attar.json", with: "\"other\"")
            let moved = try EncoderLoader.load(path: folder + "/moved").fingerprint
            #expect(moved.id == first.id && moved.name == "other" && first.name == "tiny")
            #expect(first.teacher == "abc" && first.space == "abc" && first.dimension == 6)
            try TinyModels.replace("Identity", in: folder + "/moved/2_Dense/config.json", with: "Tanh")
            try TinyModels.replace("linear.Tanh", in: folder + "/moved/2_Dense/config.json", with: "activation.Tanh")
            #expect(try EncoderLoader.load(path: folder + "/moved").fingerprint.id != first.id)
        }
    }

    @Test func equalStudentsHaveEqualBytesAndStrangersAreNotReplaced() throws {
        try withFolder { folder in
            let path = try writeStudent(in: folder)
            let names = [
                "modules.json", "attar.json", "model.safetensors", "config.json", "tokenizer.json",
                "2_Dense/config.json",
            ]
            let first = try names.map { try LocalFileSystem().read(path + "/" + $0) }
            _ = try writeStudent(in: folder)
            #expect(try names.map { try LocalFileSystem().read(path + "/" + $0) } == first)
            try LocalFileSystem().remove(path + "/attar.json")
            let error = #expect(throws: StorageError.self) { try writeStudent(in: folder) }
            #expect(error?.kind == .alreadyExists)
            #expect(try LocalFileSystem().list(folder) == ["source", "student"])
        }
    }

    @Test func aFullDiskLeavesTheOlderStudent() throws {
        try withFolder { folder in
            let path = try writeStudent(in: folder)
            for step in 0..<25 {
                let broken = FaultyFileSystem(failure: .init(at: step, .diskFull))
                #expect(throws: StorageError.self) { try writeStudent(in: folder, on: broken) }
                _ = try EncoderLoader.load(path: path)
            }
        }
    }

    @Test func truncationAndPaddingAreTakenOutOfATokenizerAndNothingElse() throws {
        try withFolder { folder in
            let source = try TinyModels.writePlain(to: folder + "/source")
            try AtomicFile.write(
                TinyModels.tokenizer(truncation: #"{"max_length": 2, "note": "a \" } brace"}"#),
                to: source.tokenizerPath)
            let writer = ModelFolderWriter(
                path: folder + "/s", tokenizerFrom: source, normalizes: false, prompts: ModelPrompts(),
                facts: AttarFacts(name: "s", dimension: 0, normalized: false))
            try writer.writeStatic(table: TinyModels.table(columns: 4, seed: 1))
            let written = String(decoding: try LocalFileSystem().read(folder + "/s/tokenizer.json"), as: UTF8.self)
            let expected = String(decoding: TinyModels.tokenizer(truncation: "null"), as: UTF8.self)
                .replacingOccurrences(of: #"{"pad": ["truncation", {"x": 1}]}"#, with: "null")
            #expect(written == expected)
            #expect(try ModelFolder(path: folder + "/s").maximumLength == .max)
            try AtomicFile.write(LocalFileSystem().read(source.tokenizerPath), to: folder + "/s/tokenizer.json")
            #expect(try ModelFolder(path: folder + "/s").maximumLength == 2)
        }
    }

    @discardableResult
    private func writeStudent(in folder: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> String {
        let source = try TinyModels.writePlain(to: folder + "/source")
        let teacher = EncoderFingerprint(id: "abc", name: "teacher", dimension: 6)
        let writer = ModelFolderWriter(
            path: folder + "/student", tokenizerFrom: source,
            dense: .init(weight: Matrix(rows: 6, columns: 24, values: (0..<144).map { Float($0 % 5) - 2 })),
            normalizes: true,
            prompts: ModelPrompts(named: ["query": "query: "], defaultName: "query"),
            facts: AttarFacts(
                name: "tiny", teacher: teacher, system: "S36", dimension: 0, normalized: false,
                training: ["steps": .number(3), "texts": .string("own")]),
            on: fileSystem)
        let weights = try TinyModels.weights(TinyModels.configuration, seed: 1)
        try writer.writeBert(TinyModels.configuration, weights: weights, maximumLength: 20)
        return folder + "/student"
    }
}
