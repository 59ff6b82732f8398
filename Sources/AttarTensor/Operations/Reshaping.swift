import CAttarKernels

extension Tape {
    /// The same elements in another shape. Derivative: `dx = dy`.
    ///
    /// - Complexity: O(count): elements are copied.
    public func reshape(_ x: Tensor, to shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == x.count, "reshape: \(x.shape) to \(shape)")
        let y = output(shape, from: x)
        y.storage.pointer.update(from: x.storage.pointer, count: x.count)
        record(y) { tape, dy in tape.addGradient(dy, to: x) }
        return y
    }

    /// The same elements with dimensions in another order: dimension i of the result is dimension `axes[i]` of x.
    ///
    /// Derivative: dy with dimensions put back.
    ///
    /// - Parameter axes: Each dimension once.
    public func permute(_ x: Tensor, axes: [Int]) -> Tensor {
        precondition(axes.sorted() == Array(x.shape.indices), "permute: \(x.shape) by \(axes)")
        let shape = axes.map { x.shape[$0] }
        var strides = [Int](repeating: 1, count: x.shape.count)
        for index in strides.indices.dropLast().reversed() { strides[index] = strides[index + 1] * x.shape[index + 1] }
        let steps = axes.map { strides[$0] }
        let y = output(shape, from: x)
        forEachPermuted(shape, steps) { place, source in y.storage.pointer[place] = x.storage.pointer[source] }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.forEachPermuted(shape, steps) { place, source in dx[source] += dy[place] }
        }
        return y
    }

    /// Rows and columns exchanged: `y[j][i] = x[i][j]`. Derivative: `dx = dyᵀ`.
    ///
    /// - Parameter x: `[rows, columns]`.
    public func transpose(_ x: Tensor) -> Tensor {
        precondition(x.shape.count == 2, "transpose: \(x.shape) is not a matrix")
        return permute(x, axes: [1, 0])
    }

    /// Calls `body` with each place of a tensor of this shape and its place in the source, whose elements are `steps`
    /// apart.
    private func forEachPermuted(_ shape: [Int], _ steps: [Int], _ body: (Int, Int) -> Void) {
        guard let columns = shape.last, let step = steps.last else { return body(0, 0) }
        parallelRows(shape.dropLast().reduce(1, *), columns: columns) { range in
            for row in range {
                var (source, rest) = (0, row)
                for index in shape.indices.dropLast().reversed() {
                    source += rest % shape[index] * steps[index]
                    rest /= shape[index]
                }
                for column in 0..<columns { body(row * columns + column, source + column * step) }
            }
        }
    }

    /// Tensors side by side: `y[i] = [x₁[i], x₂[i], …]`. Derivative: each input's columns of dy.
    ///
    /// - Parameter parts: At least one; each `[rows, columnsᵢ]`.
    /// - Returns: `[rows, Σ columnsᵢ]`.
    public func concatenateColumns(_ parts: [Tensor]) -> Tensor {
        let rows = parts.first?.rows ?? 0
        precondition(
            !parts.isEmpty && parts.allSatisfy { $0.rows == rows }, "concatenateColumns: \(parts.map(\.shape))")
        let columns = parts.reduce(0) { $0 + $1.columns }
        let y = output([rows, columns], from: parts)
        var first = 0
        for part in parts {
            copyRows(
                rows, part.columns, part.storage.pointer, part.columns, to: y.storage.pointer + first, columns,
                adding: false)
            first += part.columns
        }
        record(y) { tape, dy in
            var first = 0
            for part in parts {
                if part.requiresGradient {
                    let (gradient, accumulate) = part.claimGradient()
                    tape.copyRows(
                        rows, part.columns, dy + first, columns, to: gradient, part.columns, adding: accumulate)
                }
                first += part.columns
            }
        }
        return y
    }

    /// Tensors one below the other. Derivative: each input's rows of dy.
    ///
    /// - Parameter parts: At least one; each `[rowsᵢ, columns]`.
    /// - Returns: `[Σ rowsᵢ, columns]`.
    public func concatenateRows(_ parts: [Tensor]) -> Tensor {
        let columns = parts.first?.columns ?? 0
        precondition(
            !parts.isEmpty && parts.allSatisfy { $0.columns == columns }, "concatenateRows: \(parts.map(\.shape))")
        let y = output([parts.reduce(0) { $0 + $1.rows }, columns], from: parts)
        var first = 0
        for part in parts {
            (y.storage.pointer + first).update(from: part.storage.pointer, count: part.count)
            first += part.count
        }
        record(y) { tape, dy in
            var first = 0
            for part in parts {
                tape.addGradient(dy + first, to: part)
                first += part.count
            }
        }
        return y
    }

    /// Some columns: `y[i] = x[i][range]`. Derivative: dy in these columns, zero elsewhere.
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`.
    ///   - range: Within `0 ..< columns`.
    public func sliceColumns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.columns, "sliceColumns: \(range) of \(x.shape)")
        let (rows, columns) = (x.rows, x.columns)
        let y = output([rows, range.count], from: x)
        copyRows(
            rows, range.count, x.storage.pointer + range.lowerBound, columns, to: y.storage.pointer, range.count,
            adding: false)
        record(y) { tape, dy in
            tape.copyRows(
                rows, range.count, dy, range.count, to: x.gradientToAddTo() + range.lowerBound, columns, adding: true)
        }
        return y
    }

    /// Some rows: `y = x[range]`. Derivative: dy in these rows, zero elsewhere.
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`.
    ///   - range: Within `0 ..< rows`.
    public func sliceRows(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.rows, "sliceRows: \(range) of \(x.shape)")
        let columns = x.columns
        let y = output([range.count, columns], from: x)
        y.storage.pointer.update(from: x.storage.pointer + range.lowerBound * columns, count: y.count)
        record(y) { tape, dy in
            attar_add_f32(dy, x.gradientToAddTo() + range.lowerBound * columns, range.count * columns)
        }
        return y
    }

    /// Copies, or adds, a block of `rows` rows of `columns` elements from one stride to another.
    private func copyRows(
        _ rows: Int, _ columns: Int, _ source: UnsafePointer<Float>, _ sourceStride: Int,
        to target: UnsafeMutablePointer<Float>, _ targetStride: Int, adding: Bool
    ) {
        parallelRows(rows, columns: columns) { range in
            for row in range {
                let (from, to) = (source + row * sourceStride, target + row * targetStride)
                if adding { attar_add_f32(from, to, columns) } else { to.update(from: from, count: columns) }
            }
        }
    }
}
