import CAttarKernels

extension Tape {
    /// Each row divided by its Euclidean length: `y = x / max(‖x‖, ε)`.
    ///
    /// Derivative, for rows longer than ε: `dx = (dy − y (y · dy)) / ‖x‖`; for shorter rows `dx = dy / ε`.
    ///
    /// - Parameters:
    ///   - x: `[rows, dim]`.
    ///   - epsilon: The shortest length that is divided by.
    public func normalizeRows(_ x: Tensor, epsilon: Float = 1e-12) -> Tensor {
        let dim = x.columns
        let y = output(x.shape, from: x)
        let lengths = scratch(x.rows)
        parallelRows(x.rows, columns: dim) { range in
            let first = range.lowerBound
            attar_normalize_rows_f32(
                x.storage.pointer + first * dim, range.count, dim, epsilon, y.storage.pointer + first * dim,
                lengths.pointer + first)
        }
        let results = y.storage
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelRows(x.rows, columns: dim) { range in
                for row in range {
                    let (y, dy, dx) = (results.pointer + row * dim, dy + row * dim, dx + row * dim)
                    let length = max(lengths.pointer[row], epsilon)
                    attar_axpy_f32(1 / length, dy, dx, dim)
                    guard lengths.pointer[row] > epsilon else { continue }
                    var inner: Float = 0
                    attar_dot_f32(y, dy, dim, nil, 1, dim, &inner)
                    attar_axpy_f32(-inner / length, y, dx, dim)
                }
            }
        }
        return y
    }
}
