import AttarTensor

/// The weights of a decoder, packed for inference.
struct DecoderWeights: Sendable {
    /// One layer: attention and feed-forward part, each behind a norm, each added to the states.
    struct Layer: Sendable {
        let attentionNorm: FloatBuffer
        let query: DecoderLinear
        let key: DecoderLinear
        let value: DecoderLinear
        let attentionOutput: DecoderLinear
        let feedForwardNorm: FloatBuffer
        let gate: DecoderLinear
        let up: DecoderLinear
        let down: DecoderLinear

        /// The forms in which the products behind the two norms want their left side.
        var attentionForms: Activations.Form { [query.form, key.form, value.form] }
        var feedForwardForms: Activations.Form { [gate.form, up.form] }
        /// All forms of the layer.
        fileprivate var forms: Activations.Form {
            [attentionForms, feedForwardForms, attentionOutput.form, down.form]
        }
    }

    let tokens: TokenVectors
    let layers: [Layer]
    let outputNorm: FloatBuffer
    /// `[vocabulary, hidden]`, often the token table.
    let output: DecoderLinear
    /// The forms in which some product wants its left side.
    let forms: Activations.Form

    /// Reads and packs all weights.
    ///
    /// - Parameter adapter: low-rank changes, which fit the configuration.
    /// - Throws: `TensorError` when a tensor is missing, has another shape than the configuration states, or holds
    ///   numbers that are not finite.
    init(
        _ file: DecoderWeightFile, _ shape: DecoderConfiguration, precision: Precision, adapter: DecoderAdapter? = nil
    ) throws {
        let reader = Reader(file: file, shape: shape, precision: precision, adapter: adapter)
        tokens = try TokenVectors(file, shape)
        layers = try (0..<shape.layers).map { try reader.layer($0) }
        outputNorm = try reader.norm(.outputNorm)
        output = try reader.linear(shape.tiesOutput ? .tokens : .output, shape.vocabularySize, shape.hiddenSize)
        forms = layers.reduce(output.form) { $0.union($1.forms) }
    }

    private struct Reader {
        let file: DecoderWeightFile
        let shape: DecoderConfiguration
        let precision: Precision
        let adapter: DecoderAdapter?

        func norm(_ place: DecoderWeightFile.Place) throws -> FloatBuffer {
            FloatBuffer(try file.floats(file.name(place) + ".weight", shape: [shape.hiddenSize]))
        }

        func linear(
            _ place: DecoderWeightFile.Place, _ outputs: Int, _ inputs: Int, bias: Bool = false,
            change: DecoderAdapter.Change? = nil
        ) throws -> DecoderLinear {
            let biases = bias ? try file.bias(place, count: outputs, shape) : nil
            if precision == .int8,
                let linear = try file.withBlocks(place, rows: outputs, columns: inputs, shape, { format, bytes in
                    DecoderLinear(blocks: bytes, format: format, bias: biases, outputs: outputs, inputs: inputs)
                })
            {
                return linear
            }
            var weight = try file.matrix(place, rows: outputs, columns: inputs, shape)
            if precision == .float32, let change, let adapter { change.add(to: &weight, scale: adapter.scale) }
            return DecoderLinear(
                weight: weight, bias: biases, outputs: outputs, inputs: inputs, isNarrow: precision != .float32)
        }

        /// A matrix of a layer, with its change, if it has one. Narrow weights would round a part of the change away.
        func linear(_ layer: Int, _ part: DecoderWeightFile.Part, bias: Bool = false) throws -> DecoderLinear {
            let matrix = shape.matrix(layer, part)
            let change = adapter?.changes[matrix.name]
            var linear = try linear(.layer(layer, part), matrix.outputs, matrix.inputs, bias: bias, change: change)
            if precision != .float32, let change, let adapter {
                linear.change = DecoderChange(change, scale: adapter.scale)
            }
            return linear
        }

        func layer(_ index: Int) throws -> Layer {
            let bias = shape.hasAttentionBias
            return Layer(
                attentionNorm: try norm(.layer(index, .attentionNorm)), query: try linear(index, .query, bias: bias),
                key: try linear(index, .key, bias: bias), value: try linear(index, .value, bias: bias),
                attentionOutput: try linear(index, .attentionOutput),
                feedForwardNorm: try norm(.layer(index, .feedForwardNorm)), gate: try linear(index, .gate),
                up: try linear(index, .up), down: try linear(index, .down))
        }
    }
}
