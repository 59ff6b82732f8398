import CAttarKernels

/// How two shapes are made one (NumPy's rule): aligned at the last dimension, a missing dimension or one of size 1
/// repeats.
struct Broadcast {
    /// The common shape.
    let shape: [Int]
    /// Elements from index to index of each dimension of the common shape; zero where an input repeats.
    private let strides: [[Int]]

    /// - Precondition: Dimensions are equal, 1 or missing.
    init(_ operation: String, _ a: [Int], _ b: [Int]) {
        let count = Swift.max(a.count, b.count)
        let (left, right) = (Self.padded(a, count), Self.padded(b, count))
        precondition(
            zip(left, right).allSatisfy { $0 == $1 || $0 == 1 || $1 == 1 }, "\(operation): shapes \(a) and \(b)")
        shape = zip(left, right).map { $0 == 1 ? $1 : $0 }
        strides = [Self.strides(left), Self.strides(right)]
    }

    private static func padded(_ shape: [Int], _ count: Int) -> [Int] {
        [Int](repeating: 1, count: count - shape.count) + shape
    }

    private static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 0, count: shape.count)
        var size = 1
        for index in shape.indices.reversed() {
            strides[index] = shape[index] == 1 ? 0 : size
            size *= shape[index]
        }
        return strides
    }

    /// The elements of the last dimension, and of all others.
    var columns: Int { shape.last ?? 1 }
    var rows: Int { shape.dropLast().reduce(1, *) }

    /// Where a row begins in an input (0 or 1), and how far its elements are apart: 1, or 0 for one that repeats.
    func row(_ row: Int, of input: Int) -> (start: Int, step: Int) {
        let strides = strides[input]
        var (start, rest) = (0, row)
        for index in shape.indices.dropLast().reversed() {
            start += rest % shape[index] * strides[index]
            rest /= shape[index]
        }
        return (start, strides.last ?? 0)
    }
}

extension Tape {
    /// An operation on pairs of elements, of which either input may repeat.
    ///
    /// Derivatives: those of `slopes` at each element, summed over the places where an input repeats, in order.
    ///
    /// - Parameter slopes: From a, b, and dy, what to add to da and db.
    func broadcast(
        _ name: String, _ a: Tensor, _ b: Tensor, _ value: @escaping (Float, Float) -> Float,
        slopes: @escaping (Float, Float, Float) -> (Float, Float)
    ) -> Tensor {
        let broadcast = Broadcast(name, a.shape, b.shape)
        let columns = broadcast.columns
        let y = output(broadcast.shape, from: a, b)
        parallelRows(broadcast.rows, columns: columns) { range in
            for row in range {
                let (left, right) = (broadcast.row(row, of: 0), broadcast.row(row, of: 1))
                for column in 0..<columns {
                    y.storage.pointer[row * columns + column] = value(
                        a.storage.pointer[left.start + column * left.step],
                        b.storage.pointer[right.start + column * right.step])
                }
            }
        }
        record(y) { tape, dy in
            let da = a.requiresGradient ? a.gradientToAddTo() : nil
            let db = b.requiresGradient ? b.gradientToAddTo() : nil
            for row in 0..<broadcast.rows {
                let (left, right) = (broadcast.row(row, of: 0), broadcast.row(row, of: 1))
                for column in 0..<columns {
                    let (i, j) = (left.start + column * left.step, right.start + column * right.step)
                    let (di, dj) = slopes(a.storage.pointer[i], b.storage.pointer[j], dy[row * columns + column])
                    da?[i] += di
                    db?[j] += dj
                }
            }
        }
        return y
    }
}
