import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct BertEncoderTests {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

    @Test(.enabled(if: SharedData.hasMiniLM, "needs the model minilm"), arguments: [nil, 16])
    func vectorsAreThoseOfSentenceTransformers(maximumLength: Int?) throws {
        let path = try #require(SharedData.model("minilm"))
        let encoder = try BertEncoder(path: path)
        let texts = try JSONDecoder().decode(
            [String].self, from: Data(contentsOf: URL(filePath: Self.fixtures + "/texts.json")))
        let golden = try NumpyFile.read(Self.fixtures + (maximumLength == nil ? "/minilm.npy" : "/minilm-16.npy"))
        #expect(encoder.maximumLength == 256 && encoder.dimension == 384 && encoder.isNormalized)
        let vectors = try encoder.encode(
            texts, role: .plain, options: EncodingOptions(threads: 2, maximumLength: maximumLength))
        for row in 0..<texts.count {
            #expect(cosine(vectors.row(row), golden.row(row)) >= 0.99999, "\(texts[row].prefix(40))")
            let worst = zip(vectors.row(row), golden.row(row)).map { abs($0 - $1) }.max() ?? 1
            #expect(worst < 1e-5, "\(texts[row].prefix(40))")
        }
    }

    @Test func aVectorDependsNeitherOnItsCompanyNorOnThreads() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder)
            let encoder = try BertEncoder(path: folder)
            var generator = SeededGenerator(seed: 7)
            let texts = (0..<90).map { _ in
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    TinyModels.words.randomElement(using: &generator) ?? ""
                }.joined(separator: " ")
            }
            let reference = texts.map { encoder.encodeOne($0, role: .plain) }
            for (threads, tokens) in [(1, 1), (2, 7), (4, 64), (2, 512), (1, 100_000)] {
                let options = EncodingOptions(threads: threads, batchTokens: tokens)
                let vectors = try encoder.encode(texts, role: .plain, options: options)
                for row in texts.indices { #expect(Array(vectors.row(row)) == reference[row]) }
            }
        }
    }

    @Test func theTrainableEncoderGivesTheSameStates() throws {
        try withFolder { folder in
            for activation in [BertConfiguration.Activation.gelu, .geluTanh, .relu] {
                var configuration = TinyModels.configuration
                configuration.activation = activation
                try TinyModels.writePlain(to: folder, configuration: configuration, prefix: "bert.")
                let encoder = try BertEncoder(path: folder)
                let trainable = try TrainableBert(
                    configuration: .init(configuration), weights: TinyModels.weights(configuration, seed: 1))
                let texts = ["the oil of roses", "", "steam is water . the cloudy dawn"]
                let tape = Tape()
                let (states, layout) = trainable.forward(tape, ids: texts.map { encoder.tokenizer.encode($0) })
                let expected = tape.meanPooling(states, layout: layout).matrix
                let found = try encoder.encode(texts)
                for row in texts.indices { #expect(cosine(found.row(row), expected.row(row)) > 0.999999) }
            }
        }
    }

    @Test func poolingModesDoWhatTheirNamesSay() throws {
        try withFolder { folder in
            let source = try TinyModels.writePlain(to: folder + "/source")
            let weights = try TinyModels.weights(TinyModels.configuration, seed: 1)
            let trainable = try TrainableBert(configuration: .init(TinyModels.configuration), weights: weights)
            for mode in [PoolingConfiguration.Mode.mean, .cls, .max] {
                let writer = ModelFolderWriter(
                    path: folder + "/student", tokenizerFrom: source, normalizes: false, prompts: ModelPrompts(),
                    facts: AttarFacts(name: "tiny", dimension: 0, normalized: false))
                try writer.writeBert(
                    TinyModels.configuration, weights: weights, pooling: PoolingConfiguration(mode: mode),
                    maximumLength: 20)
                let encoder = try BertEncoder(path: folder + "/student")
                #expect(encoder.maximumLength == 20 && encoder.pooling.mode == mode)
                let ids = encoder.tokenizer.encode("the oil of roses")
                let states = trainable.forward(Tape(), ids: [ids]).states.matrix
                let expected = (0..<states.columns).map { column in
                    let values = (0..<states.rows).map { states.values[$0 * states.columns + column] }
                    switch mode {
                    case .cls: return values[0]
                    case .max: return values.max() ?? 0
                    case .mean: return values.reduce(0, +) / Float(values.count)
                    }
                }
                let found = encoder.encodeOne("the oil of roses", role: .plain)
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 }, "\(mode)")
            }
        }
    }

    @Test func promptsBelongToRolesAndMayBeLeftOutOfPooling() throws {
        try withFolder { folder in
            let source = try TinyModels.writePlain(to: folder + "/source")
            let weights = try TinyModels.weights(TinyModels.configuration, seed: 1)
            func encoder(_ name: String, includesPrompt: Bool) throws -> BertEncoder {
                let writer = ModelFolderWriter(
                    path: folder + "/" + name, tokenizerFrom: source, normalizes: true,
                    prompts: ModelPrompts(named: ["query": "query: ", "document": "", "passage": "passage: "]),
                    facts: AttarFacts(name: name, dimension: 0, normalized: false))
                try writer.writeBert(
                    TinyModels.configuration, weights: weights,
                    pooling: PoolingConfiguration(includesPrompt: includesPrompt), maximumLength: 32)
                return try BertEncoder(path: folder + "/" + name)
            }
            let with = try encoder("with", includesPrompt: true)
            #expect(with.encodeOne("rose", role: .query) == with.encodeOne("query: rose", role: .plain))
            #expect(with.encodeOne("rose", role: .passage) == with.encodeOne("passage: rose", role: .plain))
            #expect(with.encodeOne("rose", role: .query) != with.encodeOne("rose", role: .plain))
            let without = try encoder("without", includesPrompt: false)
            #expect(without.encodeOne("rose", role: .query) != with.encodeOne("rose", role: .query))
            #expect(without.encodeOne("rose", role: .plain) == with.encodeOne("rose", role: .plain))
            #expect(without.fingerprint.id != with.fingerprint.id)
        }
    }

    @Test func textsAreCutAtThePositionTableAndNonsenseLimitsAreRefused() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder)
            let encoder = try BertEncoder(path: folder)
            let long = Array(repeating: "rose", count: 1000).joined(separator: " ")
            let cut = Array(repeating: "rose", count: 30).joined(separator: " ")
            #expect(encoder.encodeOne(long, role: .plain) == encoder.encodeOne(cut, role: .plain))
            let wide = try encoder.encode([long], role: .plain, options: EncodingOptions(maximumLength: 4096))
            #expect(wide.values == encoder.encodeOne(cut, role: .plain))
            #expect(throws: ModelError.self) {
                try encoder.encode(["a"], role: .plain, options: EncodingOptions(maximumLength: 2))
            }
            #expect(try encoder.encode([]).rows == 0)
        }
    }

    @Test func progressEndsWithAllTexts() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder)
            let seen = Recorder()
            let options = EncodingOptions(threads: 2, batchTokens: 8) { done, all in seen.add(done, all) }
            _ = try BertEncoder(path: folder).encode(
                Array(repeating: "the rose", count: 40), role: .plain, options: options)
            #expect(seen.last == [40, 40] && seen.isAscending)
        }
    }
}

final class Recorder: @unchecked Sendable {
    private let lock = NSLock()
    private var calls: [[Int]] = []
    func add(_ done: Int, _ all: Int) { lock.withLock { calls.append([done, all]) } }
    var last: [Int]? { lock.withLock { calls.last } }
    var isAscending: Bool { lock.withLock { zip(calls, calls.dropFirst()).allSatisfy { $0[0] < $1[0] } } }
}
