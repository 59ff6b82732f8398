import CAttarKernels
import Foundation

extension Tape {
    /// `y = eˣ / Σ eˣ` in each row. Minus infinity is probability zero.
    ///
    /// Derivative: `dx = y · (dy − Σ_j y_j dy_j)`.
    ///
    /// - Parameter x: `[rows, columns]`.
    public func softmax(_ x: Tensor) -> Tensor {
        let y = output(x.shape, from: x)
        softmax(x, x.storage.pointer, y)
        return y
    }

    /// The softmax of what a mask allows: `y = m eˣ / Σ m eˣ` in each row, m being 1 or 0. A row of which nothing is
    /// allowed gives zeros.
    ///
    /// Derivative: `dx = y · (dy − Σ_j y_j dy_j)`, zero where nothing is allowed.
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`.
    ///   - mask: Whether an element counts, `[rows, columns]`, or `[columns]` for all rows alike.
    public func softmax(_ x: Tensor, mask: [Bool]) -> Tensor {
        precondition(
            mask.count == x.count || mask.count == x.columns, "softmax: \(mask.count) of a mask for \(x.shape)")
        let y = output(x.shape, from: x)
        parallelElements(x.count) { range in
            for index in range {
                y.storage.pointer[index] = mask[index % mask.count] ? x.storage.pointer[index] : -.infinity
            }
        }
        softmax(x, y.storage.pointer, y)
        return y
    }

    /// y = softmax of `values`, which may be y itself; its gradient goes to x.
    private func softmax(_ x: Tensor, _ values: UnsafePointer<Float>, _ y: Tensor) {
        let columns = x.columns
        parallelRows(x.rows, columns: columns) { range in
            let first = range.lowerBound * columns
            attar_softmax_f32(values + first, range.count, columns, y.storage.pointer + first)
        }
        let results = y.storage
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelRows(x.rows, columns: columns) { range in
                for row in range {
                    let (y, dy, dx) = (results.pointer + row * columns, dy + row * columns, dx + row * columns)
                    var inner: Float = 0
                    attar_dot_f32(dy, y, columns, nil, 1, columns, &inner)
                    for column in 0..<columns { dx[column] += y[column] * (dy[column] - inner) }
                }
            }
        }
    }

    /// `y = ln Σ eˣ` of each row. A row of minus infinity alone gives minus infinity, and no gradient.
    ///
    /// Derivative: `dx = dy · softmax(x)`.
    ///
    /// - Parameter x: `[rows, columns]`, at least one column.
    /// - Returns: `[rows]`.
    public func logSumExp(_ x: Tensor) -> Tensor {
        let (rows, columns) = (x.rows, x.columns)
        precondition(columns > 0, "logSumExp: no columns in \(x.shape)")
        let y = output([rows], from: x)
        let probabilities = scratch(x.count)
        parallelRows(rows, columns: columns) { range in
            for row in range {
                let (x, p) = (x.storage.pointer + row * columns, probabilities.pointer + row * columns)
                var largest = x[0]
                for column in 1..<columns { largest = max(largest, x[column]) }
                for column in 0..<columns { p[column] = largest > -.infinity ? x[column] - largest : -.infinity }
                attar_exp_f32(p, p, columns)
                var sum = 0.0
                for column in 0..<columns { sum += Double(p[column]) }
                y.storage.pointer[row] = largest + Float(Foundation.log(sum))
                attar_scale_f32(sum > 0 ? Float(1 / sum) : 0, p, columns)
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelRows(rows, columns: columns) { range in
                for row in range {
                    let first = row * columns
                    attar_axpy_f32(dy[row], probabilities.pointer + first, dx + first, columns)
                }
            }
        }
        return y
    }

    /// `y = x − ln Σ eˣ` in each row.
    ///
    /// Derivative: `dx = dy − eʸ · Σ_j dy_j`.
    ///
    /// - Parameter x: `[rows, columns]`, finite.
    public func logSoftmax(_ x: Tensor) -> Tensor {
        let columns = x.columns
        let y = output(x.shape, from: x)
        let exponentials = scratch(x.count)
        parallelRows(x.rows, columns: columns) { range in
            for row in range {
                logSoftmaxRow(
                    x.storage.pointer + row * columns, columns, y.storage.pointer + row * columns,
                    exponentials.pointer + row * columns)
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelRows(x.rows, columns: columns) { range in
                for row in range {
                    let (p, dy, dx) = (exponentials.pointer + row * columns, dy + row * columns, dx + row * columns)
                    var sum: Float = 0
                    for column in 0..<columns { sum += dy[column] }
                    for column in 0..<columns { dx[column] += dy[column] - p[column] * sum }
                }
            }
        }
        return y
    }
}

/// The log-softmax of one row and its softmax. The largest element is taken off first, so that nothing overflows.
func logSoftmaxRow(
    _ x: UnsafePointer<Float>, _ columns: Int, _ y: UnsafeMutablePointer<Float>,
    _ probabilities: UnsafeMutablePointer<Float>
) {
    guard columns > 0 else { return }
    var largest = x[0]
    for column in 1..<columns { largest = max(largest, x[column]) }
    for column in 0..<columns { y[column] = x[column] - largest }
    attar_exp_f32(y, probabilities, columns)
    var sum = 0.0
    for column in 0..<columns { sum += Double(probabilities[column]) }
    let logarithm = Float(Foundation.log(sum))
    for column in 0..<columns { y[column] -= logarithm }
    attar_scale_f32(Float(1 / sum), probabilities, columns)
}
