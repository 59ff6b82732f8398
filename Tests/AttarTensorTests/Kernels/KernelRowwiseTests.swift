import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Rowwise {
        static let epsilon: Float = 1e-5

        /// Mean, 1 / standard deviation and the normalised row, in double precision.
        static func normal(_ row: [Double]) -> (mean: Double, rstd: Double, values: [Double]) {
            let mean = row.reduce(0, +) / Double(row.count)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
            let rstd = 1 / (variance + Double(epsilon)).squareRoot()
            return (mean, rstd, row.map { ($0 - mean) * rstd })
        }

        @Test(arguments: Level.all, [true, false])
        func layerNormIsThatOfDoublePrecision(level: Level, hasResidual: Bool) {
            for dim in awkwardCounts.dropFirst() {
                let rows = 3
                let x = Buffer(numbers(rows * dim, seed: 8).map { $0 + 3 })
                let residual = Buffer(numbers(rows * dim, seed: 9))
                let gamma = Buffer(numbers(dim, seed: 10)), beta = Buffer(numbers(dim, seed: 11))
                let sum = Buffer(repeating: .nan, count: rows * dim), y = Buffer(repeating: .nan, count: rows * dim)
                let mean = Buffer(repeating: .nan, count: rows), rstd = Buffer(repeating: .nan, count: rows)
                level.run {
                    attar_layer_norm_f32(
                        x.start, hasResidual ? residual.start : nil, gamma.start, beta.start, rows, dim, Self.epsilon,
                        sum.start, y.start, mean.start, rstd.start)
                    #expect(sum.isIntact && y.isIntact && mean.isIntact && rstd.isIntact)
                    // In place, keeping nothing: the same bits.
                    attar_layer_norm_f32(
                        x.start, hasResidual ? residual.start : nil, gamma.start, beta.start, rows, dim, Self.epsilon,
                        nil, x.start, nil, nil)
                    #expect(sameBits(x.values, y.values) && x.isIntact)
                }
                for row in 0..<rows {
                    let exact = Self.normal((0..<dim).map { Double(sum[row * dim + $0]) })
                    #expect((Double(mean[row]) - exact.mean).magnitude < 1e-5)
                    #expect((Double(rstd[row]) / exact.rstd - 1).magnitude < 1e-4)
                    for i in 0..<dim {
                        let value = exact.values[i] * Double(gamma[i]) + Double(beta[i])
                        #expect((Double(y[row * dim + i]) - value).magnitude < 1e-4 * (1 + value.magnitude))
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func layerNormGradientsAreThoseOfDoublePrecision(level: Level) {
            for dim in awkwardCounts.dropFirst(2) {
                let rows = 4
                let sum = Buffer(numbers(rows * dim, seed: 12)), dy = Buffer(numbers(rows * dim, seed: 13))
                let gamma = Buffer(numbers(dim, seed: 14))
                let exact = (0..<rows).map { row in Self.normal((0..<dim).map { Double(sum[row * dim + $0]) }) }
                let mean = Buffer(exact.map { Float($0.mean) }), rstd = Buffer(exact.map { Float($0.rstd) })
                let dx = Buffer(repeating: .nan, count: rows * dim)
                let dgamma = Buffer(repeating: 1, count: dim), dbeta = Buffer(repeating: 2, count: dim)
                level.run {
                    attar_layer_norm_backward_f32(
                        sum.start, gamma.start, mean.start, rstd.start, dy.start, rows, dim, dx.start, dgamma.start,
                        dbeta.start)
                    #expect(dx.isIntact && dgamma.isIntact && dbeta.isIntact)
                    let again = Buffer(repeating: .nan, count: rows * dim)
                    attar_layer_norm_backward_f32(
                        sum.start, gamma.start, mean.start, rstd.start, dy.start, rows, dim, again.start, nil, nil)
                    #expect(sameBits(again.values, dx.values))
                }
                for i in 0..<dim {
                    let alongNormal = (0..<rows).reduce(1.0) { $0 + Double(dy[$1 * dim + i]) * exact[$1].values[i] }
                    let total = (0..<rows).reduce(2.0) { $0 + Double(dy[$1 * dim + i]) }
                    #expect((Double(dgamma[i]) - alongNormal).magnitude < 1e-4)
                    #expect((Double(dbeta[i]) - total).magnitude < 1e-5)
                }
                for row in 0..<rows {
                    let scaled = (0..<dim).map { Double(dy[row * dim + $0]) * Double(gamma[$0]) }
                    let mean = scaled.reduce(0, +) / Double(dim)
                    let along = zip(scaled, exact[row].values).reduce(0) { $0 + $1.0 * $1.1 } / Double(dim)
                    for i in 0..<dim {
                        let value = exact[row].rstd * (scaled[i] - mean - exact[row].values[i] * along)
                        #expect((Double(dx[row * dim + i]) - value).magnitude < 1e-4 * (1 + exact[row].rstd))
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func softmaxIsThatOfDoublePrecision(level: Level) {
            for columns in awkwardCounts {
                let x = Buffer(numbers(3 * columns, seed: 15, scale: 20))
                let y = Buffer(repeating: .nan, count: 3 * columns)
                level.run {
                    attar_softmax_f32(x.start, 3, columns, y.start)
                    let input = x.values
                    attar_softmax_f32(x.start, 3, columns, x.start)
                    #expect(sameBits(x.values, y.values) && y.isIntact && x.isIntact)
                    for row in 0..<3 {
                        let part = input[(row * columns)..<((row + 1) * columns)].map(Double.init)
                        let sum = part.reduce(0) { $0 + exp($1) }
                        for (i, value) in part.enumerated() {
                            let exact = exp(value) / sum
                            #expect((Double(y[row * columns + i]) - exact).magnitude <= 3e-6 * exact)
                        }
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func softmaxOfInfinitiesAndNaN(level: Level) {
            for columns in [1, 5, 8, 19, 33] {
                level.run {
                    let none = Buffer(repeating: -.infinity, count: columns)
                    attar_softmax_f32(none.start, 1, columns, none.start)
                    #expect(none.values.allSatisfy { $0 == 0 })

                    var values = [Float](repeating: -.infinity, count: columns)
                    values[columns - 1] = 3e38
                    let one = Buffer(values)
                    attar_softmax_f32(one.start, 1, columns, one.start)
                    #expect(one.values.dropLast().allSatisfy { $0 == 0 } && one[columns - 1] == 1)

                    values = numbers(columns, seed: 16)
                    values[columns / 2] = .nan
                    let unknown = Buffer(values)
                    attar_softmax_f32(unknown.start, 1, columns, unknown.start)
                    #expect(unknown.values.allSatisfy { $0.isNaN })
                }
            }
        }

        @Test(arguments: Level.all)
        func normalizedRowsHaveLengthOne(level: Level) {
            for dim in awkwardCounts {
                let x = Buffer(numbers(2 * dim, seed: 17) + [Float](repeating: 0, count: dim))
                let y = Buffer(repeating: .nan, count: 3 * dim), lengths = Buffer(repeating: .nan, count: 3)
                level.run {
                    attar_normalize_rows_f32(x.start, 3, dim, 1e-9, y.start, lengths.start)
                    let input = x.values
                    attar_normalize_rows_f32(x.start, 3, dim, 1e-9, x.start, nil)
                    #expect(sameBits(x.values, y.values) && y.isIntact && lengths.isIntact)
                    #expect(lengths[2] == 0 && y.values.suffix(dim).allSatisfy { $0 == 0 })
                    for row in 0..<2 {
                        let part = input[(row * dim)..<((row + 1) * dim)].map(Double.init)
                        let length = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
                        #expect((Double(lengths[row]) - length).magnitude <= 1e-6 * length)
                        for (i, value) in part.enumerated() {
                            #expect((Double(y[row * dim + i]) - value / length).magnitude < 1e-6)
                        }
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func columnSumsAreAdded(level: Level) {
            for columns in awkwardCounts {
                let ldx = columns + 3
                let x = Buffer(numbers(5 * ldx, seed: 18)), out = Buffer(repeating: 4, count: columns)
                level.run { attar_column_sums_f32(x.start, ldx, 5, columns, out.start) }
                #expect(out.isIntact)
                for column in 0..<columns {
                    let exact = (0..<5).reduce(4.0) { $0 + Double(x[$1 * ldx + column]) }
                    #expect((Double(out[column]) - exact).magnitude < 1e-5)
                }
            }
        }

        @Test(arguments: Level.all)
        func columnMaximaAreOfAllRowsAndOfWhatWasThere(level: Level) {
            for columns in awkwardCounts {
                let ldx = columns + 3
                var values = numbers(5 * ldx, seed: 19)
                if columns > 1 { values[ldx + 1] = .nan }
                let x = Buffer(values), out = Buffer(repeating: 0.1, count: columns)
                level.run { attar_column_max_f32(x.start, ldx, 5, columns, out.start) }
                #expect(out.isIntact)
                for column in 0..<columns {
                    let exact = (0..<5).map { x[$0 * ldx + column] }.filter { !$0.isNaN }.reduce(0.1, max)
                    #expect(out[column] == exact)
                }
            }
        }
    }
}
