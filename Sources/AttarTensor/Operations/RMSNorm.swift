import CAttarKernels

extension Tape {
    /// Root-mean-square normalisation: `y = γ · x / √(mean(x²) + ε)` in each row (Zhang & Sennrich 2019).
    ///
    /// Derivatives, with `x̂` the normalised row and `g = γ · dy`: `dx = (g − x̂ · mean(g x̂)) / √(mean(x²) + ε)`,
    /// `dγ = Σ_rows dy · x̂`.
    ///
    /// - Parameters:
    ///   - x: `[rows, dim]`.
    ///   - gamma: `[dim]`.
    /// - Complexity: O(rows · dim).
    public func rmsNorm(_ x: Tensor, gamma: Tensor, epsilon: Float) -> Tensor {
        let (rows, dim) = (x.rows, x.columns)
        precondition(gamma.count == dim, "rmsNorm: input \(x.shape), gamma \(gamma.shape)")
        let y = output(x.shape, from: x, gamma)
        let inverses = scratch(rows)
        parallelRows(rows, columns: dim) { range in
            let first = range.lowerBound
            attar_rms_norm_f32(
                x.storage.pointer + first * dim, nil, gamma.storage.pointer, range.count, dim, epsilon, nil,
                y.storage.pointer + first * dim, inverses.pointer + first)
        }
        record(y) { tape, dy in tape.rmsNormBackward(x, gamma, inverses, dy) }
        return y
    }

    private func rmsNormBackward(
        _ x: Tensor, _ gamma: Tensor, _ inverses: Storage, _ dy: UnsafeMutablePointer<Float>
    ) {
        let (rows, dim) = (x.rows, x.columns)
        let chunk = Self.rowChunk(columns: dim)
        let chunks = (rows + chunk - 1) / chunk
        let dx = scratch(x.count)
        // Each chunk sums its rows by itself; the chunks are added in order.
        let partial = scratch(chunks * dim)
        parallel(rows, chunk: chunk) { range in
            let (first, slot) = (range.lowerBound, partial.pointer + range.lowerBound / chunk * dim)
            slot.update(repeating: 0, count: dim)
            attar_rms_norm_backward_f32(
                x.storage.pointer + first * dim, gamma.storage.pointer, inverses.pointer + first, dy + first * dim,
                range.count, dim, dx.pointer + first * dim, slot)
        }
        if gamma.requiresGradient {
            let gradient = gamma.gradientToAddTo()
            for chunk in 0..<chunks { attar_add_f32(partial.pointer + chunk * dim, gradient, dim) }
        }
        addGradient(dx.pointer, to: x)
    }
}
