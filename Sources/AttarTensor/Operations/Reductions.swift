import CAttarKernels

extension Tape {
    /// The sum of all elements, taken in double precision. Derivative: `dx = dy` everywhere.
    ///
    /// - Returns: A single number, shape `[]`.
    public func sum(_ x: Tensor) -> Tensor {
        total(x, factor: 1)
    }

    /// The mean of all elements, taken in double precision. Derivative: `dx = dy / count` everywhere.
    ///
    /// - Returns: A single number, shape `[]`.
    /// - Precondition: `x` is not empty.
    public func mean(_ x: Tensor) -> Tensor {
        precondition(x.count > 0, "mean: no elements in \(x.shape)")
        return total(x, factor: 1 / Double(x.count))
    }

    private func total(_ x: Tensor, factor: Double) -> Tensor {
        let y = output([], from: x)
        var total = 0.0
        for index in 0..<x.count { total += Double(x.storage.pointer[index]) }
        y.storage.pointer[0] = Float(total * factor)
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            let step = dy[0] * Float(factor)
            for index in 0..<x.count { dx[index] += step }
        }
        return y
    }

    /// The sum along one dimension, which goes. Derivative: `dx = dy` at each place of that dimension.
    ///
    /// - Parameter axis: The dimension; −1 is the last one.
    public func sum(_ x: Tensor, axis: Int) -> Tensor {
        let view = AxisView("sum", x, axis)
        let y = output(view.reducedShape, from: x)
        parallelAxis(view) { outer, inner in
            let target = y.storage.pointer + outer * view.inner
            for column in inner { target[column] = 0 }
            for index in 0..<view.length {
                let row = x.storage.pointer + view.row(outer, index)
                for column in inner { target[column] += row[column] }
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelAxis(view) { outer, inner in
                for index in 0..<view.length {
                    let row = dx + view.row(outer, index)
                    for column in inner { row[column] += dy[outer * view.inner + column] }
                }
            }
        }
        return y
    }

    /// The mean along one dimension, which goes. Derivative: `dx = dy / length` at each place of that dimension.
    ///
    /// - Parameter axis: The dimension, not empty; −1 is the last one.
    public func mean(_ x: Tensor, axis: Int) -> Tensor {
        let length = AxisView("mean", x, axis).length
        precondition(length > 0, "mean: dimension \(axis) of \(x.shape) is empty")
        return scale(sum(x, axis: axis), by: 1 / Float(length))
    }

    /// The largest along one dimension, which goes. Derivative: `dx = dy` at the first largest, else zero.
    ///
    /// - Parameter axis: The dimension, not empty; −1 is the last one.
    public func maximum(_ x: Tensor, axis: Int) -> Tensor {
        let view = AxisView("maximum", x, axis)
        precondition(view.length > 0, "maximum: dimension \(axis) of \(x.shape) is empty")
        let y = output(view.reducedShape, from: x)
        func best(_ outer: Int, _ column: Int) -> Int {
            var best = view.row(outer, 0) + column
            for index in 1..<view.length {
                let place = view.row(outer, index) + column
                if x.storage.pointer[place] > x.storage.pointer[best] { best = place }
            }
            return best
        }
        parallelAxis(view) { outer, inner in
            for column in inner {
                y.storage.pointer[outer * view.inner + column] = x.storage.pointer[best(outer, column)]
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelAxis(view) { outer, inner in
                for column in inner { dx[best(outer, column)] += dy[outer * view.inner + column] }
            }
        }
        return y
    }

    /// Calls `body` for each outer index and all of the inner ones.
    private func parallelAxis(_ view: AxisView, _ body: (Int, Range<Int>) -> Void) {
        parallelRows(view.outer, columns: view.length * view.inner) { range in
            for outer in range { body(outer, 0..<view.inner) }
        }
    }
}

/// A tensor seen as `[outer, length, inner]` around one of its dimensions.
private struct AxisView {
    let outer: Int
    let length: Int
    let inner: Int
    /// The shape without the dimension.
    let reducedShape: [Int]

    init(_ operation: String, _ x: Tensor, _ axis: Int) {
        let place = axis < 0 ? axis + x.shape.count : axis
        precondition(x.shape.indices.contains(place), "\(operation): dimension \(axis) of \(x.shape)")
        outer = x.shape[..<place].reduce(1, *)
        length = x.shape[place]
        inner = x.shape[(place + 1)...].reduce(1, *)
        var shape = x.shape
        shape.remove(at: place)
        reducedShape = shape
    }

    /// Where the elements of an outer index and an index of the dimension begin.
    func row(_ outer: Int, _ index: Int) -> Int { (outer * length + index) * inner }
}
