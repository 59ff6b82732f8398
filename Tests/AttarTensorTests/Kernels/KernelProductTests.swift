import CAttarKernels
import Testing

extension KernelTests {
    @Suite struct Products {
        /// A product to compute: C[m][n] = A[m][k] B, with rows apart by more than their length.
        struct Product {
            let m: Int, n: Int, k: Int
            let transposed: Bool, accumulate: Bool, hasBias: Bool
            let a: Buffer, weights: Buffer, bias: Buffer, before: [Float]
            var lda: Int { k + 3 }
            var ldc: Int { n + 2 }
            var ldw: Int { (transposed ? n : k) + 1 }

            init(m: Int, n: Int, k: Int, transposed: Bool, accumulate: Bool, hasBias: Bool) {
                (self.m, self.n, self.k) = (m, n, k)
                (self.transposed, self.accumulate, self.hasBias) = (transposed, accumulate, hasBias)
                a = Buffer(numbers(m * (k + 3), seed: 1))
                weights = Buffer(numbers(transposed ? k * (n + 1) : n * (k + 1), seed: 2))
                bias = Buffer(numbers(n, seed: 3))
                before = numbers(m * (n + 2), seed: 4)
            }

            func weight(_ i: Int, _ column: Int) -> Float {
                weights[transposed ? i * ldw + column : column * ldw + i]
            }

            /// The product at the current level, rows `rows` only, computed in one call.
            func computed(rows: Range<Int>) -> [Float] {
                let packed = Buffer(repeating: .nan, count: attar_pack_f32_size(n, k))
                attar_pack_f32(weights.start, ldw, n, k, transposed, packed.start)
                let c = Buffer(Array(before[(rows.lowerBound * ldc)..<(rows.upperBound * ldc)]))
                attar_gemm_f32_packed(
                    rows.count, n, k, a.start + rows.lowerBound * lda, lda, packed.start, c.start, ldc,
                    hasBias ? bias.start : nil, accumulate)
                #expect(packed.isIntact && c.isIntact)
                return c.values
            }

            func exact(_ row: Int, _ column: Int) -> (value: Double, size: Double) {
                var value = accumulate ? Double(before[row * ldc + column]) : 0
                value += hasBias ? Double(bias[column]) : 0
                var size = 1 + value.magnitude
                for i in 0..<k {
                    let term = Double(a[row * lda + i]) * Double(weight(i, column))
                    value += term
                    size += term.magnitude
                }
                return (value, size)
            }
        }

        static let shapes: [(Int, Int, Int)] = [
            (0, 5, 3), (3, 0, 5), (4, 5, 0), (1, 1, 1), (1, 16, 8), (2, 17, 31), (5, 15, 33), (6, 48, 16), (7, 47, 9),
            (8, 49, 64), (9, 33, 7), (13, 100, 65), (17, 31, 385), (20, 5, 770), (49, 50, 20),
        ]

        @Test(arguments: Level.all)
        func productsAreThoseOfDoublePrecision(level: Level) {
            for (index, (m, n, k)) in Self.shapes.enumerated() {
                for choice in 0..<8 {
                    let product = Product(
                        m: m, n: n, k: k, transposed: choice & 1 != 0, accumulate: choice & 2 != 0,
                        hasBias: choice & 4 != 0)
                    guard index % 3 == choice % 3 || k < 40 else { continue }
                    level.run { Self.check(product) }
                }
            }
        }

        static func check(_ product: Product) {
            let c = product.computed(rows: 0..<product.m)
            var worst = 0.0
            var paddingIsKept = true
            for row in 0..<product.m {
                for column in 0..<product.n {
                    let (value, size) = product.exact(row, column)
                    worst = max(worst, (Double(c[row * product.ldc + column]) - value).magnitude / size)
                }
                let padding = (row * product.ldc + product.n)..<((row + 1) * product.ldc)
                paddingIsKept = paddingIsKept && c[padding] == product.before[padding]
            }
            #expect(worst < 1e-6, "\(product.m) x \(product.n) x \(product.k)")
            #expect(paddingIsKept)
        }

        @Test(arguments: Level.all)
        func aRowHasTheSameBitsInAnyBatch(level: Level) {
            let product = Product(m: 23, n: 37, k: 401, transposed: false, accumulate: true, hasBias: true)
            level.run {
                let whole = product.computed(rows: 0..<23)
                for rows in [0..<1, 22..<23, 3..<7, 5..<18, 0..<22] {
                    let part = product.computed(rows: rows)
                    let same = Array(whole[(rows.lowerBound * product.ldc)..<(rows.upperBound * product.ldc)])
                    #expect(sameBits(part, same), "rows \(rows)")
                }
            }
        }

        /// What makes levels interchangeable: one chain of fused multiply-adds, whatever the vectors' width.
        @Test(arguments: Level.all.filter { !$0.isScalar })
        func everyElementIsOneChainOfFusedMultiplyAdds(level: Level) {
            let product = Product(m: 7, n: 19, k: 390, transposed: true, accumulate: false, hasBias: true)
            level.run {
                let c = product.computed(rows: 0..<product.m)
                for (row, column) in [(0, 0), (3, 15), (6, 18), (5, 16)] {
                    var sum = product.bias[column]
                    for i in 0..<product.k {
                        sum.addProduct(product.a[row * product.lda + i], product.weight(i, column))
                    }
                    #expect(c[row * product.ldc + column] == sum)
                }
            }
        }

        @Test(arguments: Level.all)
        func aNaNReachesItsRowOnly(level: Level) {
            let product = Product(m: 9, n: 20, k: 30, transposed: false, accumulate: false, hasBias: false)
            product.a.start[4 * product.lda + 11] = .nan
            level.run {
                let c = product.computed(rows: 0..<9)
                for row in 0..<9 {
                    let values = c[(row * product.ldc)..<(row * product.ldc + 20)]
                    #expect(values.allSatisfy { $0.isNaN == (row == 4) })
                }
            }
        }

        @Test(arguments: Level.all)
        func transposingMovesEveryElement(level: Level) {
            for (rows, columns) in [(0, 3), (1, 1), (3, 17), (8, 8), (16, 33), (31, 5), (49, 50)] {
                let (ldx, ldy) = (columns + 2, rows + 1)
                let x = Buffer(numbers(rows * ldx, seed: 5))
                let y = Buffer(repeating: 7, count: columns * ldy)
                level.run { attar_transpose_f32(x.start, ldx, rows, columns, y.start, ldy) }
                #expect(y.isIntact)
                for column in 0..<columns {
                    for row in 0..<rows { #expect(y[column * ldy + row] == x[row * ldx + column]) }
                    #expect(y[column * ldy + rows] == 7)
                }
            }
        }
    }
}
