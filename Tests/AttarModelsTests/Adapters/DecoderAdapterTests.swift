@testable import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import Testing

struct DecoderAdapterTests {
    @Test(arguments: TinyAdapters.names)
    func inferenceWithAFolderOfPEFTGivesWhatPyTorchGives(name: String) throws {
        let tiny = try TinyAdapters.load()
        let golden = try #require(tiny.adapters[name])
        let decoder = try TextDecoder(path: TinyDecoders.path(name), adapter: TinyAdapters.folder(name))
        #expect(decoder.precision == .float32)
        let found = try DecoderContext(decoder, threads: 2).logProbabilities(
            of: tiny.pairs.map(\.chosen), after: tiny.pairs.map(\.prompt))
        for (found, exact) in zip(found, golden.logProbabilities) {
            #expect(largestError(found.map { Float($0) }, exact) < 5e-6)
        }
    }

    /// The tiny GGUF file has the shape of the tiny Llama, whose adapter fits it.
    @Test(arguments: [Precision.bfloat16, .int8], [1, 2])
    func besideNarrowWeightsItChangesWhatItChangesInFloats(precision: Precision, threads: Int) throws {
        func values(_ precision: Precision, _ adapter: String?) throws -> [Double] {
            let decoder = try TextDecoder(path: TinyDecoders.path("gguf"), precision: precision, adapter: adapter)
            let context = DecoderContext(decoder, threads: threads)
            return try context.logProbabilities(of: [[9, 11, 40, 41, 42], [13]], after: [[7, 300], [12]]).flatMap { $0 }
        }
        let folder = TinyAdapters.folder("llama")
        let plain = try values(.float32, nil), exact = try values(.float32, folder)
        let narrow = try values(precision, folder)
        let change = zip(exact, plain).map { ($0 - $1).magnitude }.max() ?? 0
        let error = zip(narrow, exact).map { ($0 - $1).magnitude }.max() ?? 0
        #expect(change > 1)
        #expect(error < 0.1 * change, "\(error) of \(change)")
    }

    /// Rows above and below a block, columns in two shares, each kind of weights.
    @Test(arguments: [1, 16, 35], [false, true])
    func aLayerAddsTheProductOfItsChange(rows: Int, isNarrow: Bool) throws {
        let (outputs, inputs, rank) = (100, 33, 5)
        var generator = SeededGenerator(seed: 3)
        func random(_ shape: Int...) -> TensorValues {
            TensorValues(shape: shape, standardDeviation: 1, generator: &generator)
        }
        let change = DecoderAdapter.Change(down: random(rank, inputs), up: random(outputs, rank))
        var linear = DecoderLinear(
            weight: random(outputs, inputs).values, bias: random(outputs).values, outputs: outputs, inputs: inputs,
            isNarrow: isNarrow)
        let x = Activations(rows: rows, width: inputs, forms: .narrow)
        let values = random(rows, inputs).values
        x.floats.start.update(from: values, count: values.count)
        x.prepare(0..<rows, .narrow)
        func applied(_ linear: DecoderLinear) -> [Float] {
            var y = [Float](repeating: 0, count: rows * outputs)
            y.withUnsafeMutableBufferPointer { y in
                guard let start = y.baseAddress else { return }
                for columns in [0..<48, 48..<100] {
                    linear.apply(x, rows: rows, start, stride: outputs, columns: columns)
                }
            }
            return y
        }
        let plain = applied(linear)
        linear.change = DecoderChange(change, scale: 0.5)
        let changed = applied(linear)
        for row in 0..<rows {
            for column in 0..<outputs {
                var sum = 0.0
                for r in 0..<rank {
                    let low = (0..<inputs).reduce(0.0) {
                        $0 + Double(values[row * inputs + $1]) * Double(change.down.values[r * inputs + $1])
                    }
                    sum += 0.5 * low * Double(change.up.values[column * rank + r])
                }
                let place = row * outputs + column
                #expect(abs(Double(changed[place] - plain[place]) - sum) < 1e-4)
            }
        }
    }

    @Test(arguments: TinyAdapters.names)
    func whatIsWrittenIsReadAgain(name: String) throws {
        let shape = try TinyAdapters.shape(name)
        let read = try DecoderAdapter(folder: TinyAdapters.folder(name), for: shape)
        #expect(read.baseModel == "tiny " + name && read.files.count == 2)
        try withFolder { folder in
            for _ in 0..<2 { try read.write(to: folder + "/copy/") }
            let names = try LocalFileSystem().list(folder + "/copy").sorted()
            #expect(names == ["adapter_config.json", "adapter_model.safetensors"])
            #expect(try LocalFileSystem().list(folder) == ["copy"])
            let again = try DecoderAdapter(folder: folder + "/copy", for: shape)
            #expect(again.changes == read.changes && again.configuration == read.configuration)
            #expect(again.baseModel == read.baseModel)
        }
    }

    @Test func otherThingsAreNotReplaced() throws {
        let adapter = try DecoderAdapter(folder: TinyAdapters.folder("llama"), for: TinyAdapters.shape("llama"))
        try withFolder { folder in
            try AtomicFile.write(Array("mine".utf8), to: folder + "/notes.txt")
            let error = #expect(throws: StorageError.self) { try adapter.write(to: folder) }
            #expect(error?.description.contains("notes.txt") == true)
            #expect(try LocalFileSystem().list(folder) == ["notes.txt"])
        }
    }

    @Test func scaleIsThatOfPEFT() {
        #expect(LowRankConfiguration(rank: 4, alpha: 6).scale == 1.5)
        #expect(LowRankConfiguration(rank: 4, alpha: 6, usesRootOfRank: true).scale == 3)
    }

    @Test func targetsAreNamesOrTheirEnds() throws {
        let shape = try TinyAdapters.shape("llama")
        func names(_ targets: [String], layers: [Int]? = nil) throws -> [String] {
            try LowRankConfiguration(targets: targets, layers: layers).places(in: shape, file: "f").map(\.name)
        }
        #expect(try names(["v_proj"]) == ["model.layers.0.self_attn.v_proj", "model.layers.1.self_attn.v_proj"])
        #expect(try names(["layers.1.mlp.up_proj"]) == ["model.layers.1.mlp.up_proj"])
        #expect(try names(LowRankConfiguration.allLinear, layers: [1]).count == 7)
        for wrong in ["_proj", "lm_head", "embed_tokens", "input_layernorm", "layers.2.mlp.up_proj", ""] {
            #expect(throws: ModelError.self) { try names(["v_proj", wrong]) }
        }
        #expect(throws: ModelError.self) { try names(["v_proj"], layers: [2]) }
        #expect(throws: ModelError.self) { try names(["v_proj"], layers: []) }
        #expect(throws: ModelError.self) { try names([]) }
    }

    @Test func anAdapterOfAnotherModelIsRefused() throws {
        var generator = SeededGenerator(seed: 1)
        var other = try TinyAdapters.shape("qwen2")
        other.intermediateSize = 96
        let adapter = try DecoderAdapter(
            LowRankConfiguration(targets: ["up_proj"]), for: other, generator: &generator)
        for name in TinyAdapters.names {
            let error = #expect(throws: ModelError.self) {
                try TextDecoder(path: TinyDecoders.path(name), adapter: adapter)
            }
            #expect(error?.description.contains("[96, 32]") == true)
            #expect(throws: ModelError.self) { try TrainableDecoder(path: TinyDecoders.path(name), adapter: adapter) }
        }
    }

    @Test func theFingerprintKnowsTheAdapter() throws {
        let path = TinyDecoders.path("llama"), folder = TinyAdapters.folder("llama")
        let plain = try TextDecoder(path: path).fingerprint()
        let adapted = try TextDecoder(path: path, adapter: folder).fingerprint()
        let adapter = try DecoderAdapter(folder: folder, for: TinyAdapters.shape("llama"))
        let unsaved = try TrainableDecoder(path: path, adapter: adapter).adapter
        let made = try TextDecoder(path: path, adapter: unsaved).fingerprint()
        #expect(Set([plain, adapted, made]).count == 3)
        #expect(try TextDecoder(path: path, adapter: unsaved).fingerprint() == made)
    }
}
