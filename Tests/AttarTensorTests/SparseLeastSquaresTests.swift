import AttarTensor
import Testing

@Suite struct SparseLeastSquaresTests {
    @Test func productsEqualThoseOfTheDenseMatrix() {
        let rows: [[Int32]] = [[0, 2, 2], [], [1], [3, 0]]
        let sparse = SparseRows(rows, scales: [0.5, 1, 2, 1], columnCount: 5)
        let dense = Matrix(rows: 5, columns: 2, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        #expect(sparse.times(dense, threads: 2).values == [5.5, 7, 0, 0, 6, 8, 8, 10])
        let back = Matrix(rows: 4, columns: 1, values: [2, 9, 1, 3])
        #expect(sparse.transposed().times(back, threads: 1).values == [4, 2, 2, 3, 0])
    }

    /// Enough iterations solve the normal equations (XᵀX + λ) D = XᵀR.
    @Test func theNormalEquationsHold() {
        var generator = SeededGenerator(seed: 4)
        let tokens = (0..<60).map { _ in (0..<4).map { _ in Int32.random(in: 0..<12, using: &generator) } }
        let rows = SparseRows(tokens, scales: [Float](repeating: 0.5, count: 60), columnCount: 13)
        let residuals = Matrix(rows: 60, columns: 3, values: (0..<180).map { _ in Float(generator.normal()) })
        let table = LeastSquares.sparseRidge(rows, residuals: residuals, ridge: 0.7, iterations: 40, threads: 2)
        var left = rows.transposed().times(rows.times(table, threads: 1), threads: 1)
        for index in left.values.indices { left.values[index] += 0.7 * table.values[index] }
        let right = rows.transposed().times(residuals, threads: 1)
        for (a, b) in zip(left.values, right.values) { #expect(abs(a - b) < 1e-3) }
        #expect(table.row(12).allSatisfy { $0 == 0 })
    }
}
