import CAttarKernels

/// What attention computes from. Queries, keys and values may be columns of one tensor: each comes with its first
/// column.
struct AttentionInputs {
    let query: (tensor: Tensor, column: Int)
    let key: (tensor: Tensor, column: Int)
    let value: (tensor: Tensor, column: Int)
    let bias: Tensor?

    var tensors: [Tensor?] { [query.tensor, key.tensor, value.tensor, bias] }

    /// Where the gradients are added. Query, key or value that wants none gets one all the same: the kernel computes
    /// all three together.
    func gradients() -> AttentionGradients {
        func target(_ part: (tensor: Tensor, column: Int)) -> UnsafeMutablePointer<Float> {
            part.tensor.gradientToAddTo() + part.column
        }
        return AttentionGradients(
            query: target(query), key: target(key), value: target(value),
            bias: bias.flatMap { $0.requiresGradient ? $0.gradientToAddTo() : nil },
            biasShape: bias?.shape ?? [0, 0, 0])
    }
}

/// Where attention adds its gradients.
struct AttentionGradients {
    let query, key, value: UnsafeMutablePointer<Float>
    let bias: UnsafeMutablePointer<Float>?
    let biasShape: [Int]
}

/// Which rows and columns each task of an attention operation works on. A task is one query head of one sequence.
struct AttentionGeometry {
    let layout: SequenceLayout
    let keyLayout: SequenceLayout
    let heads: Int
    let keyValueHeads: Int
    let headDim: Int
    let queryStride: Int
    let keyStride: Int
    let isCausal: Bool
    let scale: Float
    /// Where each sequence's probabilities begin, and the number of all.
    private let starts: [Int]

    /// The tasks of a chunk.
    static let chunk = 4

    init(
        layout: SequenceLayout, keyLayout: SequenceLayout, heads: Int, keyValueHeads: Int, headDim: Int,
        queryStride: Int, keyStride: Int, isCausal: Bool, scale: Float?
    ) {
        self.layout = layout
        self.keyLayout = keyLayout
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headDim = headDim
        self.queryStride = queryStride
        self.keyStride = keyStride
        self.isCausal = isCausal
        self.scale = scale ?? 1 / Float(headDim).squareRoot()
        var starts = [0]
        for sequence in 0..<layout.sequenceCount {
            starts.append(starts[sequence] + heads * layout[sequence].count * keyLayout[sequence].count)
        }
        self.starts = starts
    }

    var taskCount: Int { layout.sequenceCount * heads }
    var probabilityCount: Int { starts[starts.count - 1] }
    var scratchCount: Int { attar_attention_scratch(keyLayout.longest, headDim) }

    /// The rows of a task's queries and keys, its head, and where its probabilities begin.
    struct Place {
        let rows: Range<Int>
        let keys: Range<Int>
        let head: Int
        let keyValueHead: Int
        let probabilities: Int
    }

    func place(_ task: Int) -> Place {
        let (sequence, head) = task.quotientAndRemainder(dividingBy: heads)
        let (rows, keys) = (layout[sequence], keyLayout[sequence])
        return Place(
            rows: rows, keys: keys, head: head, keyValueHead: head / (heads / keyValueHeads),
            probabilities: starts[sequence] + head * rows.count * keys.count)
    }

    /// The kernel's view of a task.
    func head(_ place: Place, _ inputs: AttentionInputs) -> attar_attention_head {
        func start(_ part: (tensor: Tensor, column: Int), _ row: Int, _ stride: Int, _ head: Int)
            -> UnsafePointer<Float>
        {
            UnsafePointer(part.tensor.storage.pointer + row * stride + part.column + head * headDim)
        }
        let (row, key) = (place.rows.lowerBound, place.keys.lowerBound)
        return attar_attention_head(
            q: start(inputs.query, row, queryStride, place.head), q_stride: queryStride,
            k: start(inputs.key, key, keyStride, place.keyValueHead),
            v: start(inputs.value, key, keyStride, place.keyValueHead), kv_stride: keyStride,
            queries: place.rows.count, keys: place.keys.count, head_dim: headDim, scale: scale, causal: isCausal,
            bias: inputs.bias.map { UnsafePointer($0.storage.pointer + place.head * $0.shape[1] * $0.shape[2]) },
            bias_stride: inputs.bias?.shape[2] ?? 0)
    }

    /// Where a task adds its gradients.
    func targets(_ place: Place, _ gradients: AttentionGradients) -> attar_attention_gradients {
        let keys = place.keys.lowerBound * keyStride + place.keyValueHead * headDim
        let (places, keyPlaces) = (gradients.biasShape[1], gradients.biasShape[2])
        return attar_attention_gradients(
            dq: gradients.query + place.rows.lowerBound * queryStride + place.head * headDim, dq_stride: queryStride,
            dk: gradients.key + keys, dv: gradients.value + keys, dkv_stride: keyStride,
            d_bias: gradients.bias.map { $0 + place.head * places * keyPlaces }, d_bias_stride: keyPlaces)
    }

    /// How many groups of tasks there are on the way back. Tasks of a group, which runs on one thread, add to the same
    /// memory: query heads that share keys and values; with a shared bias, the same heads of all sequences too.
    func backwardGroupCount(sharesBias: Bool) -> Int {
        sharesBias ? keyValueHeads : layout.sequenceCount * keyValueHeads
    }

    /// The tasks of a group, in the order in which they add.
    func tasks(ofBackwardGroup group: Int, sharesBias: Bool) -> [Int] {
        let size = heads / keyValueHeads
        guard sharesBias else { return (0..<size).map { group * size + $0 } }
        return (0..<layout.sequenceCount).flatMap { sequence in
            (0..<size).map { sequence * heads + group * size + $0 }
        }
    }
}

extension SequenceLayout {
    /// Whether each sequence is at most as long as that of the other layout.
    func isWithin(_ other: SequenceLayout) -> Bool {
        (0..<sequenceCount).allSatisfy { self[$0].count <= other[$0].count }
    }
}
