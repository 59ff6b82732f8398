import CAttarKernels

extension Tape {
    /// The mean of each sequence's tokens: `y[s] = 1/n_s Σ_{t in s} x[t]`. An empty sequence gives zeros.
    ///
    /// Derivative: `dx[t] = dy[s] / n_s`.
    ///
    /// - Parameters:
    ///   - x: `[tokens, dim]`.
    ///   - layout: The sequences.
    /// - Returns: `[sequences, dim]`.
    public func meanPooling(_ x: Tensor, layout: SequenceLayout) -> Tensor {
        let dim = x.columns
        let y = pooled("meanPooling", x, layout)
        parallelSequences(layout) { sequence, tokens in
            let target = y.storage.pointer + sequence * dim
            target.update(repeating: 0, count: dim)
            guard !tokens.isEmpty else { return }
            attar_column_sums_f32(x.storage.pointer + tokens.lowerBound * dim, dim, tokens.count, dim, target)
            attar_scale_f32(1 / Float(tokens.count), target, dim)
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelSequences(layout) { sequence, tokens in
                for token in tokens {
                    attar_axpy_f32(1 / Float(tokens.count), dy + sequence * dim, dx + token * dim, dim)
                }
            }
        }
        return y
    }

    /// The first token of each sequence: `y[s] = x[first of s]`. An empty sequence gives zeros.
    ///
    /// Derivative: `dx[first of s] = dy[s]`, all others zero.
    ///
    /// - Parameters:
    ///   - x: `[tokens, dim]`.
    ///   - layout: The sequences.
    /// - Returns: `[sequences, dim]`.
    public func firstTokenPooling(_ x: Tensor, layout: SequenceLayout) -> Tensor {
        let dim = x.columns
        let y = pooled("firstTokenPooling", x, layout)
        parallelSequences(layout) { sequence, tokens in
            let target = y.storage.pointer + sequence * dim
            target.update(repeating: 0, count: dim)
            if !tokens.isEmpty { target.update(from: x.storage.pointer + tokens.lowerBound * dim, count: dim) }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelSequences(layout) { sequence, tokens in
                if !tokens.isEmpty { attar_add_f32(dy + sequence * dim, dx + tokens.lowerBound * dim, dim) }
            }
        }
        return y
    }

    /// The largest of each sequence's tokens in every column: `y[s][c] = max_{t in s} x[t][c]`. An empty sequence gives
    /// zeros.
    ///
    /// Derivative: `dx[t][c] = dy[s][c]` at the first largest t, else zero.
    ///
    /// - Parameters:
    ///   - x: `[tokens, dim]`.
    ///   - layout: The sequences.
    /// - Returns: `[sequences, dim]`.
    public func maxPooling(_ x: Tensor, layout: SequenceLayout) -> Tensor {
        let dim = x.columns
        let y = pooled("maxPooling", x, layout)
        parallelSequences(layout) { sequence, tokens in
            for column in 0..<dim {
                let best = Self.largest(x.storage.pointer, dim, tokens, column)
                y.storage.pointer[sequence * dim + column] = best.map { x.storage.pointer[$0 * dim + column] } ?? 0
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelSequences(layout) { sequence, tokens in
                for column in 0..<dim {
                    guard let best = Self.largest(x.storage.pointer, dim, tokens, column) else { continue }
                    dx[best * dim + column] += dy[sequence * dim + column]
                }
            }
        }
        return y
    }

    /// The first row among `rows` with the largest element in `column`; nil for no rows.
    private static func largest(_ x: UnsafePointer<Float>, _ dim: Int, _ rows: Range<Int>, _ column: Int) -> Int? {
        guard var best = rows.first else { return nil }
        for row in rows where x[row * dim + column] > x[best * dim + column] { best = row }
        return best
    }

    private func pooled(_ name: String, _ x: Tensor, _ layout: SequenceLayout) -> Tensor {
        precondition(x.rows == layout.tokenCount, "\(name): \(x.shape) for \(layout.tokenCount) tokens")
        return output([layout.sequenceCount, x.columns], from: x)
    }

    /// Calls `body` for each sequence.
    private func parallelSequences(_ layout: SequenceLayout, _ body: (Int, Range<Int>) -> Void) {
        parallel(layout.sequenceCount, chunk: 8) { range in
            for sequence in range { body(sequence, layout[sequence]) }
        }
    }
}
