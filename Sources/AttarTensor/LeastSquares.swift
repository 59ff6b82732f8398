/// Linear least squares with ridge regularisation, solved in closed form in double precision.
public enum LeastSquares {
    /// The affine map that minimises `Σ ‖W x_i + b − y_i‖² + λ n ‖W‖²`: `W = (Y − ȳ)ᵀ(X − x̄) (C + λI)⁻¹` with
    /// `C = (X − x̄)ᵀ(X − x̄)`, all divided by the number of rows.
    ///
    /// - Parameters:
    ///   - inputs: `[rows, in]`.
    ///   - targets: `[rows, out]`.
    ///   - ridge: λ as a share of the mean variance of the inputs; above zero makes every system solvable.
    ///   - isCentered: whether a bias is fitted; without it both means are taken as zero.
    /// - Returns: `weight` `[out, in]` and `bias` `[out]`.
    /// - Complexity: O(rows · in · (in + out) + in³).
    public static func affineMap(
        from inputs: Matrix, to targets: Matrix, ridge: Double, isCentered: Bool = true
    ) -> (weight: Matrix, bias: [Float]) {
        precondition(inputs.rows == targets.rows, "\(inputs.rows) inputs for \(targets.rows) targets")
        let inputMean = isCentered ? means(inputs) : [Double](repeating: 0, count: inputs.columns)
        let targetMean = isCentered ? means(targets) : [Double](repeating: 0, count: targets.columns)
        var gram = product(inputs, inputMean, inputs, inputMean)
        let cross = product(inputs, inputMean, targets, targetMean)
        let width = inputs.columns
        let trace = (0..<width).reduce(0) { $0 + gram[$1 * width + $1] }
        let lambda = max(ridge * trace / Double(max(1, width)), .leastNormalMagnitude)
        for index in 0..<width { gram[index * width + index] += lambda }
        let solution = solve(gram, width: width, cross, columns: targets.columns)
        var weight = Matrix(rows: targets.columns, columns: width)
        var bias = targetMean
        for input in 0..<width {
            for output in 0..<targets.columns {
                let value = solution[input * targets.columns + output]
                weight.values[output * width + input] = Float(value)
                bias[output] -= value * inputMean[input]
            }
        }
        return (weight, bias.map(Float.init))
    }

    private static func means(_ matrix: Matrix) -> [Double] {
        var sums = [Double](repeating: 0, count: matrix.columns)
        for row in 0..<matrix.rows {
            for (column, value) in matrix.row(row).enumerated() { sums[column] += Double(value) }
        }
        return sums.map { $0 / Double(max(1, matrix.rows)) }
    }

    /// `(A − ā)ᵀ(B − b̄) / rows`, row-major `[A.columns, B.columns]`.
    private static func product(_ a: Matrix, _ aMean: [Double], _ b: Matrix, _ bMean: [Double]) -> [Double] {
        let width = b.columns
        var result = [Double](repeating: 0, count: a.columns * width)
        let scale = 1 / Double(max(1, a.rows))
        for row in 0..<a.rows {
            let right = zip(b.row(row), bMean).map { Double($0) - $1 }
            for (index, value) in a.row(row).enumerated() {
                let factor = (Double(value) - aMean[index]) * scale
                for column in 0..<width { result[index * width + column] += factor * right[column] }
            }
        }
        return result
    }

    /// Solves `A X = B` for a symmetric positive-definite A by Cholesky's decomposition.
    ///
    /// - Parameters:
    ///   - a: `[width, width]`.
    ///   - b: `[width, columns]`.
    /// - Returns: `[width, columns]`.
    static func solve(_ a: [Double], width: Int, _ b: [Double], columns: Int) -> [Double] {
        var factor = a
        for column in 0..<width {
            for row in column..<width {
                var sum = factor[row * width + column]
                for k in 0..<column { sum -= factor[row * width + k] * factor[column * width + k] }
                factor[row * width + column] = row == column
                    ? max(sum, .leastNormalMagnitude).squareRoot() : sum / factor[column * width + column]
            }
        }
        var x = b
        for row in 0..<width {
            for k in 0..<row { subtract(&x, from: row, factor[row * width + k], times: k, columns) }
            for column in 0..<columns { x[row * columns + column] /= factor[row * width + row] }
        }
        for row in (0..<width).reversed() {
            for k in (row + 1)..<max(row + 1, width) {
                subtract(&x, from: row, factor[k * width + row], times: k, columns)
            }
            for column in 0..<columns { x[row * columns + column] /= factor[row * width + row] }
        }
        return x
    }

    private static func subtract(_ x: inout [Double], from row: Int, _ factor: Double, times other: Int, _ columns: Int) {
        for column in 0..<columns { x[row * columns + column] -= factor * x[other * columns + column] }
    }
}
