import CAttarKernels
import Foundation

extension Tape {
    /// `y = eˣ / Σ eˣ` in each row. Minus infinity is probability zero.
    ///
    /// Derivative: `dx = y · (dy − Σ_j y_j dy_j)`.
    ///
    /// - Parameter x: `[rows, columns]`.
    public func softmax(_ x: Tensor) -> Tensor {
        let columns = x.columns
        let y = output(x.shape, from: x)
        parallelRows(x.rows, columns: columns) { range in
            let first = range.lowerBound * columns
            attar_softmax_f32(x.storage.pointer + first, range.count, columns, y.storage.pointer + first)
        }
        let results = y.storage
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelRows(x.rows, columns: columns) { range in
                for row in range {
                    let (y, dy, dx) = (results.pointer + row * columns, dy + row * columns, dx + row * columns)
                    var inner: Float = 0
                    attar_dot_f32(dy, y, columns, 1, columns, &inner)
                    for column in 0..<columns { dx[column] += y[column] * (dy[column] - inner) }
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
