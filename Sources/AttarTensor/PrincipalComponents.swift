/// The directions in which a set of vectors varies most.
public enum PrincipalComponents {
    /// The leading principal directions of vectors around zero (not around their mean), by subspace iteration.
    ///
    /// - Parameters:
    ///   - vectors: `[rows, dimension]`.
    ///   - count: how many directions, at most `dimension`.
    ///   - iterations: each multiplies the unwanted part by the ratio of neighbouring variances; 12 is ample for use as
    ///     a start of training.
    /// - Returns: `[count, dimension]`, orthonormal rows, largest variance first (up to that ratio).
    /// - Complexity: O(rows · dimension² + iterations · count · dimension²).
    public static func directions(of vectors: Matrix, count: Int, iterations: Int = 12, seed: UInt64 = 1) -> Matrix {
        precondition(count <= vectors.columns, "\(count) directions of \(vectors.columns) dimensions")
        let width = vectors.columns
        let second = secondMoment(vectors)
        var generator = SeededGenerator(seed: seed)
        var basis = (0..<count).map { _ in (0..<width).map { _ in generator.normal() } }
        orthonormalize(&basis)
        for _ in 0..<iterations {
            basis = basis.map { direction in
                (0..<width).map { row in
                    var sum = 0.0
                    for column in 0..<width { sum += second[row * width + column] * direction[column] }
                    return sum
                }
            }
            orthonormalize(&basis)
        }
        return Matrix(rows: count, columns: width, values: basis.flatMap { $0.map(Float.init) })
    }

    private static func secondMoment(_ vectors: Matrix) -> [Double] {
        let width = vectors.columns
        var moment = [Double](repeating: 0, count: width * width)
        for row in 0..<vectors.rows {
            let values = vectors.row(row).map(Double.init)
            for (index, value) in values.enumerated() where value != 0 {
                for column in 0..<width { moment[index * width + column] += value * values[column] }
            }
        }
        return moment
    }

    /// Gram–Schmidt, twice over for accuracy; a direction that vanishes becomes zero.
    private static func orthonormalize(_ basis: inout [[Double]]) {
        for index in basis.indices {
            for _ in 0..<2 {
                for earlier in 0..<index {
                    let overlap = zip(basis[index], basis[earlier]).reduce(0) { $0 + $1.0 * $1.1 }
                    for column in basis[index].indices { basis[index][column] -= overlap * basis[earlier][column] }
                }
            }
            let length = basis[index].reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard length > 0 else { continue }
            for column in basis[index].indices { basis[index][column] /= length }
        }
    }
}
