import CAttarKernels

extension BertBackbone {
    /// Runs a group through the layers; the states of its tokens, `[tokens, hidden]`, are in the work area then.
    func run(_ group: TokenGroup, in work: BertWorkspace) {
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
    }

    /// Token, position and segment vectors, added and normalised.
    private func embed(_ group: TokenGroup, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        let countsFromPadding = configuration.family != .bert
        var start = 0
        for end in group.ends {
            var position = countsFromPadding ? 1 : 0
            for row in start..<end {
                let state = work.states.start + row * width
                let id = Int(group.ids[row])
                weights.words.copy(id, to: state)
                // Where positions count from the padding token, that token itself has none.
                let isPadding = countsFromPadding && id == configuration.padID
                attar_add_f32(weights.positions.start + (isPadding ? 0 : position) * width, state, width)
                if !isPadding { position += 1 }
            }
            start = end
        }
        if let second = weights.secondSegment {
            for range in group.secondSegments {
                for row in range { attar_add_f32(second.start, work.states.start + row * width, width) }
            }
        }
        attar_layer_norm_f32(
            work.states.start, nil, weights.embeddingNorm.gamma.start, weights.embeddingNorm.beta.start,
            group.ids.count, width, configuration.epsilon, nil, work.states.start, nil, nil)
    }

    /// Attention of each head within each text.
    private func attend(_ group: TokenGroup, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        let headSize = configuration.headSize
        var call = attar_attention_head()
        call.q_stride = 3 * width
        call.kv_stride = 3 * width
        call.head_dim = headSize
        call.scale = 1 / Float(headSize).squareRoot()
        call.bias_stride = work.longest
        var start = 0
        for end in group.ends {
            call.queries = end - start
            call.keys = end - start
            for head in 0..<configuration.heads {
                let query = work.queryKeyValue.start + start * 3 * width + head * headSize
                call.q = UnsafePointer(query)
                call.k = UnsafePointer(query + width)
                call.v = UnsafePointer(query + 2 * width)
                call.bias = work.attentionBias.map { UnsafePointer($0.start + head * work.longest * work.longest) }
                let out = work.context.start + start * width + head * headSize
                if precision == .float32 {
                    attar_attention_head_f32(&call, out, width, nil, work.scratch.start)
                } else {
                    attar_attention_head_bf16(&call, out, width, work.scratch.start)
                }
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
            configuration.activation.apply(
                work.hidden.start, count * configuration.intermediateSize, precision: precision)
            layer.output.apply(
                rows: count, work.hidden.start, work.update.start + start * width, scratch: work.linear)
        }
    }
}

extension BertConfiguration.Activation {
    /// Applies the function in place, as precisely as the layer that reads the values can tell.
    func apply(_ values: UnsafeMutablePointer<Float>, _ count: Int, precision: Precision) {
        switch self {
        case .gelu where precision == .float32: attar_gelu_f32(values, values, count)
        case .gelu: attar_gelu_coarse_f32(values, values, count)
        case .geluTanh: attar_gelu_tanh_f32(values, values, count)
        case .relu: for index in 0..<count { values[index] = max(values[index], 0) }
        }
    }
}
