import AttarStorage
import AttarTensor
import AttarText
import CAttarKernels
import Foundation

/// Writes an encoder's folder anew with its matrices in bfloat16 or in bytes: half or a quarter of the size.
///
/// ```swift
/// let quantizer = try ModelQuantizer(source: "minilm", precision: .int8)
/// try quantizer.write(to: "minilm-int8")
/// let vectors = try EncoderLoader.load(path: "minilm-int8").encode(["attar of roses"])
/// ```
/// The new folder gives the bits that the old one gives at that precision: weights are rounded as they are rounded when
/// they are packed, and what is in fp32 there stays so. It is another model by its fingerprint, but its vectors live in
/// the space of the old one's, which is written down: its queries may search an index of the old model (asymmetric).
///
/// bfloat16 stands in the file as BF16. Bytes stand as I8 with a scale a row in a tensor of their own (`ScaledBytes`),
/// and config.json says so in the words of the library compressed-tensors, so that no program takes them for weights.
public struct ModelQuantizer: Sendable {
    /// The model that is read.
    public let source: ModelFolder
    /// What its matrices become: bfloat16 or int8.
    public let precision: Precision
    private let fileSystem: any FileSystem

    /// Looks at a model.
    ///
    /// - Throws: `ModelError` when it is no transformer encoder or is quantised already; what reading it throws.
    public init(
        source path: String, precision: Precision, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        guard precision != .float32 else {
            throw ModelError.badOption("A model is quantised to bf16 or int8; fp32 is what it is made from.")
        }
        if try DecoderDescription(ifDecoderAt: path) != nil {
            throw ModelError.unsupported(
                folder: path,
                detail: "it is a decoder, where an encoder is quantised. Decoders come quantised as GGUF files.")
        }
        source = try ModelFolder(path: path)
        self.precision = precision
        self.fileSystem = fileSystem
    }

    /// Writes the new folder, which appears whole or not at all.
    ///
    /// - Throws: `StorageError.alreadyExists` when anything stands at the path; `ModelError` when the source is no
    ///   transformer or is quantised already; what reading its weights throws.
    /// - Complexity: O(bytes) time; memory of the source's encoder and of the largest matrix.
    @discardableResult
    public func write(to path: String) throws -> QuantizedSizes {
        guard case .bert(let shape, _) = source.backbone else {
            throw ModelError.unsupported(
                folder: source.path, detail: "it is a static token table, where a transformer is quantised.")
        }
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard try fileSystem.entry(at: path) == nil else {
            throw StorageError(
                .alreadyExists, path: path, "something stands here already. Choose another name, or remove it first.")
        }
        let file = try source.weights()
        let names = try matrixNames(file, shape)
        let facts = try facts(of: ComparableEncoder(source, file))
        try AtomicFolder.write(to: path, on: fileSystem) { folder in
            let backbone = folder + source.backbonePath.dropFirst(source.path.count)
            try copyCompanions(to: folder)
            try SafetensorsWriter.write(
                tensors(file, matrices: names), metadata: file.metadata.merging(["format": "pt"]) { old, _ in old },
                to: backbone + "/model.safetensors", on: fileSystem)
            if precision == .int8 { try declareBytes(in: backbone + "/config.json") }
            try AtomicFile.write(facts.json(), to: folder + "/attar.json", on: fileSystem)
        }
        return try QuantizedSizes(source: source, output: ModelFolder(path: path))
    }

    /// - Throws: `ModelError` when a matrix is in bytes already, which rounding again would only harm.
    private func matrixNames(_ file: Safetensors, _ shape: BertConfiguration) throws -> Set<String> {
        let names = BertWeights.matrixNames(file, shape) + MaskedLanguageHead.matrixNames(file, shape.family)
        let isQuantized = try source.precision != .float32
            || names.contains { try file.entry(named: $0).type == .int8 }
        guard !isQuantized else {
            throw ModelError.unsupported(
                folder: source.path, detail: "it is quantised already. Give the fp32 model that it was made from.")
        }
        return Set(names)
    }

    private func facts(of encoder: ComparableEncoder) -> AttarFacts {
        let fingerprint = encoder.fingerprint
        return AttarFacts(
            name: "\(source.name)-\(precision.rawValue)", teacher: source.facts?.teacher ?? fingerprint,
            system: source.facts?.system, dimension: fingerprint.dimension, normalized: source.isNormalized,
            prompts: source.prompts.named, precision: precision, training: source.facts?.training ?? [:])
    }

    // MARK: Tensors

    private func tensors(_ file: Safetensors, matrices: Set<String>) -> [String: SafetensorsWriter.Tensor] {
        var tensors: [String: SafetensorsWriter.Tensor] = [:]
        for (name, entry) in file.entries {
            if !matrices.contains(name) {
                tensors[name] = .init(type: entry.type, shape: entry.shape) { try file.bytes(named: name) }
            } else if precision == .bfloat16 {
                tensors[name] = .init(type: .bfloat16, shape: entry.shape) { try Self.brainFloats(file, name) }
            } else {
                tensors[name] = .init(type: .int8, shape: entry.shape) { try Self.bytes(file, name).codes }
                tensors[name + ScaledBytes.scaleSuffix] = .init(type: .float32, shape: [entry.shape.first ?? 0, 1]) {
                    try Self.bytes(file, name).scales
                }
            }
        }
        return tensors
    }

    /// The bytes of a matrix in bfloat16, rounded as packing rounds it.
    private static func brainFloats(_ file: Safetensors, _ name: String) throws -> [UInt8] {
        let values = try file.floats(named: name)
        // A row of odd length would be followed by a zero; two of all numbers have even length.
        var words = [UInt16](repeating: 0, count: values.count + 1)
        attar_bf16_rows(values, values.count, 1, values.count, &words, words.count)
        return words.prefix(values.count).withUnsafeBytes { Array($0) }
    }

    /// The bytes of a matrix's codes, and of its scales.
    private static func bytes(_ file: Safetensors, _ name: String) throws -> (codes: [UInt8], scales: [UInt8]) {
        let matrix = try file.matrix(named: name)
        var codes = [Int8](repeating: 0, count: matrix.values.count)
        var scales = [Float](repeating: 0, count: matrix.rows)
        attar_quantize_i8(matrix.values, matrix.rows, matrix.columns, &codes, &scales)
        return (codes.withUnsafeBytes { Array($0) }, scales.withUnsafeBytes { Array($0) })
    }

    // MARK: Files

    /// Copies what describes the model: tokenizer, configurations, licence, and the dense layers' own weights.
    private func copyCompanions(to folder: String) throws {
        let local = LocalFileSystem()
        for place in [""] + (try moduleFolders()) {
            if !place.isEmpty { try fileSystem.makeDirectory(folder + place) }
            for name in try local.list(source.path + place) where Self.describes(name) || name == "model.safetensors" {
                let path = source.path + place + "/" + name
                guard path != source.weightsPath, try local.information(at: path)?.kind == .file else { continue }
                try AtomicFile.write(local.read(path), to: folder + place + "/" + name, on: fileSystem)
            }
        }
    }

    /// The folders of the modules, as `/1_Pooling`.
    private func moduleFolders() throws -> [String] {
        let local = LocalFileSystem()
        return try local.list(source.path).map { "/" + $0 }.filter {
            try local.information(at: source.path + $0)?.kind == .directory
                && local.exists(source.path + $0 + "/config.json")
        }
    }

    /// Weights in other forms, pictures and programs are left behind.
    private static func describes(_ name: String) -> Bool {
        guard !name.hasPrefix("."), !["attar.json", "model.safetensors.index.json"].contains(name) else { return false }
        guard let dot = name.lastIndex(of: ".") else { return ["LICENSE", "NOTICE"].contains(name.uppercased()) }
        return ["json", "txt", "md", "model"].contains(name[name.index(after: dot)...].lowercased())
    }

    /// Says in config.json that matrices are bytes, right behind its opening brace; all else stays as it is.
    private func declareBytes(in path: String) throws {
        var bytes = try fileSystem.read(path, maximumBytes: 16 << 20)
        let configuration = try ConfigurationFile(path)
        let key = "quantization_config"
        guard configuration.value[key] == nil, let brace = bytes.firstIndex(of: UInt8(ascii: "{")) else {
            throw configuration.bad(key, "the model is quantised already. Give the one that it was made from")
        }
        bytes.insert(contentsOf: Array(("\n  " + Self.declaration + ",").utf8), at: brace + 1)
        try AtomicFile.write(bytes, to: path, on: fileSystem)
    }

    /// As transformers 5 with compressed-tensors reads it: bytes with a scale a row, to be made floats while loading.
    private static let declaration = """
        "quantization_config": {
            "quant_method": "compressed-tensors", "format": "int-quantized", "quantization_status": "compressed",
            "dequantize": true, "ignore": ["re:.*pooler.*", "re:.*classifier.*"],
            "config_groups": {"group_0": {
              "targets": ["Linear", "re:.*word_embeddings"],
              "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false}}}
          }
        """
}

/// What quantising did to a model's size.
public struct QuantizedSizes: Sendable, Codable, Equatable {
    /// The bytes of a model.
    public struct Bytes: Sendable, Codable, Equatable {
        /// Of the transformer's weights.
        public let weights: Int
        /// Of all files that a quantised folder has.
        public let folder: Int
    }

    /// Of the source.
    public let before: Bytes
    /// Of what was written.
    public let after: Bytes

    init(source: ModelFolder, output: ModelFolder) throws {
        let names = try Self.files(below: output.path)
        let isShared = { name in try LocalFileSystem().information(at: source.path + name)?.kind == .file }
        before = try Self.bytes(source, files: names.filter { try $0 == "/attar.json" ? false : isShared($0) })
        after = try Self.bytes(output, files: names)
    }

    private static func bytes(_ folder: ModelFolder, files: [String]) throws -> Bytes {
        let local = LocalFileSystem()
        return Bytes(
            weights: try local.size(folder.weightsPath),
            folder: try files.reduce(0) { try $0 + local.size(folder.path + $1) })
    }

    private static func files(below folder: String, place: String = "") throws -> [String] {
        try LocalFileSystem().list(folder + place).flatMap { name in
            let path = place + "/" + name
            let isFolder = try LocalFileSystem().entry(at: folder + path)?.kind == .directory
            return isFolder ? try files(below: folder, place: path) : [path]
        }
    }
}
