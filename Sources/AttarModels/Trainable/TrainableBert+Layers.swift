import AttarTensor

extension TrainableBert {
    /// Words, positions and the first segment, summed and normalised.
    struct Embeddings {
        let words: Tensor
        let positions: Tensor
        let segments: Tensor
        let gamma: Tensor
        let beta: Tensor

        init(_ tensor: (String) -> Tensor) {
            words = tensor("embeddings.word_embeddings.weight")
            positions = tensor("embeddings.position_embeddings.weight")
            segments = tensor("embeddings.token_type_embeddings.weight")
            gamma = tensor("embeddings.LayerNorm.weight")
            beta = tensor("embeddings.LayerNorm.bias")
        }

        func forward(_ tape: Tape, _ ids: [[Int32]], _ configuration: Configuration) -> Tensor {
            let places = ids.flatMap { 0..<Int32($0.count) }
            let words = tape.embedding(words, ids: ids.flatMap { $0 })
            let segment = tape.reshape(tape.sliceRows(segments, 0..<1), to: [configuration.hiddenSize])
            let offsets = tape.addRow(tape.embedding(positions, ids: places), segment)
            return tape.layerNorm(
                words, residual: offsets, gamma: gamma, beta: beta, epsilon: configuration.layerNormEpsilon)
        }
    }

    /// Attention, then two linear maps with a nonlinearity between; each followed by a residual sum and normalisation.
    struct Layer {
        /// A linear map.
        struct Map {
            let weight: Tensor
            let bias: Tensor

            init(_ name: String, _ tensor: (String) -> Tensor) {
                weight = tensor(name + ".weight")
                bias = tensor(name + ".bias")
            }

            func callAsFunction(_ tape: Tape, _ x: Tensor) -> Tensor { tape.linear(x, weight: weight, bias: bias) }
        }

        let query, key, value, attentionOutput, intermediate, output: Map
        let attentionNorm, outputNorm: Map

        init(_ tensor: (String) -> Tensor) {
            query = Map("attention.self.query", tensor)
            key = Map("attention.self.key", tensor)
            value = Map("attention.self.value", tensor)
            attentionOutput = Map("attention.output.dense", tensor)
            attentionNorm = Map("attention.output.LayerNorm", tensor)
            intermediate = Map("intermediate.dense", tensor)
            output = Map("output.dense", tensor)
            outputNorm = Map("output.LayerNorm", tensor)
        }

        func forward(
            _ tape: Tape, _ x: Tensor, _ layout: SequenceLayout, _ configuration: Configuration,
            _ dropout: inout Dropout
        ) -> Tensor {
            let epsilon = configuration.layerNormEpsilon
            let projections = [query, key, value]
            let qkv = tape.linear(x, weights: projections.map(\.weight), biases: projections.map(\.bias))
            let attended = tape.attention(qkv: qkv, layout: layout, heads: configuration.headCount)
            let mixed = tape.layerNorm(
                dropout.apply(tape, attentionOutput(tape, attended)), residual: x, gamma: attentionNorm.weight,
                beta: attentionNorm.bias, epsilon: epsilon)
            let between = activate(tape, intermediate(tape, mixed), configuration.activation)
            return tape.layerNorm(
                dropout.apply(tape, output(tape, between)), residual: mixed, gamma: outputNorm.weight,
                beta: outputNorm.bias, epsilon: epsilon)
        }

        private func activate(_ tape: Tape, _ x: Tensor, _ activation: Configuration.Activation) -> Tensor {
            switch activation {
            case .gelu: tape.gelu(x)
            case .geluTanh: tape.geluTanh(x)
            case .relu: tape.relu(x)
            }
        }
    }
}
