@testable import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Against the reference implementation, on tiny random models of each family (Fixtures/make_families.py).
struct BertFamilyTests {
    private struct Golden: Decodable {
        struct States: Decodable {
            var text: String
            var ids: [Int32]
            var states: [[Float]]
        }

        struct Masked: Decodable {
            var text: String
            var logits: [[Float]]
            var weights: [Float]
        }

        struct Pair: Decodable {
            var first: String
            var second: String
            var ids: [Int32]
            var segments: [Int]
            var logits: [Float]
        }

        var states: [States]?
        var masked: [Masked]?
        var pairs: [Pair]?
    }

    private static let folder = BertEncoderTests.fixtures + "/families"

    private static func golden(_ name: String) throws -> Golden {
        let data = try Data(contentsOf: URL(filePath: folder + "/golden.json"))
        return try #require(JSONDecoder().decode([String: Golden].self, from: data)[name])
    }

    private static func isClose(_ found: some Sequence<Float>, _ expected: [Float]) -> Bool {
        let found = Array(found)
        return found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 2e-5 * max(1, abs($1)) }
    }

    @Test(arguments: ["mpnet", "xlm-roberta"])
    func statesAreThoseOfTheReference(name: String) throws {
        let golden = try #require(Self.golden(name).states)
        let encoder = try BertEncoder(path: Self.folder + "/" + name)
        let options = EncodingOptions(threads: 2, batchTokens: 16)
        let found = try encoder.tokenStates(golden.map(\.text), options: options)
        for (expected, found) in zip(golden, found) {
            #expect(found.ids == expected.ids)
            #expect(found.states.rows == expected.ids.count && found.states.columns == 24)
            for (row, states) in expected.states.enumerated() {
                #expect(Self.isClose(found.states.row(row), states), "\(expected.text.prefix(30)), token \(row)")
            }
        }
        // The same states, pooled.
        let vectors = try encoder.encode(golden.map(\.text), role: .plain, options: options)
        for (row, states) in found.enumerated() {
            let mean = (0..<24).map { column in
                (0..<states.states.rows).reduce(0) { $0 + states.states.row($1).dropFirst(column).first! }
                    / Float(states.states.rows)
            }
            #expect(Self.isClose(vectors.row(row), mean))
            #expect(encoder.encodeOne(golden[row].text, role: .plain) == Array(vectors.row(row)))
        }
    }

    @Test(arguments: ["bert-masked", "roberta-masked"])
    func maskedLanguageHeadsGiveTheReferencesLogitsAndWeights(name: String) throws {
        let golden = try #require(Self.golden(name).masked)
        let encoder = try SparseEncoder(path: Self.folder + "/" + name)
        let vectors = try encoder.encode(golden.map(\.text), options: EncodingOptions(threads: 2, batchTokens: 8))
        for (expected, vector) in zip(golden, vectors) {
            let logits = encoder.logits(expected.text)
            #expect(logits.rows == expected.logits.count)
            for (row, expected) in expected.logits.enumerated() { #expect(Self.isClose(logits.row(row), expected)) }
            var dense = [Float](repeating: 0, count: encoder.vocabularySize)
            for (id, weight) in zip(vector.ids, vector.weights) { dense[Int(id)] = weight }
            #expect(Self.isClose(dense, expected.weights))
            #expect(vector.ids == vector.ids.sorted() && vector.weights.allSatisfy { $0 > 0 })
            #expect(encoder.encodeOne(expected.text) == vector)
        }
    }

    @Test(arguments: ["bert-pairs", "xlm-roberta-pairs"])
    func crossEncodersGiveTheReferencesLogits(name: String) throws {
        let golden = try #require(Self.golden(name).pairs)
        let encoder = try CrossEncoder(path: Self.folder + "/" + name)
        let pairs = golden.map { CrossEncoder.Pair($0.first, $0.second) }
        for (threads, tokens) in [(1, 1), (2, 64), (1, 1000)] {
            let logits = try encoder.logits(pairs, options: EncodingOptions(threads: threads, batchTokens: tokens))
            for (row, expected) in golden.enumerated() {
                #expect(Self.isClose(logits.row(row), expected.logits), "\(expected.first.prefix(20))")
            }
        }
        if encoder.labels == 1 {
            let sigmoid = golden.map { 1 / (1 + exp(-$0.logits[0])) }
            let scores = try encoder.scores(pairs)
            #expect(encoder.activation == .sigmoid && Self.isClose(scores, sigmoid))
        } else {
            #expect(throws: ModelError.self) { try encoder.scores(pairs) }
        }
        #expect(try encoder.logits([]).rows == 0)
        #expect(throws: ModelError.self) { try encoder.logits(pairs, options: EncodingOptions(maximumLength: 2)) }
    }

    @Test(arguments: ["bert-pairs", "xlm-roberta-pairs"])
    func pairsArePutTogetherAndCutAsInTheReference(name: String) throws {
        let golden = try #require(Self.golden(name).pairs)
        let tokenizer = try ModelFolder(path: Self.folder + "/" + name).tokenizer()
        let template = try #require(tokenizer.pairTemplate)
        for expected in golden {
            let parts = [expected.first, expected.second].map { tokenizer.encode($0, addSpecialTokens: false) }
            let limit = name == "bert-pairs" ? 40 : 41
            let (ids, second) = template.joined(parts[0], parts[1], maximumLength: limit)
            #expect(ids == expected.ids)
            #expect(expected.segments == ids.indices.map { second.contains($0) ? 1 : 0 })
        }
    }

    @Test func bucketsOfDistancesAreThoseOfTheReference() {
        // transformers.models.mpnet.modeling_mpnet.MPNetEncoder.relative_position_bucket: where each bucket begins.
        let beginnings = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]
        for distance in 0...600 {
            let bucket = beginnings.lastIndex { $0 <= distance } ?? 0
            #expect(RelativePositions.bucket(of: -distance, count: 32) == bucket)
            #expect(RelativePositions.bucket(of: distance, count: 32) == (distance == 0 ? 0 : 16 + bucket))
        }
    }

    @Test func sentenceTransformersSparseFoldersAreRead() throws {
        try withFolder { folder in
            for name in ["config.json", "tokenizer.json", "model.safetensors"] {
                let source = Self.folder + "/bert-masked/" + name
                try AtomicFile.write(LocalFileSystem().read(source), to: folder + "/" + name)
            }
            let modules = """
                [{"path": "", "type": "sentence_transformers.sparse_encoder.models.MLMTransformer"},
                 {"path": "1_SpladePooling", "type": "sentence_transformers.sparse_encoder.models.SpladePooling"}]
                """
            try AtomicFile.write(Array(modules.utf8), to: folder + "/modules.json")
            try LocalFileSystem().makeDirectory(folder + "/1_SpladePooling")
            let pooling = folder + "/1_SpladePooling/config.json"
            try AtomicFile.write(
                Array(#"{"pooling_strategy": "max", "activation_function": "relu", "word_embedding_dimension": 21}"#.utf8),
                to: pooling)
            #expect(try ModelFolder(path: folder).isSparse)
            let plain = try SparseEncoder(path: Self.folder + "/bert-masked")
            let sparse = try SparseEncoder(path: folder)
            #expect(sparse.encodeOne("the rose") == plain.encodeOne("the rose"))
            #expect(sparse.fingerprint.id == plain.fingerprint.id && sparse.fingerprint.dimension == 21)
            #expect(throws: ModelError.self) { try EncoderLoader.load(path: folder) }
            try TinyModels.replace("\"max\"", in: pooling, with: "\"sum\"")
            #expect(throws: ModelError.self) { try SparseEncoder(path: folder) }
        }
    }

    @Test func aModelWithoutTheHeadSaysSo() throws {
        let missing = #expect(throws: TensorError.self) { try SparseEncoder(path: Self.folder + "/mpnet") }
        #expect(missing?.description.contains("lm_head") == true)
        let unsupported = #expect(throws: ModelError.self) { try CrossEncoder(path: Self.folder + "/bert-masked") }
        #expect(unsupported?.description.contains("classifier") == true)
    }

    @Test func relativesOfBERTAreNotTrainedLayerByLayer() throws {
        let folder = try ModelFolder(path: Self.folder + "/mpnet")
        guard case .bert(let configuration, _) = folder.backbone else { return #expect(Bool(false)) }
        #expect(configuration.positions == 300 && configuration.family == .mpnet)
        #expect(throws: ModelError.self) { try TrainableBert.Configuration(configuration) }
    }

    @Test func positionsThatPaddingLeavesNoRoomForAreRefused() throws {
        try withFolder { folder in
            for name in ["config.json", "tokenizer.json", "model.safetensors"] {
                let source = Self.folder + "/xlm-roberta/" + name
                try AtomicFile.write(LocalFileSystem().read(source), to: folder + "/" + name)
            }
            _ = try ModelFolder(path: folder)
            for pad in ["41", "9223372036854775807"] {
                try AtomicFile.write(
                    LocalFileSystem().read(Self.folder + "/xlm-roberta/config.json"), to: folder + "/config.json")
                try TinyModels.replace("\"pad_token_id\": 1", in: folder + "/config.json", with: "\"pad_token_id\": \(pad)")
                #expect(throws: ModelError.self) { try ModelFolder(path: folder) }
            }
        }
    }

    @Test(.enabled(if: SharedData.model("splade-tiny") != nil, "needs the model splade-tiny"))
    func spladeExpandsAQuery() throws {
        let encoder = try SparseEncoder(path: #require(SharedData.model("splade-tiny")))
        let vector = encoder.encodeOne("how do I rotate the log files")
        let best = zip(vector.ids, vector.weights).max { $0.1 < $1.1 }
        #expect(best.flatMap { encoder.tokenizer.token(for: $0.0) } == "rotate")
        #expect(vector.ids.count < 200)
    }
}
