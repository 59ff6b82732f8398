import CAttarKernels

extension Tape {
    /// Layer normalisation of a sum: `y = γ · (s − mean(s)) / √(var(s) + ε) + β` in each row, with `s = x + residual`
    /// (Ba, Kiros & Hinton 2016).
    ///
    /// Derivatives, with `ŝ` the normalised sum and `g = γ · dy`:
    /// `dx = dresidual = (g − mean(g) − ŝ · mean(g ŝ)) / √(var + ε)`, `dγ = Σ_rows dy · ŝ`, `dβ = Σ_rows dy`.
    ///
    /// - Parameters:
    ///   - x: `[rows, dim]`.
    ///   - residual: `[rows, dim]` or nil.
    ///   - gamma: `[dim]`.
    ///   - beta: `[dim]`.
    /// - Complexity: O(rows · dim); keeps a copy of the sum when recording.
    public func layerNorm(
        _ x: Tensor, residual: Tensor? = nil, gamma: Tensor, beta: Tensor, epsilon: Float
    ) -> Tensor {
        let (rows, dim) = (x.rows, x.columns)
        precondition(
            gamma.count == dim && beta.count == dim && (residual.map { $0.shape == x.shape } ?? true),
            "layerNorm: input \(x.shape), residual \(residual?.shape ?? []), gamma \(gamma.shape), beta \(beta.shape)")
        let y = output(x.shape, from: x, residual, gamma, beta)
        let sum = scratch(x.count)
        let statistics = scratch(2 * rows)
        parallelRows(rows, columns: dim) { range in
            let first = range.lowerBound
            attar_layer_norm_f32(
                x.storage.pointer + first * dim, residual.map { UnsafePointer($0.storage.pointer + first * dim) },
                gamma.storage.pointer, beta.storage.pointer, range.count, dim, epsilon, sum.pointer + first * dim,
                y.storage.pointer + first * dim, statistics.pointer + first, statistics.pointer + rows + first)
        }
        record(y) { tape, dy in
            tape.layerNormBackward(x, residual, gamma, beta, sum, statistics, dy)
        }
        return y
    }

    private func layerNormBackward(
        _ x: Tensor, _ residual: Tensor?, _ gamma: Tensor, _ beta: Tensor, _ sum: Storage, _ statistics: Storage,
        _ dy: UnsafeMutablePointer<Float>
    ) {
        let (rows, dim) = (x.rows, x.columns)
        let chunk = Self.rowChunk(columns: dim)
        let chunks = (rows + chunk - 1) / chunk
        let ds = scratch(x.count)
        // Each chunk sums its rows by itself; the chunks are added in order.
        let partial = scratch(2 * chunks * dim)
        parallel(rows, chunk: chunk) { range in
            let (first, slot) = (range.lowerBound, partial.pointer + range.lowerBound / chunk * 2 * dim)
            slot.update(repeating: 0, count: 2 * dim)
            attar_layer_norm_backward_f32(
                sum.pointer + first * dim, gamma.storage.pointer, statistics.pointer + first,
                statistics.pointer + rows + first, dy + first * dim, range.count, dim, ds.pointer + first * dim, slot,
                slot + dim)
        }
        for (index, parameter) in [gamma, beta].enumerated() where parameter.requiresGradient {
            let gradient = parameter.gradientToAddTo()
            for chunk in 0..<chunks { attar_add_f32(partial.pointer + (2 * chunk + index) * dim, gradient, dim) }
        }
        addGradient(ds.pointer, to: x)
        if let residual { addGradient(ds.pointer, to: residual) }
    }
}
