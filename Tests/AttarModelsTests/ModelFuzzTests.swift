import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Model folders that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter ModelFuzzTests` goes on
/// for 10 minutes each, and watches the address space, which other tests would disturb.
@Suite(.serialized) struct ModelFuzzTests {
    private static let families = BertEncoderTests.fixtures + "/families/"
    private let texts = ["the rose oil", "Steam of water, at dawn."]

    /// `modules.json`, `config.json`, `sentence_bert_config.json`, `config_sentence_transformers.json`, the modules' own
    /// files, `attar.json` and weights of what Attar writes.
    @Test func sentenceTransformersFolders() throws {
        try withFolder { folder in
            let source = try TinyModels.writePlain(to: folder + "/source")
            let dense = Matrix(rows: 6, columns: 24, values: (0..<144).map { Float($0 % 5) - 2 })
            let facts = AttarFacts(
                name: "tiny", teacher: EncoderFingerprint(id: "abc", name: "teacher", dimension: 6), system: "S36",
                dimension: 0, normalized: false, training: ["steps": .number(3)])
            let prompts = ModelPrompts(named: ["query": "query: "], defaultName: "query")
            let writer = ModelFolderWriter(
                path: folder + "/student", tokenizerFrom: source, dense: .init(weight: dense), normalizes: true,
                prompts: prompts, facts: facts)
            try writer.writeBert(
                TinyModels.configuration, weights: TinyModels.weights(TinyModels.configuration, seed: 1),
                maximumLength: 20)
            try DamagedModel(copyOf: folder + "/student").fuzz("sentence-transformers folder", rounds: 1000) {
                let encoder = try EncoderLoader.load(path: $0)
                #expect(try encoder.encode(texts, role: .query, options: EncodingOptions()).rows == 2)
                #expect(encoder.fingerprint.dimension == encoder.dimension)
            }
        }
    }

    @Test func staticFolders() throws {
        try withFolder { folder in
            let writer = ModelFolderWriter(
                path: folder + "/s", tokenizerFrom: try TinyModels.writePlain(to: folder + "/source"), normalizes: true,
                prompts: ModelPrompts(), facts: AttarFacts(name: "s", dimension: 0, normalized: false))
            try writer.writeStatic(table: TinyModels.table(columns: 4, seed: 1))
            try DamagedModel(copyOf: folder + "/s").fuzz("static folder") {
                let encoder = try EncoderLoader.load(path: $0)
                #expect(try encoder.encode(texts, role: .query, options: EncodingOptions()).rows == 2)
            }
        }
    }

    @Test(arguments: ["mpnet", "xlm-roberta"]) func transformerFolders(name: String) throws {
        try DamagedModel(copyOf: Self.families + name).fuzz("\(name) folder") {
            let encoder = try BertEncoder(path: $0)
            #expect(try encoder.tokenStates(texts, options: EncodingOptions()).count == 2)
        }
    }

    @Test(arguments: ["bert-masked", "roberta-masked"]) func sparseFolders(name: String) throws {
        try DamagedModel(copyOf: Self.families + name).fuzz("\(name) folder") {
            let encoder = try SparseEncoder(path: $0)
            #expect(try encoder.encode(texts).count == 2)
        }
    }

    @Test(arguments: ["bert-pairs", "xlm-roberta-pairs"]) func crossEncoderFolders(name: String) throws {
        try DamagedModel(copyOf: Self.families + name).fuzz("\(name) folder") {
            let encoder = try CrossEncoder(path: $0)
            #expect(try encoder.logits([.init(texts[0], texts[1])]).rows == 1)
        }
    }

    @Test(arguments: ["llama", "qwen2"]) func decoderFolders(name: String) throws {
        try DamagedModel(copyOf: TinyDecoders.path(name)).fuzz("\(name) folder") { try speak(TextDecoder(path: $0)) }
    }

    /// Metadata and tensors of a GGUF file that is whole as a container and says what no decoder is.
    @Test func decoderFiles() throws {
        let (folder, whole) = (try TemporaryFolder(), try LocalFileSystem().read(TinyDecoders.path("gguf")))
        let outcome = FuzzBudget.outcome(of: "GGUF decoder", rounds: 500) { seed in
            var mutator = ByteMutator(seed: seed)
            // The weights are most of the file, and any bytes are weights.
            let head = whole.count / 3
            return try folder.write(mutator.damaged(Array(whole[..<head])) + whole[head...], to: "damaged.gguf")
        } use: {
            try speak(TextDecoder(path: $0))
        } isRefusal: {
            DamagedModel.isRefusal($0, of: folder.path)
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 20 && outcome.refused > 100)
        #expect(outcome.growth ?? 0 < 64 << 20)
    }

    private func speak(_ decoder: TextDecoder) throws {
        let options = GenerationOptions(maximumTokens: 3)
        let prompt = decoder.prompt(raw: texts[1])
        guard !prompt.isEmpty, prompt.count < decoder.configuration.positions else { return }
        #expect(try TextGenerator(decoder).generate(prompt, options: options).ids.count <= 3)
        if decoder.chatTemplate != nil { _ = try decoder.prompt(for: [.init(.user, texts[0])]) }
    }

    /// `adapter_config.json` and `adapter_model.safetensors` of PEFT.
    @Test(arguments: TinyAdapters.names) func adapterFolders(name: String) throws {
        let shape = try TinyAdapters.shape(name)
        try DamagedModel(copyOf: TinyAdapters.folder(name)).fuzz("adapter of \(name)", rounds: 1000) {
            let adapter = try DecoderAdapter(folder: $0, for: shape)
            #expect(adapter.configuration.rank > 0)
            try speak(TextDecoder(path: TinyDecoders.path(name), adapter: adapter))
        }
    }
}
