import CAttarKernels

extension Tape {
    /// Attention of every token to the tokens of its own sequence (Vaswani et al. 2017), in several heads.
    ///
    /// For each sequence and head: `P = softmax(scale · Q Kᵀ + B)`, `y = P V`. Derivatives: `dV = Pᵀ dy`, `dP = dy Vᵀ`,
    /// `dB = P · (dP − rowsum(P · dP))`, `dQ = scale · dB K`, `dK = scale · dBᵀ Q`; heads that share keys and values,
    /// and sequences that share a bias, add theirs.
    ///
    /// - Parameters:
    ///   - qkv: Queries, keys and values side by side, `[tokens, (heads + 2 · keyValueHeads) · headDim]`.
    ///   - layout: The sequences.
    ///   - heads: The number of query heads; a head's numbers stand side by side.
    ///   - keyValueHeads: The number of heads of keys and values, each of which serves `heads / keyValueHeads` query
    ///     heads that follow one another (Ainslie et al. 2023); nil for as many as query heads.
    ///   - isCausal: Whether a token sees only itself and those before it.
    ///   - bias: B, `[heads, places, places]` with `places` at least the longest sequence; a shorter sequence takes the
    ///     upper left corner. Relative positions, or masks: minus infinity is "never".
    ///   - scale: nil for `1/√headDim`.
    /// - Returns: `[tokens, heads · headDim]`.
    /// - Complexity: O(Σ length² · heads · headDim); keeps `Σ length² · heads` probabilities when recording.
    public func attention(
        qkv: Tensor, layout: SequenceLayout, heads: Int, keyValueHeads: Int? = nil, isCausal: Bool = false,
        bias: Tensor? = nil, scale: Float? = nil
    ) -> Tensor {
        let shared = keyValueHeads ?? heads
        let parts = heads + 2 * shared
        precondition(
            heads > 0 && shared > 0 && heads % shared == 0 && qkv.columns % parts == 0
                && qkv.rows == layout.tokenCount && Self.isBias(bias, heads, layout, layout),
            "attention: \(qkv.shape) for \(layout.tokenCount) tokens, at most \(layout.longest) a sequence, "
                + "\(heads) heads, \(shared) of keys and values, bias \(bias?.shape ?? [])")
        let headDim = qkv.columns / parts
        let geometry = AttentionGeometry(
            layout: layout, keyLayout: layout, heads: heads, keyValueHeads: shared, headDim: headDim,
            queryStride: qkv.columns, keyStride: qkv.columns, isCausal: isCausal, scale: scale)
        let places = (0, heads * headDim, (heads + shared) * headDim)
        let inputs = AttentionInputs(
            query: (qkv, places.0), key: (qkv, places.1), value: (qkv, places.2), bias: bias)
        return attend(geometry, inputs)
    }

    /// The same with queries, keys and values as separate tensors; and, with a layout of their own for the keys,
    /// attention of each sequence to another one (of a decoder to what the encoder read).
    ///
    /// - Parameters:
    ///   - query: `[tokens, heads · headDim]`.
    ///   - key: `[key tokens, keyValueHeads · headDim]`.
    ///   - value: Shaped as the keys.
    ///   - keyLayout: The sequences of keys, as many as of queries; nil for the same as `layout`.
    ///   - isCausal: With fewer queries than keys the last query sees all keys.
    ///   - bias: `[heads, query places, key places]`.
    public func attention(
        query: Tensor, key: Tensor, value: Tensor, layout: SequenceLayout, keyLayout: SequenceLayout? = nil, heads: Int,
        keyValueHeads: Int? = nil, isCausal: Bool = false, bias: Tensor? = nil, scale: Float? = nil
    ) -> Tensor {
        let shared = keyValueHeads ?? heads
        let keyLayout = keyLayout ?? layout
        precondition(
            heads > 0 && shared > 0 && heads % shared == 0 && query.columns % heads == 0 && key.shape == value.shape
                && query.columns / heads * shared == key.columns && query.rows == layout.tokenCount
                && key.rows == keyLayout.tokenCount && layout.sequenceCount == keyLayout.sequenceCount
                && Self.isBias(bias, heads, layout, keyLayout) && (!isCausal || layout.isWithin(keyLayout)),
            "attention: query \(query.shape), key \(key.shape), value \(value.shape), \(layout.tokenCount) tokens, "
                + "\(keyLayout.tokenCount) keys, \(heads) heads, \(shared) of keys and values, bias \(bias?.shape ?? [])")
        let geometry = AttentionGeometry(
            layout: layout, keyLayout: keyLayout, heads: heads, keyValueHeads: shared, headDim: query.columns / heads,
            queryStride: query.columns, keyStride: key.columns, isCausal: isCausal, scale: scale)
        return attend(geometry, AttentionInputs(query: (query, 0), key: (key, 0), value: (value, 0), bias: bias))
    }

    private static func isBias(
        _ bias: Tensor?, _ heads: Int, _ layout: SequenceLayout, _ keyLayout: SequenceLayout
    ) -> Bool {
        guard let shape = bias?.shape else { return true }
        return shape.count == 3 && shape[0] == heads && shape[1] >= layout.longest && shape[2] >= keyLayout.longest
    }

    private func attend(_ geometry: AttentionGeometry, _ inputs: AttentionInputs) -> Tensor {
        let dim = geometry.heads * geometry.headDim
        let y = output([geometry.layout.tokenCount, dim], from: inputs.tensors)
        let probabilities = y.requiresGradient ? scratch(geometry.probabilityCount) : nil
        parallel(geometry.taskCount, chunk: AttentionGeometry.chunk) { range in
            let work = scratch(geometry.scratchCount)
            for task in range {
                let place = geometry.place(task)
                var head = geometry.head(place, inputs)
                attar_attention_head_f32(
                    &head, y.storage.pointer + place.rows.lowerBound * dim + place.head * geometry.headDim, dim,
                    probabilities.map { $0.pointer + place.probabilities }, work.pointer)
            }
        }
        record(y) { tape, dy in
            guard let probabilities else { return }
            tape.attendBackward(geometry, inputs, probabilities, dy)
        }
        return y
    }

    /// Threads share what no two of them add to: sequences and heads of keys and values; where a bias is learned, which
    /// all sequences share, heads only. Within one of these the order is fixed.
    private func attendBackward(
        _ geometry: AttentionGeometry, _ inputs: AttentionInputs, _ probabilities: Storage,
        _ dy: UnsafeMutablePointer<Float>
    ) {
        let gradients = inputs.gradients()
        let dim = geometry.heads * geometry.headDim
        let sharesBias = gradients.bias != nil
        let groups = geometry.backwardGroupCount(sharesBias: sharesBias)
        parallel(groups, chunk: sharesBias ? 1 : AttentionGeometry.chunk) { range in
            let work = scratch(geometry.scratchCount)
            for task in range.lazy.flatMap({ geometry.tasks(ofBackwardGroup: $0, sharesBias: sharesBias) }) {
                let place = geometry.place(task)
                var head = geometry.head(place, inputs)
                var targets = geometry.targets(place, gradients)
                attar_attention_head_backward_f32(
                    &head, probabilities.pointer + place.probabilities,
                    dy + place.rows.lowerBound * dim + place.head * geometry.headDim, dim, &targets, work.pointer)
            }
        }
    }
}
