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
    /// - Throws: `TensorError` when a tensor is missing, has another shape than the configuration states, or holds numbers
    ///   that are not finite.
    init(_ file: DecoderWeightFile, _ shape: DecoderConfiguration, precision: Precision) throws {
        let reader = Reader(file: file, shape: shape, precision: precision)
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

        func norm(_ place: DecoderWeightFile.Place) throws -> FloatBuffer {
            FloatBuffer(try file.floats(file.name(place) + ".weight", shape: [shape.hiddenSize]))
        }

        func linear(
            _ place: DecoderWeightFile.Place, _ outputs: Int, _ inputs: Int, bias: Bool = false
        ) throws -> DecoderLinear {
            let biases = bias ? try file.bias(place, count: outputs, shape) : nil
            if precision == .int8,
                let linear = try file.withBlocks(place, rows: outputs, columns: inputs, shape, { format, bytes in
                    DecoderLinear(blocks: bytes, format: format, bias: biases, outputs: outputs, inputs: inputs)
                })
            {
                return linear
            }
            return DecoderLinear(
                weight: try file.matrix(place, rows: outputs, columns: inputs, shape), bias: biases, outputs: outputs,
                inputs: inputs, isNarrow: precision != .float32)
        }

        func layer(_ index: Int) throws -> Layer {
            let hidden = shape.hiddenSize, bias = shape.hasAttentionBias
            return Layer(
                attentionNorm: try norm(.layer(index, .attentionNorm)),
                query: try linear(.layer(index, .query), shape.queryWidth, hidden, bias: bias),
                key: try linear(.layer(index, .key), shape.keyValueWidth, hidden, bias: bias),
                value: try linear(.layer(index, .value), shape.keyValueWidth, hidden, bias: bias),
                attentionOutput: try linear(.layer(index, .attentionOutput), hidden, shape.queryWidth),
                feedForwardNorm: try norm(.layer(index, .feedForwardNorm)),
                gate: try linear(.layer(index, .gate), shape.intermediateSize, hidden),
                up: try linear(.layer(index, .up), shape.intermediateSize, hidden),
                down: try linear(.layer(index, .down), hidden, shape.intermediateSize))
        }
    }
}
