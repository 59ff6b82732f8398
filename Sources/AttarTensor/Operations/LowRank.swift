import CAttarKernels

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
    /// Derivatives: `dx = dy W + scale · (dy B) A`, `dA = scale · (dy B)ᵀ x`, `dB = scale · dyᵀ (x Aᵀ)`; W and b, when
    /// they require no gradient, cost nothing on the way back.
    ///
    /// - Parameters:
    ///   - x: `[rows, inner]`.
    ///   - weight: W, `[outer, inner]`.
    ///   - bias: b, `[outer]`.
    ///   - adapted: What the adapter reads in place of x, such as x after dropout; nil for x.
    ///   - precision: nil for the tape's.
    /// - Returns: `[rows, outer]`.
    /// - Complexity: O(rows · (outer · inner + rank · (outer + inner))), about twice that backward; keeps `rows · rank`
    ///   numbers besides the result.
    public func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor? = nil, adapter: LowRankAdapter, adapted: Tensor? = nil,
        precision: ProductPrecision? = nil
    ) -> Tensor {
        let source = adapted ?? x, precision = precision ?? self.precision
        precondition(
            source.shape == x.shape && adapter.down.columns == x.columns && adapter.up.rows == weight.rows
                && weight.shape.count == 2 && weight.columns == x.columns && (bias.map { $0.count == weight.rows } ?? true),
            "linear: input \(x.shape), adapted \(source.shape), weight \(weight.shape), bias \(bias?.shape ?? []), "
                + "adapter \(adapter.up.shape) times \(adapter.down.shape)")
        let (rows, outer, rank) = (x.rows, weight.rows, adapter.down.rows)
        let y = output([rows, outer], from: x, weight, bias, source, adapter.down, adapter.up)
        project(x.storage.pointer, rows: rows, weight, bias, to: y.storage.pointer, stride: outer, precision: precision)
        let low = scratch(rows * rank)
        project(
            source.storage.pointer, rows: rows, adapter.down, to: low.pointer, stride: rank, precision: precision)
        attar_scale_f32(adapter.scale, low.pointer, rows * rank)
        project(
            low.pointer, rows: rows, adapter.up, to: y.storage.pointer, stride: outer, accumulate: true,
            precision: precision)
        record(y) { tape, dy in
            tape.linearBackward(x, [weight], [bias], precision, dy)
            tape.adapterBackward(source, adapter, low, precision, dy)
        }
        return y
    }

    /// - Parameter low: scale · x Aᵀ, `[rows, rank]`.
    private func adapterBackward(
        _ x: Tensor, _ adapter: LowRankAdapter, _ low: Storage, _ precision: ProductPrecision,
        _ dy: UnsafeMutablePointer<Float>
    ) {
        let (rows, outer, rank) = (x.rows, adapter.up.rows, adapter.down.rows)
        if adapter.up.requiresGradient {
            let packed = PackedMatrix(
                low.pointer, stride: rank, columns: rank, inner: rows, transposed: true, precision: precision,
                tape: self)
            addOuterProducts(dy, stride: outer, rows: rows, columns: outer, packed, to: adapter.up)
        }
        guard adapter.down.requiresGradient || x.requiresGradient else { return }
        let slope = scratch(rows * rank)
        projectBack(
            dy, stride: outer, rows: rows, adapter.up, to: slope.pointer, accumulate: false, precision: precision)
        attar_scale_f32(adapter.scale, slope.pointer, rows * rank)
        if adapter.down.requiresGradient {
            let packed = PackedMatrix(
                x.storage.pointer, stride: x.columns, columns: x.columns, inner: rows, transposed: true,
                precision: precision, tape: self)
            addOuterProducts(slope.pointer, stride: rank, rows: rows, columns: rank, packed, to: adapter.down)
        }
        if x.requiresGradient {
            let (dx, accumulate) = x.claimGradient()
            projectBack(
                slope.pointer, stride: rank, rows: rows, adapter.down, to: dx, accumulate: accumulate,
                precision: precision)
        }
    }
}
