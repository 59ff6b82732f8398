import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    /// Products in bfloat16 and in bytes.
    @Suite struct NarrowProducts {
        /// x rounded to bfloat16, as a double.
        static func rounded(_ x: Float) -> Double {
            let bits = x.bitPattern
            return Double(Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000))
        }

        static let choices: [(transposed: Bool, accumulate: Bool, hasBias: Bool)] =
            (0..<8).map { ($0 & 1 != 0, $0 & 2 != 0, $0 & 4 != 0) }

        /// The rows of a product in bfloat16.
        static func bfloat16(_ product: Products.Product, rows: Range<Int>) -> [Float] {
            let (n, k, lda) = (product.n, product.k, product.lda + product.lda % 2)
            let a = HalfBuffer(count: rows.count * lda)
            attar_bf16_rows(product.a.start + rows.lowerBound * product.lda, product.lda, rows.count, k, a.start, lda)
            let packed = HalfBuffer(count: attar_pack_bf16_size(n, k))
            attar_pack_bf16(product.weights.start, product.ldw, n, k, product.transposed, packed.start)
            let c = Buffer(Array(product.before[(rows.lowerBound * product.ldc)..<(rows.upperBound * product.ldc)]))
            attar_gemm_bf16_packed(
                rows.count, n, k, a.start, lda, packed.start, c.start, product.ldc,
                product.hasBias ? product.bias.start : nil, product.accumulate)
            #expect(a.isIntact && packed.isIntact && c.isIntact)
            return c.values
        }

        @Test(arguments: Level.all)
        func bfloat16ProductsAreThoseOfRoundedFactors(level: Level) {
            for (index, (m, n, k)) in Products.shapes.enumerated() {
                for (number, choice) in Self.choices.enumerated() where index % 3 == number % 3 || k < 40 {
                    let product = Products.Product(
                        m: m, n: n, k: k, transposed: choice.transposed, accumulate: choice.accumulate,
                        hasBias: choice.hasBias)
                    level.run { Self.checkBFloat16(product) }
                }
            }
        }

        static func checkBFloat16(_ product: Products.Product) {
            let c = bfloat16(product, rows: 0..<product.m)
            var worst = 0.0
            for row in 0..<product.m {
                for column in 0..<product.n {
                    var value = product.accumulate ? Double(product.before[row * product.ldc + column]) : 0
                    value += product.hasBias ? Double(product.bias[column]) : 0
                    var size = 1 + value.magnitude
                    for i in 0..<product.k {
                        let term = rounded(product.a[row * product.lda + i]) * rounded(product.weight(i, column))
                        value += term
                        size += term.magnitude
                    }
                    worst = max(worst, (Double(c[row * product.ldc + column]) - value).magnitude / size)
                }
                let padding = (row * product.ldc + product.n)..<((row + 1) * product.ldc)
                #expect(c[padding] == product.before[padding])
            }
            #expect(worst < 1e-6, "\(product.m) x \(product.n) x \(product.k)")
        }

        @Test(arguments: Level.all)
        func aRowHasTheSameBitsInAnyBatch(level: Level) {
            let product = Products.Product(m: 23, n: 37, k: 801, transposed: false, accumulate: true, hasBias: true)
            level.run {
                let whole = Self.bfloat16(product, rows: 0..<23), bytes = Self.bytes(product, rows: 0..<23)
                for rows in [0..<1, 22..<23, 3..<7, 5..<18] {
                    let part = (rows.lowerBound * product.ldc)..<(rows.upperBound * product.ldc)
                    #expect(sameBits(Self.bfloat16(product, rows: rows), Array(whole[part])))
                    #expect(sameBits(Self.bytes(product, rows: rows).values, Array(bytes.values[part])))
                }
            }
        }

        // MARK: Bytes

        /// A product in bytes, with what its rows were rounded to.
        struct Bytes {
            let values: [Float]
            let codes: [UInt8]
            let scales: [Float]
            let zeros: [Int32]
            let stride: Int
        }

        static func bytes(_ product: Products.Product, rows: Range<Int>) -> Bytes {
            let (n, k, stride) = (product.n, product.k, (product.k + 3) / 4 * 4)
            let packed = UnsafeMutablePointer<Int8>.allocate(capacity: attar_pack_i8_size(n, k) + 4)
            defer { packed.deallocate() }
            packed[attar_pack_i8_size(n, k)] = 99
            attar_pack_i8(product.weights.start, product.ldw, n, k, packed)
            #expect(packed[attar_pack_i8_size(n, k)] == 99)
            var codes = [UInt8](repeating: 77, count: rows.count * stride + 1)
            var scales = [Float](repeating: .nan, count: rows.count), zeros = [Int32](repeating: -1, count: rows.count)
            attar_quantize_rows_u8(
                product.a.start + rows.lowerBound * product.lda, product.lda, rows.count, k, &codes,
                &scales, &zeros)
            #expect(codes.removeLast() == 77)
            let c = Buffer(Array(product.before[(rows.lowerBound * product.ldc)..<(rows.upperBound * product.ldc)]))
            attar_gemm_i8_packed(
                rows.count, n, k, codes, scales, zeros, packed, c.start, product.ldc,
                product.hasBias ? product.bias.start : nil)
            #expect(c.isIntact)
            return Bytes(values: c.values, codes: codes, scales: scales, zeros: zeros, stride: stride)
        }

        @Test(arguments: Level.all)
        func byteProductsAreThoseOfRoundedFactors(level: Level) {
            for (m, n, k) in Products.shapes {
                for hasBias in [false, true] {
                    let product = Products.Product(
                        m: m, n: n, k: k, transposed: false, accumulate: false, hasBias: hasBias)
                    level.run { Self.checkBytes(product, Self.bytes(product, rows: 0..<m)) }
                }
            }
        }

        /// Weights that were rounded before give the packed bytes of the floats that they were rounded from.
        @Test(arguments: Level.all)
        func roundedWeightsArePackedAsTheirFloatsAre(level: Level) {
            for (_, n, k) in Products.shapes {
                let product = Products.Product(m: 1, n: n, k: k, transposed: false, accumulate: false, hasBias: false)
                let stride = k + 3, size = attar_pack_i8_size(n, k)
                level.run {
                    var codes = [Int8](repeating: 99, count: n * stride), scales = [Float](repeating: .nan, count: n)
                    for row in 0..<n {
                        var rounded = [Int8](repeating: 0, count: k)
                        attar_quantize_i8(product.weights.start + row * product.ldw, 1, k, &rounded, &scales[row])
                        codes.replaceSubrange(row * stride..<row * stride + k, with: rounded)
                    }
                    let packed = [0, 1].map { _ in UnsafeMutablePointer<Int8>.allocate(capacity: size + 4) }
                    defer { packed.forEach { $0.deallocate() } }
                    for buffer in packed { buffer.initialize(repeating: 77, count: size + 4) }
                    attar_pack_i8(product.weights.start, product.ldw, n, k, packed[0])
                    attar_pack_i8_codes(codes, stride, scales, n, k, packed[1])
                    #expect((0..<size + 4).allSatisfy { packed[0][$0] == packed[1][$0] }, "\(n) x \(k)")
                    #expect(packed[1][size] == 77)
                }
            }
        }

        /// Files may hold −128, which rounding never makes.
        @Test(arguments: Level.all)
        func productsOfTheLeastByteAreExact(level: Level) {
            let (n, k) = (5, 70)
            let codes = [Int8](repeating: -128, count: n * k), scales = [Float](repeating: 0.5, count: n)
            level.run {
                let packed = UnsafeMutablePointer<Int8>.allocate(capacity: attar_pack_i8_size(n, k))
                defer { packed.deallocate() }
                attar_pack_i8_codes(codes, k, scales, n, k, packed)
                let a = [UInt8](repeating: 255, count: 72)
                var c = [Float](repeating: .nan, count: n)
                attar_gemm_i8_packed(1, n, k, a, [0.25], [3], packed, &c, n, nil)
                #expect(c == [Float](repeating: -128 * 252 * 70 * 0.125, count: n))
            }
        }

        static func checkBytes(_ product: Products.Product, _ bytes: Bytes) {
            let weights = (0..<product.n).map { column in
                roundedRow((0..<product.k).map { product.weight($0, column) })
            }
            var worst = 0.0
            for row in 0..<product.m {
                let codes = (0..<product.k).map { Int32(bytes.codes[row * bytes.stride + $0]) - bytes.zeros[row] }
                for column in 0..<product.n {
                    var sum: Int32 = 0
                    for i in 0..<product.k { sum += codes[i] * weights[column].codes[i] }
                    let value = Double(sum) * Double(weights[column].scale) * Double(bytes.scales[row])
                        + (product.hasBias ? Double(product.bias[column]) : 0)
                    let got = Double(bytes.values[row * product.ldc + column])
                    worst = max(worst, (got - value).magnitude / (1 + value.magnitude))
                }
                let padding = (row * product.ldc + product.n)..<((row + 1) * product.ldc)
                #expect(bytes.values[padding] == product.before[padding])
            }
            #expect(worst < 1e-6, "\(product.m) x \(product.n) x \(product.k)")
        }

        /// The codes of a weight row, by the contract's own words.
        static func roundedRow(_ row: [Float]) -> (codes: [Int32], scale: Float) {
            let largest = row.map(\.magnitude).max() ?? 0
            let scale = largest / 127 > 0 ? largest / 127 : 1
            return (row.map { Int32(($0 / scale).rounded(.toNearestOrEven)) }, scale)
        }

        @Test(arguments: Level.all)
        func rowsAreRoundedToTheNearestOf255Steps(level: Level) {
            for k in awkwardCounts where k > 0 {
                let product = Products.Product(m: 3, n: 1, k: k, transposed: false, accumulate: false, hasBias: false)
                level.run {
                    let bytes = Self.bytes(product, rows: 0..<3)
                    for row in 0..<3 {
                        let x = (0..<k).map { product.a[row * product.lda + $0] }
                        let range = max(0, x.max() ?? 0) - min(0, x.min() ?? 0)
                        #expect((bytes.scales[row] - range / 255).magnitude <= range * 1e-6)
                        for i in 0..<k {
                            let code = Float(Int32(bytes.codes[row * bytes.stride + i]) - bytes.zeros[row])
                            #expect((code * bytes.scales[row] - x[i]).magnitude <= bytes.scales[row] * 1.001)
                        }
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func rowsOfZerosStayZeroAndNaNReachesItsRowOnly(level: Level) {
            let product = Products.Product(m: 9, n: 20, k: 30, transposed: false, accumulate: false, hasBias: false)
            product.a.start[4 * product.lda + 11] = .nan
            product.a.start[7 * product.lda] = .infinity
            for i in 0..<30 { product.a.start[5 * product.lda + i] = 0 }
            level.run {
                let bytes = Self.bytes(product, rows: 0..<9).values, halves = Self.bfloat16(product, rows: 0..<9)
                for row in 0..<9 {
                    let columns = (row * product.ldc)..<(row * product.ldc + 20)
                    #expect(bytes[columns].allSatisfy { $0.isNaN == (row == 4 || row == 7) })
                    #expect(halves[columns].allSatisfy { $0.isFinite == (row != 4 && row != 7) })
                    if row == 5 { #expect(bytes[columns].allSatisfy { $0 == 0 }) }
                }
            }
        }
    }

    /// 16-bit numbers between guards.
    final class HalfBuffer {
        let start: UnsafeMutablePointer<UInt16>
        private let count: Int

        init(count: Int) {
            self.count = count
            let memory = UnsafeMutablePointer<UInt16>.allocate(capacity: count + 18)
            memory.initialize(repeating: 0x7FC1, count: count + 18)
            start = memory + 9
        }

        deinit { (start - 9).deallocate() }

        var isIntact: Bool { (0..<9).allSatisfy { start[$0 - 9] == 0x7FC1 && start[count + $0] == 0x7FC1 } }
    }
}
