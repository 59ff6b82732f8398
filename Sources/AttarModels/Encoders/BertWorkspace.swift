import CAttarKernels

/// The memory of one forward pass; it grows to the largest group that it has met and is used again.
final class BertWorkspace: @unchecked Sendable {
    /// Rows of the feed-forward part that are worked on at once, so that they stay in the second-level cache.
    static let block = 128

    private let shape: BertConfiguration
    private let relativePositions: RelativePositions?
    private let widest: Int
    private var tokens = 0
    private var texts = 0
    private(set) var longest = 0

    /// `[tokens, hidden]`: the states.
    private(set) var states = FloatBuffer(count: 0)
    /// `[tokens, 3 hidden]`: queries, keys, values.
    private(set) var queryKeyValue = FloatBuffer(count: 0)
    /// `[tokens, hidden]`: what attention reads.
    private(set) var context = FloatBuffer(count: 0)
    /// `[tokens, hidden]`: what is added to the states.
    private(set) var update = FloatBuffer(count: 0)
    /// `[block, intermediate]`.
    let hidden: FloatBuffer
    /// The left sides of products.
    let linear = LinearScratch()
    /// For one head of one sequence.
    private(set) var scratch = FloatBuffer(count: 0)
    /// `[heads, longest, longest]`: what attention adds to its scores; nil when nothing.
    private(set) var attentionBias: FloatBuffer?
    /// `[texts, widest]`, twice: the pooled vectors and what the heads make of them.
    private(set) var pooled = FloatBuffer(count: 0)
    private(set) var mapped = FloatBuffer(count: 0)

    init(_ shape: BertConfiguration, relativePositions: RelativePositions?, widest: Int) {
        self.shape = shape
        self.relativePositions = relativePositions
        self.widest = widest
        hidden = FloatBuffer(count: Self.block * shape.intermediateSize)
    }

    /// Makes room for a group.
    func reserve(tokens: Int, texts: Int, longest: Int) {
        if tokens > self.tokens {
            self.tokens = tokens
            states = FloatBuffer(count: tokens * shape.hiddenSize)
            context = FloatBuffer(count: tokens * shape.hiddenSize)
            update = FloatBuffer(count: tokens * shape.hiddenSize)
            queryKeyValue = FloatBuffer(count: tokens * 3 * shape.hiddenSize)
        }
        if texts > self.texts {
            self.texts = texts
            pooled = FloatBuffer(count: texts * widest)
            mapped = FloatBuffer(count: texts * widest)
        }
        if longest > self.longest {
            self.longest = longest
            scratch = FloatBuffer(count: attar_attention_scratch(longest, shape.headSize))
            attentionBias = relativePositions?.matrix(length: longest)
        }
    }
}
