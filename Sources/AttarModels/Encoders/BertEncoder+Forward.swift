import CAttarKernels

extension BertEncoder {
    /// Runs a group through the model.
    ///
    /// - Parameter skipped: tokens at the beginning of each text that pooling leaves out.
    /// - Returns: `[texts, dimension]`, inside the work area.
    func forward(_ group: TokenGroup, skipping skipped: Int, in work: BertWorkspace) -> UnsafeMutablePointer<Float> {
        var longest = 0
        var start = 0
        for end in group.ends {
            longest = max(longest, end - start)
            start = end
        }
        let rows = group.ids.count
        work.reserve(tokens: rows, texts: group.texts.count, longest: longest)
        embed(group, in: work)
        for layer in weights.layers {
            layer.queryKeyValue.apply(rows: rows, work.states.start, work.queryKeyValue.start, scratch: work.linear)
            attend(group, in: work)
            layer.attentionOutput.apply(rows: rows, work.context.start, work.update.start, scratch: work.linear)
            addAndNormalize(work.update.start, rows, layer.attentionNorm, in: work)
            feedForward(layer, rows, in: work)
            addAndNormalize(work.update.start, rows, layer.outputNorm, in: work)
        }
        pool(group, skipping: skipped, in: work)
        return heads.apply(rows: group.texts.count, work.pooled.start, work.mapped.start, scratch: work.linear)
    }

    /// Token, position and segment vectors, added and normalised.
    private func embed(_ group: TokenGroup, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        var start = 0
        for end in group.ends {
            for row in start..<end {
                let state = work.states.start + row * width
                state.update(from: weights.words.base + Int(group.ids[row]) * width, count: width)
                attar_add_f32(weights.positions.start + (row - start) * width, state, width)
            }
            start = end
        }
        attar_layer_norm_f32(
            work.states.start, nil, weights.embeddingNorm.gamma.start, weights.embeddingNorm.beta.start,
            group.ids.count,
            width, configuration.epsilon, nil, work.states.start, nil, nil)
    }

    /// Attention of each head within each text.
    private func attend(_ group: TokenGroup, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        let headSize = configuration.headSize
        let scale = 1 / Float(headSize).squareRoot()
        var start = 0
        for end in group.ends {
            for head in 0..<configuration.heads {
                let query = work.queryKeyValue.start + start * 3 * width + head * headSize
                attar_attention_f32(
                    query, query + width, query + 2 * width, 3 * width, end - start, headSize, scale,
                    work.context.start + start * width + head * headSize, width, nil, work.scratch.start)
            }
            start = end
        }
    }

    /// The states become the normalised sum of themselves and an update.
    private func addAndNormalize(
        _ update: UnsafePointer<Float>, _ rows: Int, _ norm: BertWeights.LayerNorm, in work: BertWorkspace
    ) {
        attar_layer_norm_f32(
            update, work.states.start, norm.gamma.start, norm.beta.start, rows, configuration.hiddenSize,
            configuration.epsilon, nil, work.states.start, nil, nil)
    }

    /// The two products with the activation between them, some rows at a time.
    private func feedForward(_ layer: BertWeights.Layer, _ rows: Int, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        for start in stride(from: 0, to: rows, by: BertWorkspace.block) {
            let count = min(BertWorkspace.block, rows - start)
            layer.intermediate.apply(
                rows: count, work.states.start + start * width, work.hidden.start, scratch: work.linear)
            activate(work.hidden.start, count * configuration.intermediateSize)
            layer.output.apply(
                rows: count, work.hidden.start, work.update.start + start * width, scratch: work.linear)
        }
    }

    private func activate(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
        switch configuration.activation {
        case .gelu: attar_gelu_f32(values, values, count)
        case .geluTanh: attar_gelu_tanh_f32(values, values, count)
        case .relu: for index in 0..<count { values[index] = max(values[index], 0) }
        }
    }

    /// One vector a text; a text without tokens has the zero vector.
    private func pool(_ group: TokenGroup, skipping skipped: Int, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        var start = 0
        for (text, end) in group.ends.enumerated() {
            let first = min(start + skipped, end)
            let count = end - first
            let vector = work.pooled.start + text * width
            let states = work.states.start + first * width
            vector.update(repeating: 0, count: width)
            if count > 0 {
                switch pooling.mode {
                case .cls: vector.update(from: states, count: width)
                case .mean:
                    attar_column_sums_f32(states, width, count, width, vector)
                    attar_scale_f32(1 / Float(count), vector, width)
                case .max:
                    vector.update(from: states, count: width)
                    for row in 1..<max(1, count) {
                        let state = states + row * width
                        for column in 0..<width { vector[column] = max(vector[column], state[column]) }
                    }
                }
            }
            start = end
        }
    }
}
