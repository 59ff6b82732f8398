import AttarStorage
import AttarTensor
import AttarText

/// The weights of an encoder of the BERT family, packed for inference.
struct BertWeights: Sendable {
    /// One transformer layer.
    struct Layer: Sendable {
        /// Query, key and value in one product: `[3 hidden, hidden]`.
        let queryKeyValue: PackedLinear
        let attentionOutput: PackedLinear
        let attentionNorm: LayerNorm
        let intermediate: PackedLinear
        let output: PackedLinear
        let outputNorm: LayerNorm
    }

    /// Scale and shift of a layer normalisation.
    struct LayerNorm: Sendable {
        let gamma: FloatBuffer
        let beta: FloatBuffer
    }

    /// `[vocabulary, hidden]`, mapped where the file allows it.
    let words: TokenTable
    /// `[positions, hidden]`: position vectors with the first segment's vector added. Where the family counts positions
    /// from the padding token's id, the row of that token stands before them.
    let positions: FloatBuffer
    /// `[hidden]`: what the second segment's vector adds to the first's; nil when there is no second.
    let secondSegment: FloatBuffer?
    let relativePositions: RelativePositions?
    let embeddingNorm: LayerNorm
    let layers: [Layer]

    /// Reads and packs all weights; names may begin with the family's prefix, such as `bert.`.
    ///
    /// - Throws: `TensorError` when a tensor is missing or has another shape than the configuration states.
    init(_ file: Safetensors, _ shape: BertConfiguration, precision: Precision) throws {
        let table = "embeddings.word_embeddings.weight"
        let prefix = shape.family.prefixes.first { file.entries[$0 + table] != nil } ?? ""
        let reader = TensorReader(file: file, prefix: prefix, precision: precision)
        words = try TokenTable(file, named: prefix + table, shape: [shape.vocabularySize, shape.hiddenSize])
        let segments = try shape.segments == 0 ? [] : reader.floats(
            "embeddings.token_type_embeddings.weight", [shape.segments, shape.hiddenSize])
        positions = try Self.positions(reader, shape, segments)
        secondSegment = shape.segments < 2 ? nil : FloatBuffer(
            zip(segments.dropFirst(shape.hiddenSize), segments.prefix(shape.hiddenSize)).map { $0 - $1 })
        relativePositions = try shape.relativeBuckets == 0 ? nil : RelativePositions(
            reader.floats("encoder.relative_attention_bias.weight", [shape.relativeBuckets, shape.heads]), shape)
        embeddingNorm = try reader.layerNorm("embeddings.LayerNorm", shape.hiddenSize)
        layers = try (0..<shape.layers).map { try Self.layer(reader, "encoder.layer.\($0).", shape) }
    }

    private static func positions(
        _ reader: TensorReader, _ shape: BertConfiguration, _ segments: [Float]
    ) throws -> FloatBuffer {
        let width = shape.hiddenSize
        let offset = shape.family.positionOffset(padID: shape.padID)
        let all = try reader.floats("embeddings.position_embeddings.weight", [shape.positions + offset, width])
        // Of the rows before the first text position only the padding token's is ever read.
        var table = Array(all.dropFirst(max(0, offset - 1) * width))
        for index in table.indices where !segments.isEmpty { table[index] += segments[index % width] }
        return FloatBuffer(table)
    }

    private static func layer(_ reader: TensorReader, _ name: String, _ shape: BertConfiguration) throws -> Layer {
        let width = shape.hiddenSize
        let names = shape.family.attentionNames
        let bias = try names.inputs.flatMap { try reader.floats(name + $0 + ".bias", [width]) }
        return Layer(
            queryKeyValue: PackedLinear(
                weight: try reader.rows(names.inputs.map { name + $0 + ".weight" }, [width, width]), bias: bias,
                outputs: 3 * width, inputs: width, precision: reader.precision),
            attentionOutput: try reader.linear(name + names.output, width, width),
            attentionNorm: try reader.layerNorm(name + names.norm, width),
            intermediate: try reader.linear(name + "intermediate.dense", shape.intermediateSize, width),
            output: try reader.linear(name + "output.dense", width, shape.intermediateSize),
            outputNorm: try reader.layerNorm(name + "output.LayerNorm", width))
    }
}

/// Reads tensors by the names they have after an optional prefix.
struct TensorReader {
    let file: Safetensors
    let prefix: String
    let precision: Precision

    func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
        try file.floats(named: prefix + name, shape: shape)
    }

    /// Several matrices below each other.
    func rows(_ names: [String], _ shape: [Int]) throws -> [Float] {
        let count = shape.reduce(1, *)
        return try [Float](unsafeUninitializedCapacity: names.count * count) { rows, filled in
            for name in names {
                try file.withFloats(named: prefix + name, shape: shape) { matrix in
                    _ = UnsafeMutableBufferPointer(rebasing: rows[filled...]).initialize(fromContentsOf: matrix)
                }
                filled += count
            }
        }
    }

    func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws -> PackedLinear {
        let bias = try floats(name + ".bias", [outputs])
        return try file.withFloats(named: prefix + name + ".weight", shape: [outputs, inputs]) { weight in
            PackedLinear(
                weight: weight, bias: bias, outputs: outputs, inputs: inputs, precision: precision)
        }
    }

    /// Scale and shift; files that began in TensorFlow call them gamma and beta.
    func layerNorm(_ name: String, _ width: Int) throws -> BertWeights.LayerNorm {
        let isOld = file.entries[prefix + name + ".gamma"] != nil
        return BertWeights.LayerNorm(
            gamma: FloatBuffer(try floats(name + (isOld ? ".gamma" : ".weight"), [width])),
            beta: FloatBuffer(try floats(name + (isOld ? ".beta" : ".bias"), [width])))
    }
}

/// A vector for each token: in the file where that is possible, else a converted copy.
struct TokenTable: Sendable {
    private let mapped: MappedFloats?
    private let copied: FloatBuffer?
    /// The number of tokens.
    let rows: Int
    /// The width of a vector.
    let columns: Int
    private nonisolated(unsafe) let start: UnsafePointer<Float>

    /// A table in a weights file.
    ///
    /// - Throws: `TensorError`.
    init(_ file: Safetensors, named name: String, shape: [Int]) throws {
        rows = shape[0]
        columns = shape[1]
        mapped = try file.mapped(named: name, shape: shape)
        copied = mapped == nil ? FloatBuffer(try file.floats(named: name, shape: shape)) : nil
        start =
            mapped?.elements.baseAddress ?? copied.map { UnsafePointer($0.start) }
            ?? UnsafePointer(emptyFloats.start)
    }

    /// The first vector's first number; `rows * columns` follow it.
    var base: UnsafePointer<Float> { start }

    /// Refuses a tokenizer whose ids leave the table.
    func check(_ tokenizer: any Tokenizer, path: String) throws {
        guard tokenizer.vocabularySize <= rows else {
            throw ModelError.mismatch(
                file: path,
                detail: "it has ids up to \(tokenizer.vocabularySize - 1), but the model has vectors for \(rows) "
                    + "tokens. Weights and tokenizer are of two models.")
        }
    }
}

/// Where tables without rows point.
let emptyFloats = FloatBuffer(count: 0)
