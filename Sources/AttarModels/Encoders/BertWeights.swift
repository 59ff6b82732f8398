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
    let words: WordVectors
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
        let prefix = Self.prefix(file, shape.family)
        let reader = TensorReader(file: file, prefix: prefix, precision: precision)
        words = try WordVectors(
            file, named: prefix + Self.wordTable, shape: [shape.vocabularySize, shape.hiddenSize], precision: precision)
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

    /// The names of the matrices that are held in the encoder's precision, the word vectors among them.
    static func matrixNames(_ file: Safetensors, _ shape: BertConfiguration) -> [String] {
        let attention = shape.family.attentionNames
        let parts = attention.inputs + [attention.output, "intermediate.dense", "output.dense"]
        let layers = (0..<shape.layers).flatMap { layer in parts.map { "encoder.layer.\(layer).\($0).weight" } }
        return ([wordTable] + layers).map { prefix(file, shape.family) + $0 }
    }

    private static let wordTable = "embeddings.word_embeddings.weight"

    /// What stands before the names of the weights.
    private static func prefix(_ file: Safetensors, _ family: BertFamily) -> String {
        family.prefixes.first { file.entries[$0 + wordTable] != nil } ?? ""
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
        return Layer(
            queryKeyValue: try reader.stack(names.inputs.map { name + $0 }, width, width),
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

    /// A layer of one weight matrix and one bias.
    func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws -> PackedLinear {
        let bias = try floats(name + ".bias", [outputs])
        let (weight, shape) = (prefix + name + ".weight", [outputs, inputs])
        if precision == .int8, let bytes = try file.scaledBytes(named: weight, shape: shape) {
            return PackedLinear(bytes: [bytes], bias: bias)
        }
        return try file.withFloats(named: weight, shape: shape) { weight in
            PackedLinear(weight: weight, bias: bias, outputs: outputs, inputs: inputs, precision: precision)
        }
    }

    /// Several layers of the same shape as one: their matrices and biases below each other.
    func stack(_ names: [String], _ outputs: Int, _ inputs: Int) throws -> PackedLinear {
        let bias = try names.flatMap { try floats($0 + ".bias", [outputs]) }
        let (weights, shape) = (names.map { prefix + $0 + ".weight" }, [outputs, inputs])
        if precision == .int8 {
            let bytes = try weights.compactMap { try file.scaledBytes(named: $0, shape: shape) }
            if bytes.count == names.count { return PackedLinear(bytes: bytes, bias: bias) }
        }
        return PackedLinear(
            weight: try rows(weights, shape), bias: bias, outputs: names.count * outputs, inputs: inputs,
            precision: precision)
    }

    private func rows(_ names: [String], _ shape: [Int]) throws -> [Float] {
        let count = shape.reduce(1, *)
        return try [Float](unsafeUninitializedCapacity: names.count * count) { rows, filled in
            for name in names {
                try file.withFloats(named: name, shape: shape) { matrix in
                    _ = UnsafeMutableBufferPointer(rebasing: rows[filled...]).initialize(fromContentsOf: matrix)
                }
                filled += count
            }
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
