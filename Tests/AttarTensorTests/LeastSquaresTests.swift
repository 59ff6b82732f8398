import AttarTensor
import Testing

@Suite struct LeastSquaresTests {
    private func random(_ rows: Int, _ columns: Int, _ generator: inout SeededGenerator) -> Matrix {
        Matrix(rows: rows, columns: columns, values: (0..<(rows * columns)).map { _ in Float(generator.normal()) })
    }

    @Test func anExactAffineMapIsFound() {
        var generator = SeededGenerator(seed: 3)
        let inputs = random(200, 7, &generator), weight = random(4, 7, &generator)
        let bias: [Float] = [1, -2, 0.5, 3]
        var targets = Matrix(rows: 200, columns: 4)
        for row in 0..<200 {
            for output in 0..<4 {
                targets.values[row * 4 + output] = bias[output]
                    + zip(inputs.row(row), weight.row(output)).map(*).reduce(0, +)
            }
        }
        let map = LeastSquares.affineMap(from: inputs, to: targets, ridge: 1e-9)
        for (found, expected) in zip(map.weight.values, weight.values) { #expect(abs(found - expected) < 1e-4) }
        for (found, expected) in zip(map.bias, bias) { #expect(abs(found - expected) < 1e-4) }
    }

    /// One input, by hand: x = (1, 2), y = (1, 3), no centring: w = (1·1 + 2·3)/2 / ((1 + 4)/2 · (1 + λ)) = 1.4 at λ =
    /// 0 and 0.7 at λ = 1.
    @Test func theRidgeShrinksAsComputedByHand() {
        let x = Matrix(rows: 2, columns: 1, values: [1, 2]), y = Matrix(rows: 2, columns: 1, values: [1, 3])
        let plain = LeastSquares.affineMap(from: x, to: y, ridge: 0, isCentered: false)
        #expect(abs(plain.weight.values[0] - 1.4) < 1e-6)
        let shrunk = LeastSquares.affineMap(from: x, to: y, ridge: 1, isCentered: false)
        #expect(abs(shrunk.weight.values[0] - 0.7) < 1e-6)
    }

    @Test func aColumnThatIsAlwaysZeroGetsNoWeight() {
        let x = Matrix(rows: 3, columns: 2, values: [1, 0, 2, 0, 4, 0]), y = Matrix(rows: 3, columns: 1, values: [2, 4, 8])
        let map = LeastSquares.affineMap(from: x, to: y, ridge: 1e-9)
        #expect(abs(map.weight.values[0] - 2) < 1e-4 && map.weight.values[1] == 0)
    }
}
