/// A low-rank change of a linear layer, `scale · B A` added to its weight W (Hu et al. 2022): W stays as it is, A and B
/// learn.
public struct LowRankAdapter {
    /// A, `[rank, inner]`: random at the beginning.
    public let down: Tensor
    /// B, `[outer, rank]`: zero at the beginning, so that training starts from the model as it was.
    public let up: Tensor
    /// What the product is multiplied by: `α / rank` in the paper.
    public let scale: Float

    /// An adapter of two matrices.
    public init(down: Tensor, up: Tensor, scale: Float) {
        precondition(
            down.shape.count == 2 && up.shape.count == 2 && down.rows == up.columns,
            "LowRankAdapter: down \(down.shape), up \(up.shape)")
        self.down = down
        self.up = up
        self.scale = scale
    }
}

extension Tape {
    /// A linear layer with a low-rank change: `y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ`.
    ///
    /// Derivatives: `dx = dy W + scale · (dy B) A`, `dA = scale · (dy B)ᵀ x`, `dB = scale · dyᵀ (x Aᵀ)`; W and b, when they
    /// require no gradient, cost nothing on the way back.
    ///
    /// - Parameters:
    ///   - x: `[rows, inner]`.
    ///   - weight: W, `[outer, inner]`.
    ///   - bias: b, `[outer]`.
    ///   - adapted: What the adapter reads in place of x, such as x after dropout; nil for x.
    /// - Returns: `[rows, outer]`.
    public func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor? = nil, adapter: LowRankAdapter, adapted: Tensor? = nil
    ) -> Tensor {
        let adapted = adapted ?? x
        precondition(
            adapted.shape == x.shape && adapter.down.columns == x.columns && adapter.up.rows == weight.rows,
            "linear: input \(x.shape), adapted \(adapted.shape), weight \(weight.shape), adapter "
                + "\(adapter.up.shape) times \(adapter.down.shape)")
        let low = scale(linear(adapted, weight: adapter.down), by: adapter.scale)
        return add(linear(x, weight: weight, bias: bias), linear(low, weight: adapter.up))
    }
}
