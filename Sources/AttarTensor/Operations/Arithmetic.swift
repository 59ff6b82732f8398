import CAttarKernels

extension Tape {
    /// `y = a + b`. Derivatives: `da = dy`, `db = dy`.
    ///
    /// Shapes need not be the same, here and in the other operations on two tensors: aligned at the last dimension, an
    /// input repeats along a dimension that it lacks or has of size 1 (NumPy's rule), and its gradient is summed over
    /// it.
    public func add(_ a: Tensor, _ b: Tensor) -> Tensor {
        combine("add", a, b, 1)
    }

    /// `y = a − b`. Derivatives: `da = dy`, `db = −dy`.
    public func subtract(_ a: Tensor, _ b: Tensor) -> Tensor {
        combine("subtract", a, b, -1)
    }

    private func combine(_ name: String, _ a: Tensor, _ b: Tensor, _ sign: Float) -> Tensor {
        guard a.shape == b.shape else {
            return broadcast(name, a, b, { $0 + sign * $1 }, slopes: { _, _, dy in (dy, sign * dy) })
        }
        let y = output(a.shape, from: a, b)
        parallelElements(y.count) { range in
            let target = y.storage.pointer + range.lowerBound
            target.update(from: a.storage.pointer + range.lowerBound, count: range.count)
            attar_axpy_f32(sign, b.storage.pointer + range.lowerBound, target, range.count)
        }
        record(y) { tape, dy in
            tape.addGradient(dy, to: a)
            tape.addGradient(dy, to: b, scaledBy: sign)
        }
        return y
    }

    /// `y = a / b`, element by element. Derivatives: `da = dy / b`, `db = −dy · y / b`.
    public func divide(_ a: Tensor, _ b: Tensor) -> Tensor {
        broadcast("divide", a, b, { $0 / $1 }, slopes: { a, b, dy in (dy / b, -dy * (a / b) / b) })
    }

    /// `y = a · b`, element by element. Derivatives: `da = dy · b`, `db = dy · a`.
    public func multiply(_ a: Tensor, _ b: Tensor) -> Tensor {
        guard a.shape == b.shape else {
            return broadcast("multiply", a, b, { $0 * $1 }, slopes: { a, b, dy in (dy * b, dy * a) })
        }
        let y = output(a.shape, from: a, b)
        parallelElements(y.count) { range in
            let first = range.lowerBound
            attar_multiply_f32(
                a.storage.pointer + first, b.storage.pointer + first, y.storage.pointer + first, range.count)
        }
        record(y) { tape, dy in
            tape.addProduct(dy, b.storage.pointer, toGradientOf: a)
            tape.addProduct(dy, a.storage.pointer, toGradientOf: b)
        }
        return y
    }

    /// `y = factor · x`. Derivative: `dx = factor · dy`.
    public func scale(_ x: Tensor, by factor: Float) -> Tensor {
        let y = output(x.shape, from: x)
        parallelElements(y.count) { range in
            let target = y.storage.pointer + range.lowerBound
            target.update(from: x.storage.pointer + range.lowerBound, count: range.count)
            attar_scale_f32(factor, target, range.count)
        }
        record(y) { tape, dy in tape.addGradient(dy, to: x, scaledBy: factor) }
        return y
    }

    /// Adds a row to every row: `y[i] = x[i] + row`. Derivatives: `dx = dy`, `drow = Σ_i dy[i]`.
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`.
    ///   - row: `[columns]`.
    public func addRow(_ x: Tensor, _ row: Tensor) -> Tensor {
        precondition(row.count == x.columns, "addRow: rows of \(x.shape) and a row \(row.shape)")
        let columns = x.columns
        let y = output(x.shape, from: x, row)
        parallelRows(x.rows, columns: columns) { range in
            for index in range {
                let target = y.storage.pointer + index * columns
                target.update(from: x.storage.pointer + index * columns, count: columns)
                attar_add_f32(row.storage.pointer, target, columns)
            }
        }
        record(y) { tape, dy in
            tape.addGradient(dy, to: x)
            if row.requiresGradient {
                tape.addColumnSums(dy, stride: columns, rows: x.rows, columns: columns, to: row.gradientToAddTo())
            }
        }
        return y
    }

    /// Multiplies each row by its own number: `y[i] = weights[i] · x[i]`.
    ///
    /// Derivatives: `dx[i] = weights[i] · dy[i]`, `dweights[i] = dy[i] · x[i]` (inner product).
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`.
    ///   - weights: As many elements as `x` has rows.
    public func scaleRows(_ x: Tensor, by weights: Tensor) -> Tensor {
        precondition(weights.count == x.rows, "scaleRows: \(weights.count) weights for \(x.shape)")
        let columns = x.columns
        let y = output(x.shape, from: x, weights)
        parallelRows(x.rows, columns: columns) { range in
            for index in range {
                let target = y.storage.pointer + index * columns
                target.update(from: x.storage.pointer + index * columns, count: columns)
                attar_scale_f32(weights.storage.pointer[index], target, columns)
            }
        }
        record(y) { tape, dy in tape.scaleRowsBackward(x, weights, dy) }
        return y
    }

    private func scaleRowsBackward(_ x: Tensor, _ weights: Tensor, _ dy: UnsafeMutablePointer<Float>) {
        let columns = x.columns
        let dx = x.requiresGradient ? x.gradientToAddTo() : nil
        let dweights = weights.requiresGradient ? weights.gradientToAddTo() : nil
        parallelRows(x.rows, columns: columns) { range in
            for index in range {
                let (row, first) = (dy + index * columns, index * columns)
                if let dx { attar_axpy_f32(weights.storage.pointer[index], row, dx + first, columns) }
                if let dweights {
                    var product: Float = 0
                    attar_dot_f32(row, x.storage.pointer + first, columns, nil, 1, columns, &product)
                    dweights[index] += product
                }
            }
        }
    }

    // MARK: For operations

    /// Gradient of `x` += factor · dy.
    func addGradient(_ dy: UnsafePointer<Float>, to x: Tensor, scaledBy factor: Float = 1) {
        guard x.requiresGradient else { return }
        let (dx, accumulate) = x.claimGradient()
        parallelElements(x.count) { range in
            let (source, target) = (dy + range.lowerBound, dx + range.lowerBound)
            if accumulate {
                attar_axpy_f32(factor, source, target, range.count)
            } else {
                target.update(from: source, count: range.count)
                if factor != 1 { attar_scale_f32(factor, target, range.count) }
            }
        }
    }

    /// Gradient of `x` += dy · factors, element by element.
    func addProduct(_ dy: UnsafePointer<Float>, _ factors: UnsafePointer<Float>, toGradientOf x: Tensor) {
        guard x.requiresGradient else { return }
        let (dx, accumulate) = x.claimGradient()
        parallelElements(x.count) { range in
            if accumulate {
                for index in range { dx[index] += dy[index] * factors[index] }
            } else {
                let first = range.lowerBound
                attar_multiply_f32(dy + first, factors + first, dx + first, range.count)
            }
        }
    }
}
