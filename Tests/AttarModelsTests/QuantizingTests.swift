@testable import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct QuantizingTests {
    private static let families = BertEncoderTests.fixtures + "/families/"
    private static let texts = ["the rose oil of dawn", "Steam, water & clouds.", "", "rose rose petals 12 é"]
    private static let both: [Precision] = [.bfloat16, .int8]

    /// What a folder's encoder makes of the texts, of whatever kind it is, one behind the other.
    private static func output(_ path: String, _ precision: Precision?) throws -> [Float] {
        if path.contains("masked") {
            let encoder = try SparseEncoder(path: path, precision: precision)
            return texts.flatMap { encoder.logits($0).values }
        }
        if path.contains("pairs") {
            let pairs = zip(texts, texts.reversed()).map { CrossEncoder.Pair($0, $1) }
            return try CrossEncoder(path: path, precision: precision).logits(pairs).values
        }
        return try EncoderLoader.load(path: path, precision: precision).encode(texts).values
    }

    @Test(
        arguments: ["mpnet", "xlm-roberta", "bert-masked", "roberta-masked", "bert-pairs", "xlm-roberta-pairs"], both)
    func theFolderGivesTheBitsOfTheOriginalAtItsPrecision(name: String, precision: Precision) throws {
        try withFolder { folder in
            let (source, path) = (Self.families + name, folder + "/" + name)
            try ModelQuantizer(source: source, precision: precision).write(to: path)
            let found = try Self.output(path, nil)
            #expect(try found == Self.output(source, precision))
            #expect(try found == Self.output(path, precision))
            let exact = try Self.output(source, .float32)
            #expect(found != exact && cosine(found, exact) > 0.99)
            // At another precision the rounded weights are used as they are.
            let widened = try Self.output(path, .float32)
            #expect(widened != exact && cosine(widened, exact) > 0.99)
        }
    }

    /// Of the matrices only those stay in fp32 that are small, or are computed in fp32 in every precision.
    @Test(arguments: ["mpnet", "xlm-roberta", "bert-masked", "roberta-masked", "xlm-roberta-pairs"], both)
    func everyMatrixThatIsMultipliedIsRounded(name: String, precision: Precision) throws {
        let kept = ["position_embeddings", "token_type_embeddings", "relative_attention_bias", "pooler", "classifier"]
        try withFolder { folder in
            try ModelQuantizer(source: Self.families + name, precision: precision).write(to: folder + "/m")
            let before = try Safetensors(path: Self.families + name + "/model.safetensors")
            let after = try Safetensors(path: folder + "/m/model.safetensors")
            #expect(after.metadata["format"] == "pt")
            for (name, entry) in before.entries {
                let isRounded = entry.shape.count == 2 && !kept.contains { name.contains($0) }
                let now = try after.entry(named: name, shape: entry.shape)
                #expect(now.type == (!isRounded ? .float32 : precision == .int8 ? .int8 : .bfloat16), "\(name)")
                #expect((after.entries[name + "_scale"] != nil) == (isRounded && precision == .int8), "\(name)")
                if !isRounded { #expect(try after.bytes(named: name) == before.bytes(named: name)) }
            }
        }
    }

    @Test(arguments: both)
    func aSentenceTransformersFolderStaysOne(precision: Precision) throws {
        try withFolder { folder in
            let source = try Self.student(at: folder + "/student")
            try AtomicFile.write([1], to: folder + "/student/pytorch_model.bin")
            let sizes = try ModelQuantizer(source: source.path, precision: precision).write(to: folder + "/small/")
            let small = try ModelFolder(path: folder + "/small")
            #expect(small.heads.count == 2 && small.isNormalized && small.precision == precision)
            #expect(small.name == "pupil-\(precision.rawValue)" && small.facts?.system == "S36")
            #expect(small.maximumLength == source.maximumLength && small.prompts.named == source.prompts.named)
            let names = try LocalFileSystem().list(source.path).filter { $0 != "pytorch_model.bin" }
            #expect(try LocalFileSystem().list(small.path) == names)
            let encoder = try EncoderLoader.load(path: small.path)
            let expected = try EncoderLoader.load(path: source.path, precision: precision).encode(Self.texts)
            #expect(try encoder.encode(Self.texts) == expected)
            #expect(try sizes.before.weights == LocalFileSystem().size(source.weightsPath))
            #expect(try sizes.after.weights == LocalFileSystem().size(small.weightsPath))
            #expect(sizes.after.weights < sizes.before.weights && sizes.after.folder > sizes.after.weights)
        }
    }

    /// A transformer with a dense layer behind it, as distilling writes it.
    private static func student(at path: String) throws -> ModelFolder {
        let plain = try TinyModels.writePlain(to: path + "-plain")
        let writer = ModelFolderWriter(
            path: path, tokenizerFrom: plain, dense: .init(weight: TinyModels.table(columns: 24, seed: 3)),
            normalizes: true, prompts: ModelPrompts(), facts: AttarFacts(
                name: "pupil", system: "S36", dimension: 0, normalized: true))
        try writer.writeBert(
            TinyModels.configuration, weights: TinyModels.weights(TinyModels.configuration, seed: 2), maximumLength: 20)
        return try ModelFolder(path: path)
    }

    /// Another model by its fingerprint, whose vectors live in the space of the original.
    @Test func queriesOfTheFolderMaySearchVectorsOfTheOriginal() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder + "/a")
            try ModelQuantizer(source: folder + "/a", precision: .int8).write(to: folder + "/b")
            try ModelQuantizer(source: folder + "/a", precision: .bfloat16).write(to: folder + "/c")
            let prints = try ["a", "b", "c"].map { try EncoderLoader.load(path: folder + "/" + $0).fingerprint }
            #expect(Set(prints.map(\.id)).count == 3 && Set(prints.map(\.space)) == [prints[0].id])
            #expect(prints.allSatisfy { $0.sharesSpace(with: prints[0]) })
            try TinyModels.writePlain(to: folder + "/d", seed: 9)
            #expect(try !EncoderLoader.load(path: folder + "/d").fingerprint.sharesSpace(with: prints[1]))
            // A student's space is its teacher's, also when it is quantised.
            let student = try EncoderLoader.load(path: Self.student(at: folder + "/s").path).fingerprint
            try ModelQuantizer(source: folder + "/s", precision: .int8).write(to: folder + "/t")
            #expect(try EncoderLoader.load(path: folder + "/t").fingerprint.space == student.space)
        }
    }

    @Test func otherProgramsAreToldThatMatricesAreBytes() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder + "/a")
            for (precision, isDeclared) in [(Precision.int8, true), (.bfloat16, false)] {
                try ModelQuantizer(source: folder + "/a", precision: precision).write(to: folder + "/\(precision)")
                let configuration = try ConfigurationFile(folder + "/\(precision)/config.json").value
                let method = configuration["quantization_config"]?["quant_method"]?.string
                #expect(method == (isDeclared ? "compressed-tensors" : nil))
                #expect(configuration["hidden_size"]?.integer == 24)
            }
        }
    }

    @Test func whatCannotBeQuantizedIsRefusedAndNothingIsWritten() throws {
        try withFolder { folder in
            let plain = try TinyModels.writePlain(to: folder + "/plain")
            let writer = ModelFolderWriter(
                path: folder + "/static", tokenizerFrom: plain, normalizes: true, prompts: ModelPrompts(),
                facts: AttarFacts(name: "static", dimension: 0, normalized: true))
            try writer.writeStatic(table: TinyModels.table(columns: 8, seed: 1))
            try ModelQuantizer(source: folder + "/plain", precision: .int8).write(to: folder + "/small")
            try LocalFileSystem().remove(folder + "/small/attar.json")
            let decoder = BertEncoderTests.fixtures + "/../Decoders/Fixtures/llama"
            let cases: [(String, Precision, String)] = [
                (folder + "/static", .int8, "static token table"), (folder + "/plain", .float32, "bf16 or int8"),
                (folder + "/small", .bfloat16, "quantised already"), (decoder, .int8, "decoder"),
                (folder + "/none", .int8, "no model"),
            ]
            for (source, precision, word) in cases {
                do {
                    try ModelQuantizer(source: source, precision: precision).write(to: folder + "/new")
                    Issue.record("no error for \(source)")
                } catch {
                    #expect("\(error)".contains(word), "\(error)")
                }
                #expect(try !LocalFileSystem().exists(folder + "/new"))
            }
            for place in ["/plain", "/static/tokenizer.json"] {
                let error = #expect(throws: StorageError.self) {
                    try ModelQuantizer(source: folder + "/plain", precision: .int8).write(to: folder + place)
                }
                #expect(error?.kind == .alreadyExists)
            }
        }
    }

    @Test func hostileBytesAreRefusedByFileAndTensor() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder + "/a")
            try ModelQuantizer(source: folder + "/a", precision: .int8).write(to: folder + "/b")
            let path = folder + "/b/model.safetensors"
            let sound = try LocalFileSystem().read(path)
            for matrix in ["embeddings.word_embeddings.weight", "encoder.layer.1.attention.self.key.weight"] {
                let scales = try Safetensors(path: path).entry(named: matrix + "_scale").bytes
                for value in [Float.nan, 0, -1, .infinity] {
                    var bytes = sound
                    let first = scales.lowerBound..<scales.lowerBound + 4
                    bytes.replaceSubrange(first, with: withUnsafeBytes(of: value) { Array($0) })
                    try AtomicFile.write(bytes, to: path)
                    for precision in Precision.allCases {
                        try Self.expectRefusal(folder + "/b", precision, matrix + "_scale")
                    }
                }
                // The scales get another name, of the same length.
                var bytes = sound
                let name = Array((matrix + "_scale").utf8)
                let place = try #require(bytes.firstRange(of: name))
                bytes[place.upperBound - 1] = UInt8(ascii: "x")
                try AtomicFile.write(bytes, to: path)
                try Self.expectRefusal(folder + "/b", nil, matrix)
                try AtomicFile.write(sound, to: path)
            }
            #expect(try EncoderLoader.load(path: folder + "/b").encode(Self.texts).rows == 4)
        }
    }

    private static func expectRefusal(_ path: String, _ precision: Precision?, _ tensor: String) throws {
        let error = #expect(throws: TensorError.self) { try EncoderLoader.load(path: path, precision: precision) }
        let text = error?.description ?? ""
        #expect(text.contains(path + "/model.safetensors") && text.contains("\"\(tensor)\""), "\(text)")
    }

    /// Whatever fails, and when: the folder is not there, or it is whole.
    @Test func everyFaultLeavesNoFolderOrAWholeOne() throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder + "/a")
            var step = 0
            while true {
                let system = FaultyFileSystem(failure: .init(at: step, .diskFull, stays: false))
                do {
                    try ModelQuantizer(source: folder + "/a", precision: .int8, on: system).write(to: folder + "/b")
                    break
                } catch {
                    if try LocalFileSystem().exists(folder + "/b") {
                        #expect(try EncoderLoader.load(path: folder + "/b").encode(Self.texts).rows == 4)
                        try LocalFileSystem().removeTree(folder + "/b")
                    }
                    #expect(try LocalFileSystem().list(folder) == ["a"], "after a fault at step \(step)")
                }
                step += 1
            }
            #expect(step > 20)
        }
    }

    @Test func qualityIsThatOfTheCosines() throws {
        let quality = QuantizationQuality(cosines: [1, 0.5, 0.75, 0.25, 0])
        #expect(quality.texts == 5 && quality.minimum == 0 && quality.median == 0.5 && quality.mean == 0.5)
        #expect(abs(quality.firstPercentile - 0.01) < 1e-12)
        #expect(QuantizationQuality(cosines: [0.5]).firstPercentile == 0.5)
        try withFolder { folder in
            for name in ["mpnet", "bert-masked", "bert-pairs"] {
                let quantizer = try ModelQuantizer(source: Self.families + name, precision: .int8)
                try quantizer.write(to: folder + "/" + name)
                let found = try quantizer.quality(of: folder + "/" + name, on: Self.texts)
                guard name != "bert-pairs" else {
                    #expect(found == nil)
                    continue
                }
                let expected: [Double]
                if name == "mpnet" {
                    let (a, b) = (try Self.output(Self.families + name, nil), try Self.output(folder + "/mpnet", nil))
                    expected = (0..<4).map { cosine(a[$0 * 24..<($0 + 1) * 24], b[$0 * 24..<($0 + 1) * 24]) }
                } else {
                    expected = try Self.weightCosines(Self.families + name, folder + "/" + name)
                }
                let quality = try #require(found)
                // Sums in single precision against sums in double.
                #expect(abs(quality.minimum - (expected.min() ?? 0)) < 1e-6)
                #expect(abs(quality.mean - expected.reduce(0, +) / 4) < 1e-6)
                #expect(try quantizer.quality(of: folder + "/" + name, on: []) == nil)
            }
        }
    }

    private static func weightCosines(_ first: String, _ second: String) throws -> [Double] {
        let vectors = try [first, second].map { try SparseEncoder(path: $0).encode(texts) }
        return zip(vectors[0], vectors[1]).map { a, b in
            let other = Dictionary(uniqueKeysWithValues: zip(b.ids, b.weights))
            let dot = zip(a.ids, a.weights).reduce(0.0) { $0 + Double($1.1) * Double(other[$1.0] ?? 0) }
            let lengths = [a, b].map { $0.weights.reduce(0.0) { $0 + Double($1) * Double($1) } }
            return dot / (lengths[0] * lengths[1]).squareRoot()
        }
    }

    /// The bars of sizes, on a real model.
    @Test(
        .enabled(if: SharedData.hasMiniLM, "needs the model minilm"),
        arguments: [(Precision.bfloat16, 0.52), (.int8, 0.28)])
    func aRealModelIsHalfOrAQuarterOfItsSize(precision: Precision, bar: Double) throws {
        let source = try #require(SharedData.model("minilm"))
        try withFolder { folder in
            let quantizer = try ModelQuantizer(source: source, precision: precision)
            let sizes = try quantizer.write(to: folder + "/m")
            #expect(Double(sizes.after.weights) < bar * Double(sizes.before.weights))
            #expect(Double(sizes.after.folder) < bar * Double(sizes.before.folder))
            let texts = try JSONDecoder().decode(
                [String].self, from: Data(contentsOf: URL(filePath: BertEncoderTests.fixtures + "/texts.json")))
            let expected = try EncoderLoader.load(path: source, precision: precision).encode(texts)
            #expect(try EncoderLoader.load(path: folder + "/m").encode(texts) == expected)
            let quality = try #require(try quantizer.quality(of: folder + "/m", on: texts.filter { !$0.isEmpty }))
            #expect(quality.minimum >= (precision == .int8 ? 0.995 : 0.9999))
        }
    }
}
