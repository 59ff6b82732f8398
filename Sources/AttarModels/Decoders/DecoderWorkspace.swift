import CAttarKernels

/// The memory of a forward pass over at most `rows` tokens at once; nothing in it is made per token.
final class DecoderWorkspace {
    /// Tokens that go through the layers together: more would leave the second-level cache.
    static let rows = 256
    /// Rows of logits that are made at once.
    static let logitRows = 16

    /// How many rows there is room for.
    let capacity: Int
    /// `[rows, hidden]`: the states.
    let states: FloatBuffer
    /// `[rows, hidden]`: the normalised states.
    let normed: Activations
    /// `[rows, heads + 2 keyValueHeads]` heads: queries, keys, values.
    let queryKeyValue: FloatBuffer
    /// `[rows, heads]` heads: what attention reads.
    let context: Activations
    /// `[rows, intermediate]`: the gate; then its activation times the other product.
    let hidden: Activations
    /// `[rows, intermediate]`.
    let up: FloatBuffer
    /// `[rows, hidden]`: what is added to the states.
    let update: FloatBuffer
    /// `[logitRows, hidden]`: the states whose logits are wanted.
    let chosen: Activations
    /// `[logitRows, vocabulary]`.
    let logits: FloatBuffer
    /// The position of each row.
    let positions: UnsafeMutablePointer<Int32>
    /// For each member of the team, for attention.
    private(set) var scratch: [FloatBuffer]
    private var longest = 0
    private let shape: DecoderConfiguration

    init(_ shape: DecoderConfiguration, rows: Int, forms: Activations.Form, members: Int) {
        self.shape = shape
        capacity = rows
        states = FloatBuffer(count: rows * shape.hiddenSize)
        normed = Activations(rows: rows, width: shape.hiddenSize, forms: forms)
        queryKeyValue = FloatBuffer(count: rows * (shape.queryWidth + 2 * shape.keyValueWidth))
        context = Activations(rows: rows, width: shape.queryWidth, forms: forms)
        hidden = Activations(rows: rows, width: shape.intermediateSize, forms: forms)
        up = FloatBuffer(count: rows * shape.intermediateSize)
        update = FloatBuffer(count: rows * shape.hiddenSize)
        let logitRows = min(rows, Self.logitRows)
        chosen = Activations(rows: logitRows, width: shape.hiddenSize, forms: forms)
        logits = FloatBuffer(count: logitRows * shape.vocabularySize)
        positions = .allocate(capacity: max(1, rows))
        positions.initialize(repeating: 0, count: max(1, rows))
        scratch = Array(repeating: FloatBuffer(count: 0), count: members)
    }

    /// A larger one that has met the same lengths.
    func grown(to rows: Int, forms: Activations.Form, members: Int) -> DecoderWorkspace {
        let other = DecoderWorkspace(shape, rows: rows, forms: forms, members: members)
        other.reserve(length: longest)
        return other
    }

    deinit { positions.deallocate() }

    /// Makes room for attention to `length` positions.
    func reserve(length: Int) {
        guard length > longest else { return }
        longest = max(length, min(shape.positions, 2 * longest))
        let floats = attar_cached_attention_scratch(longest, shape.headSize)
        for member in scratch.indices { scratch[member] = FloatBuffer(count: floats) }
    }
}
