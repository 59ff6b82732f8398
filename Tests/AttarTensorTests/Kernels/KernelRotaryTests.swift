import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Rotary {
        struct Shape: Sendable { let rows: Int, heads: Int, headDim: Int, rotaryDim: Int }

        static let shapes: [Shape] = [
            Shape(rows: 0, heads: 2, headDim: 8, rotaryDim: 8), Shape(rows: 3, heads: 1, headDim: 2, rotaryDim: 2),
            Shape(rows: 5, heads: 3, headDim: 64, rotaryDim: 64), Shape(rows: 4, heads: 2, headDim: 50, rotaryDim: 46),
            Shape(rows: 2, heads: 2, headDim: 9, rotaryDim: 0), Shape(rows: 2, heads: 3, headDim: 130, rotaryDim: 130),
        ]

        @Test(arguments: Level.all, [ATTAR_ROTARY_HALVES.rawValue, ATTAR_ROTARY_NEIGHBOURS.rawValue])
        func pairsAreTurnedAndTurnedBack(level: Level, rawPairs: UInt32) {
            let pairs = attar_rotary_pairs(rawValue: numericCast(rawPairs))
            for shape in Self.shapes {
                let (width, half) = (shape.heads * shape.headDim, shape.rotaryDim / 2)
                let (ldx, ldy) = (width + 3, width + 1)
                let x = Buffer(numbers(shape.rows * ldx, seed: 51)), y = Buffer(repeating: 7, count: shape.rows * ldy)
                let positions: [Int32] = (0..<Int32(shape.rows)).map { $0 * 7 % 5 }
                let angles = (0..<5 * half).map { Double($0 / max(half, 1)) / pow(10, Double($0 % max(half, 1)) / 8) }
                let cosines = Buffer(angles.map { Float(cos($0)) }), sines = Buffer(angles.map { Float(sin($0)) })
                level.run {
                    func turn(_ from: Buffer, _ ldx: Int, _ to: Buffer, _ ldy: Int, inverse: Bool) {
                        attar_rotary_f32(
                            from.start, ldx, shape.rows, shape.heads, shape.headDim, shape.rotaryDim, pairs, positions,
                            cosines.start, sines.start, inverse, to.start, ldy)
                        #expect(to.isIntact)
                    }
                    turn(x, ldx, y, ldy, inverse: false)
                    for place in 0..<shape.rows * width {
                        let (row, column) = place.quotientAndRemainder(dividingBy: width)
                        let i = column % shape.headDim
                        let start = row * ldx + column - i
                        var exact = Double(x[start + i])
                        if i < shape.rotaryDim {
                            let isHalves = pairs == ATTAR_ROTARY_HALVES
                            let angle = angles[Int(positions[row]) * half + (isHalves ? i % half : i / 2)]
                            let isFirst = isHalves ? i < half : i % 2 == 0
                            let other = Double(x[start + (isHalves ? (i + half) % (2 * half) : i ^ 1)])
                            exact = exact * cos(angle) + (isFirst ? -other : other) * sin(angle)
                        }
                        #expect((Double(y[row * ldy + column]) - exact).magnitude < 1e-6, "\(shape) at \(place)")
                    }
                    // Between rows nothing is written; back in place gives what was.
                    #expect((0..<shape.rows).allSatisfy { y[$0 * ldy + width] == 7 })
                    turn(y, ldy, y, ldy, inverse: true)
                    for place in 0..<shape.rows * width {
                        let (row, column) = place.quotientAndRemainder(dividingBy: width)
                        #expect((y[row * ldy + column] - x[row * ldx + column]).magnitude < 1e-6)
                    }
                }
            }
        }
    }

    @Suite struct RMSNorm {
        @Test(arguments: Level.all, [true, false])
        func normsAndGradientsAreThoseOfDoublePrecision(level: Level, hasResidual: Bool) {
            let (rows, epsilon) = (3, Float(1e-5))
            for dim in awkwardCounts.dropFirst() {
                let x = Buffer(numbers(rows * dim, seed: 61).map { $0 + 1 }), gamma = Buffer(numbers(dim, seed: 62))
                let residual = Buffer(numbers(rows * dim, seed: 63)), dy = Buffer(numbers(rows * dim, seed: 64))
                let blank = { (count: Int) in Buffer(repeating: .nan, count: count) }
                let (sum, y, rstd, dx) = (blank(rows * dim), blank(rows * dim), blank(rows), blank(rows * dim))
                let dgamma = Buffer(repeating: 1, count: dim)
                level.run {
                    let added = hasResidual ? UnsafePointer(residual.start) : nil
                    attar_rms_norm_f32(
                        x.start, added, gamma.start, rows, dim, epsilon, sum.start, y.start, rstd.start)
                    attar_rms_norm_f32(x.start, added, gamma.start, rows, dim, epsilon, nil, x.start, nil)
                    #expect(sameBits(x.values, y.values), "in place, keeping nothing, gives other bits")
                    attar_rms_norm_backward_f32(
                        sum.start, gamma.start, rstd.start, dy.start, rows, dim, dx.start, dgamma.start)
                    attar_rms_norm_backward_f32(
                        sum.start, gamma.start, rstd.start, dy.start, rows, dim, y.start, nil)
                    #expect(sameBits(dx.values, y.values))
                    #expect(areIntact([x, sum, y, rstd, dx, dgamma]))
                }
                var alongNormal = [Double](repeating: 1, count: dim)
                for row in 0..<rows {
                    let s = (0..<dim).map { Double(sum[row * dim + $0]) }
                    let r = 1 / (s.reduce(0) { $0 + $1 * $1 } / Double(dim) + Double(epsilon)).squareRoot()
                    let slopes = (0..<dim).map { Double(dy[row * dim + $0]) }
                    let along = (0..<dim).reduce(0) { $0 + slopes[$1] * Double(gamma[$1]) * s[$1] * r } / Double(dim)
                    for i in 0..<dim {
                        let exact = r * (slopes[i] * Double(gamma[i]) - s[i] * r * along)
                        #expect((Double(x[row * dim + i]) - s[i] * r * Double(gamma[i])).magnitude < 1e-5)
                        #expect((Double(dx[row * dim + i]) - exact).magnitude < 1e-5 * (1 + r))
                        alongNormal[i] += slopes[i] * s[i] * r
                    }
                }
                for i in 0..<dim { #expect((Double(dgamma[i]) - alongNormal[i]).magnitude < 1e-4) }
            }
        }
    }
}
