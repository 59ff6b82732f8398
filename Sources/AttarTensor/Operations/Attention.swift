import CAttarKernels

extension Tape {
    /// Attention of every token to all tokens of its own sequence (Vaswani et al. 2017), in several heads.
    ///
    /// For each sequence and head: `P = softmax(Q Kᵀ / √headDim)`, `y = P V`.
    /// Derivatives: `dV = Pᵀ dy`, `dP = dy Vᵀ`, `dS = P · (dP − rowsum(P · dP)) / √headDim`, `dQ = dS K`, `dK = dSᵀ Q`.
    ///
    /// - Parameters:
    ///   - qkv: Queries, keys and values side by side, `[tokens, 3 · heads · headDim]`.
    ///   - layout: The sequences.
    ///   - heads: The number of heads; a head's numbers stand side by side.
    /// - Returns: `[tokens, heads · headDim]`.
    /// - Complexity: O(Σ length² · heads · headDim); keeps `Σ length² · heads` probabilities when recording.
    public func attention(qkv: Tensor, layout: SequenceLayout, heads: Int) -> Tensor {
        precondition(
            qkv.columns % (3 * heads) == 0 && qkv.rows == layout.tokenCount,
            "attention: \(qkv.shape) for \(layout.tokenCount) tokens and \(heads) heads")
        let dim = qkv.columns / 3
        let y = output([qkv.rows, dim], from: qkv)
        let geometry = AttentionGeometry(layout: layout, heads: heads, dim: dim, stride: 3 * dim)
        let base = qkv.storage.pointer
        let probabilities = attend(geometry, base, base + dim, base + 2 * dim, y)
        record(y) { tape, dy in
            guard let probabilities else { return }
            let gradient = qkv.gradientToAddTo()
            let base = qkv.storage.pointer
            tape.attendBackward(
                geometry, (base, base + dim, base + 2 * dim), probabilities, dy,
                (gradient, gradient + dim, gradient + 2 * dim))
        }
        return y
    }

    /// The same with queries, keys and values as separate tensors, each `[tokens, heads · headDim]`.
    public func attention(query: Tensor, key: Tensor, value: Tensor, layout: SequenceLayout, heads: Int) -> Tensor {
        precondition(
            query.shape == key.shape && query.shape == value.shape && query.columns % heads == 0
                && query.rows == layout.tokenCount,
            "attention: query \(query.shape), key \(key.shape), value \(value.shape), "
                + "\(layout.tokenCount) tokens, \(heads) heads")
        let dim = query.columns
        let y = output([query.rows, dim], from: query, key, value)
        let geometry = AttentionGeometry(layout: layout, heads: heads, dim: dim, stride: dim)
        let probabilities = attend(
            geometry, query.storage.pointer, key.storage.pointer, value.storage.pointer, y)
        record(y) { tape, dy in
            guard let probabilities else { return }
            // An input that wants no gradient gets one all the same: the kernel computes all three together.
            let (dq, dk, dv) = (query.gradientToAddTo(), key.gradientToAddTo(), value.gradientToAddTo())
            tape.attendBackward(
                geometry, (query.storage.pointer, key.storage.pointer, value.storage.pointer), probabilities, dy,
                (dq, dk, dv))
        }
        return y
    }

    /// Computes `y`; returns the probabilities if they are needed for the way back.
    private func attend(
        _ geometry: AttentionGeometry, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
        _ v: UnsafePointer<Float>, _ y: Tensor
    ) -> Storage? {
        let probabilities = y.requiresGradient ? scratch(geometry.probabilityCount) : nil
        parallel(geometry.taskCount, chunk: AttentionGeometry.chunk) { range in
            let work = scratch(geometry.scratchCount)
            for task in range {
                let (rows, column, place) = geometry.task(task)
                let first = rows.lowerBound * geometry.stride + column
                attar_attention_f32(
                    q + first, k + first, v + first, geometry.stride, rows.count, geometry.headDim, geometry.scale,
                    y.storage.pointer + rows.lowerBound * geometry.dim + column, geometry.dim,
                    probabilities.map { $0.pointer + place }, work.pointer)
            }
        }
        return probabilities
    }

    private func attendBackward(
        _ geometry: AttentionGeometry,
        _ inputs: (q: UnsafeMutablePointer<Float>, k: UnsafeMutablePointer<Float>, v: UnsafeMutablePointer<Float>),
        _ probabilities: Storage, _ dy: UnsafeMutablePointer<Float>,
        _ gradients: (q: UnsafeMutablePointer<Float>, k: UnsafeMutablePointer<Float>, v: UnsafeMutablePointer<Float>)
    ) {
        parallel(geometry.taskCount, chunk: AttentionGeometry.chunk) { range in
            let work = scratch(geometry.scratchCount)
            for task in range {
                let (rows, column, place) = geometry.task(task)
                let first = rows.lowerBound * geometry.stride + column
                attar_attention_backward_f32(
                    inputs.q + first, inputs.k + first, inputs.v + first, geometry.stride,
                    probabilities.pointer + place, dy + rows.lowerBound * geometry.dim + column, geometry.dim,
                    rows.count, geometry.headDim, geometry.scale, gradients.q + first, gradients.k + first,
                    gradients.v + first, geometry.stride, work.pointer)
            }
        }
    }
}

/// Which rows and columns each task of an attention operation works on. A task is one head of one sequence.
private struct AttentionGeometry {
    let layout: SequenceLayout
    let heads: Int
    let dim: Int
    let stride: Int
    /// Where each sequence's probabilities begin, and the number of all.
    private let places: [Int]

    /// The tasks of a chunk.
    static let chunk = 4

    init(layout: SequenceLayout, heads: Int, dim: Int, stride: Int) {
        self.layout = layout
        self.heads = heads
        self.dim = dim
        self.stride = stride
        var places = [0]
        for sequence in 0..<layout.sequenceCount {
            let length = layout[sequence].count
            places.append(places[sequence] + heads * length * length)
        }
        self.places = places
    }

    var headDim: Int { dim / heads }
    var scale: Float { 1 / Float(headDim).squareRoot() }
    var taskCount: Int { layout.sequenceCount * heads }
    var probabilityCount: Int { places[places.count - 1] }
    var scratchCount: Int { attar_attention_scratch(layout.longest, headDim) }

    /// The rows of the task's sequence, the first column of its head, and where its probabilities begin.
    func task(_ index: Int) -> (rows: Range<Int>, column: Int, place: Int) {
        let (sequence, head) = index.quotientAndRemainder(dividingBy: heads)
        let rows = layout[sequence]
        return (rows, head * headDim, places[sequence] + head * rows.count * rows.count)
    }
}
