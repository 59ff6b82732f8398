extension LeastSquares {
    /// The table D that minimises `‖X D − R‖² + λ‖D‖²` for a sparse X, by conjugate gradients with the diagonal as
    /// preconditioner, each column of D with its own step lengths (Saad 2003, algorithm 9.1).
    ///
    /// Few iterations regularise as λ does: they reach what many rows agree on first.
    ///
    /// - Parameters:
    ///   - rows: X, `[texts, tokens]`.
    ///   - residuals: R, `[texts, width]`.
    /// - Returns: D, `[tokens, width]`; zero where a column of X is empty.
    /// - Complexity: O(iterations · entries · width).
    public static func sparseRidge(
        _ rows: SparseRows, residuals: Matrix, ridge: Float, iterations: Int, threads: Int
    ) -> Matrix {
        let transposed = rows.transposed()
        let inverse = rows.columnSquares().map { 1 / ($0 + ridge) }
        let width = residuals.columns
        var solution = Matrix(rows: rows.columnCount, columns: width)
        var residual = transposed.times(residuals, threads: threads)
        var direction = scaled(residual, by: inverse)
        var energy = columnDots(residual, direction)
        for _ in 0..<iterations {
            var image = transposed.times(rows.times(direction, threads: threads), threads: threads)
            add(direction, times: [Float](repeating: ridge, count: width), to: &image)
            let step = zip(energy, columnDots(direction, image)).map { Float($0 / max($1, 1e-30)) }
            add(direction, times: step, to: &solution)
            add(image, times: step.map { -$0 }, to: &residual)
            let next = scaled(residual, by: inverse)
            let nextEnergy = columnDots(residual, next)
            let ratio = zip(nextEnergy, energy).map { Float($0 / max($1, 1e-30)) }
            var turned = next
            add(direction, times: ratio, to: &turned)
            (direction, energy) = (turned, nextEnergy)
        }
        return solution
    }

    /// Each row times its factor.
    private static func scaled(_ matrix: Matrix, by factors: [Float]) -> Matrix {
        var result = matrix
        let width = matrix.columns
        for row in 0..<matrix.rows {
            for index in (row * width)..<((row + 1) * width) { result.values[index] *= factors[row] }
        }
        return result
    }

    /// The dot products of the columns of two matrices.
    private static func columnDots(_ a: Matrix, _ b: Matrix) -> [Double] {
        let width = a.columns
        var sums = [Double](repeating: 0, count: width)
        for row in 0..<a.rows {
            for column in 0..<width {
                sums[column] += Double(a.values[row * width + column]) * Double(b.values[row * width + column])
            }
        }
        return sums
    }

    /// `target += source · diag(factors)`.
    private static func add(_ source: Matrix, times factors: [Float], to target: inout Matrix) {
        let width = source.columns
        for row in 0..<source.rows {
            for column in 0..<width {
                target.values[row * width + column] += factors[column] * source.values[row * width + column]
            }
        }
    }
}
