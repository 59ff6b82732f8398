import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    /// Products over the block formats of GGUF files.
    @Suite struct BlockProducts {
        /// A format, the numbers and bytes of its blocks, and where in a block its half-precision scales stand.
        struct Format: CustomTestStringConvertible, Sendable {
            let name: String
            let rawValue: UInt32
            let numbers: Int
            let bytes: Int
            let scales: [Int]

            var format: attar_block_format { attar_block_format(rawValue: numericCast(rawValue)) }
            var testDescription: String { name }

            static let all = [
                Format(name: "Q4_0", rawValue: 2, numbers: 32, bytes: 18, scales: [0]),
                Format(name: "Q4_1", rawValue: 3, numbers: 32, bytes: 20, scales: [0, 2]),
                Format(name: "Q5_0", rawValue: 6, numbers: 32, bytes: 22, scales: [0]),
                Format(name: "Q5_1", rawValue: 7, numbers: 32, bytes: 24, scales: [0, 2]),
                Format(name: "Q8_0", rawValue: 8, numbers: 32, bytes: 34, scales: [0]),
                Format(name: "Q4_K", rawValue: 12, numbers: 256, bytes: 144, scales: [0, 2]),
                Format(name: "Q5_K", rawValue: 13, numbers: 256, bytes: 176, scales: [0, 2]),
                Format(name: "Q6_K", rawValue: 14, numbers: 256, bytes: 210, scales: [208]),
            ]

            /// Random blocks whose scales are numbers of modest size, of either sign.
            func blocks(_ count: Int, seed: UInt64) -> [UInt8] {
                var generator = SeededGenerator(seed: seed)
                var result = (0..<(count * bytes)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                for block in 0..<count {
                    for place in scales {
                        let half = UInt16.random(in: 0x2800...0x2FFF, using: &generator) | (generator.next() & 1 == 0 ? 0x8000 : 0)
                        result[block * bytes + place] = UInt8(half & 0xFF)
                        result[block * bytes + place + 1] = UInt8(half >> 8)
                    }
                }
                return result
            }
        }

        /// What a row of activations was rounded to.
        struct Rounded {
            var codes: [Int8]
            var scales: [Float]
            var sums: [Int32]

            init(_ format: Format, _ x: UnsafePointer<Float>, stride: Int, rows: Int, k: Int) {
                let groups = k / attar_blocks_group(format.format)
                codes = .init(repeating: 99, count: rows * k + 1)
                scales = .init(repeating: -1, count: rows * groups + 1)
                sums = .init(repeating: 77, count: rows * groups + 1)
                attar_quantize_groups_i8(format.format, x, stride, rows, k, &codes, &scales, &sums)
                #expect(codes.removeLast() == 99 && scales.removeLast() == -1 && sums.removeLast() == 77)
            }
        }

        /// `rows` of C, padding included.
        static func product(
            _ format: Format, rows: Int, n: Int, k: Int, _ blocks: [UInt8], _ x: Rounded, bias: Buffer?, ldc: Int
        ) -> [Float] {
            let size = attar_pack_blocks_size(format.format, n, k)
            let packed = UnsafeMutableRawPointer.allocate(byteCount: size + 1, alignment: 64)
            defer { packed.deallocate() }
            packed.storeBytes(of: 55, toByteOffset: size, as: UInt8.self)
            attar_pack_blocks(format.format, blocks, n, k, packed)
            #expect(packed.load(fromByteOffset: size, as: UInt8.self) == 55)
            let c = Buffer(repeating: 3, count: rows * ldc)
            attar_gemm_blocks_packed(
                format.format, rows, n, k, x.codes, x.scales, x.sums, packed, c.start, ldc, bias?.start)
            #expect(c.isIntact)
            return c.values
        }

        @Test(arguments: Level.all, Format.all)
        func productsAreThoseOfTheBlocksOwnNumbers(level: Level, format: Format) {
            for (m, n, blockCount) in [(0, 3, 1), (1, 1, 1), (2, 17, 2), (3, 48, 1), (5, 33, 3), (9, 50, 2)] {
                let (k, ldc) = (blockCount * format.numbers, n + 2)
                let blocks = format.blocks(n * blockCount, seed: UInt64(m + n))
                let x = Buffer(numbers(m * (k + 1), seed: 6)), bias = Buffer(numbers(n, seed: 7))
                let weights = Buffer(repeating: .nan, count: n * k)
                level.run {
                    attar_dequantize_blocks(format.format, blocks, n * blockCount, weights.start)
                    let rounded = Rounded(format, x.start, stride: k + 1, rows: m, k: k)
                    for bias in [bias, nil] {
                        let c = Self.product(format, rows: m, n: n, k: k, blocks, rounded, bias: bias, ldc: ldc)
                        Self.check(c, format, m: m, n: n, k: k, weights, rounded, bias: bias)
                    }
                }
            }
        }

        static func check(
            _ c: [Float], _ format: Format, m: Int, n: Int, k: Int, _ weights: Buffer, _ x: Rounded, bias: Buffer?
        ) {
            let group = attar_blocks_group(format.format), ldc = n + 2
            var worst = 0.0
            for row in 0..<m {
                for column in 0..<n {
                    var (value, size) = (Double(bias?[column] ?? 0), 1.0)
                    for i in 0..<k {
                        let scale = Double(x.scales[(row * k + i) / group])
                        let term = Double(weights[column * k + i]) * Double(x.codes[row * k + i]) * scale
                        value += term
                        size += term.magnitude
                    }
                    worst = max(worst, (Double(c[row * ldc + column]) - value).magnitude / size)
                }
                #expect(c[(row * ldc + n)..<((row + 1) * ldc)].allSatisfy { $0 == 3 })
            }
            #expect(worst < 2e-6, "\(format.name) \(m) x \(n) x \(k)")
        }

        @Test(arguments: Level.all, Format.all)
        func activationsAreRoundedGroupByGroup(level: Level, format: Format) {
            let (rows, k, group) = (3, 2 * format.numbers, attar_blocks_group(format.format))
            let x = Buffer(numbers(rows * k, seed: 8, scale: 5))
            for i in 0..<group { x.start[i] = 0 }
            x.start[k + 1] = .infinity
            level.run {
                let rounded = Rounded(format, x.start, stride: k, rows: rows, k: k)
                for place in 0..<(rows * k / group) {
                    let range = (place * group)..<((place + 1) * group)
                    let scale = rounded.scales[place]
                    #expect(rounded.sums[place] == rounded.codes[range].reduce(0) { $0 + Int32($1) })
                    #expect(scale.isNaN == range.contains(k + 1))
                    for i in range where !scale.isNaN {
                        #expect((Float(rounded.codes[i]) * scale - x[i]).magnitude <= 0.501 * scale)
                    }
                }
            }
        }

        @Test(arguments: Level.all, Format.all)
        func aRowHasTheSameBitsInAnyBatch(level: Level, format: Format) {
            let (n, k) = (37, 2 * format.numbers)
            let blocks = format.blocks(n * 2, seed: 9)
            let x = Buffer(numbers(11 * k, seed: 10))
            level.run {
                func rows(_ range: Range<Int>) -> [Float] {
                    let rounded = Rounded(format, x.start + range.lowerBound * k, stride: k, rows: range.count, k: k)
                    return Self.product(format, rows: range.count, n: n, k: k, blocks, rounded, bias: nil, ldc: n)
                }
                let whole = rows(0..<11)
                for range in [0..<1, 10..<11, 2..<5, 1..<8] {
                    #expect(sameBits(rows(range), Array(whole[(range.lowerBound * n)..<(range.upperBound * n)])))
                }
            }
        }
    }
}
