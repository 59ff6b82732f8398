import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Cache {
        /// New rows of grouped queries behind cached positions, with room behind the positions that must not matter.
        struct Head {
            let rows: Int, group: Int, dim: Int, first: Int
            let q: [Float], k: [Float], v: [Float]
            var positions: Int { first + rows }
            var qStride: Int { group * dim + 3 }
            var valueStride: Int { dim + 1 }
            var scale: Float { 1 / Float(dim).squareRoot() }

            init(rows: Int, group: Int, dim: Int, first: Int, scale: Float = 1) {
                (self.rows, self.group, self.dim, self.first) = (rows, group, dim, first)
                q = numbers(rows * (group * dim + 3), seed: 1, scale: 3 * scale)
                k = numbers((first + rows) * (dim + 2), seed: 2, scale: scale)
                v = numbers((first + rows) * (dim + 1), seed: 3)
            }

            /// What double precision makes of query `head` of a row.
            func exact(_ row: Int, _ head: Int) -> [Double] {
                let scores = (0...(first + row)).map { j in
                    Double(scale) * (0..<dim).reduce(0.0) {
                        $0 + Double(q[row * qStride + head * dim + $1]) * Double(k[j * (dim + 2) + $1])
                    }
                }
                let largest = scores.max() ?? 0
                let weights = scores.map { exp($0 - largest) }
                let sum = weights.reduce(0, +)
                return (0..<dim).map { d in
                    zip(weights, 0...).reduce(0.0) { $0 + $1.0 / sum * Double(v[$1.1 * valueStride + d]) }
                }
            }

            /// The kernel's output for some rows, `[rows, group · dim + 2]`; unwritten places are NaN.
            func computed(_ range: Range<Int>) -> [Float] {
                let keys = Buffer(repeating: .nan, count: attar_cached_keys_size(positions, dim))
                let source = Buffer(k), queries = Buffer(q), values = Buffer(v)
                // In two steps, as a cache grows.
                attar_cache_keys_f32(source.start, dim + 2, first, dim, 0, keys.start)
                attar_cache_keys_f32(source.start + first * (dim + 2), dim + 2, rows, dim, first, keys.start)
                let outStride = group * dim + 2
                let out = Buffer(repeating: .nan, count: range.count * outStride)
                let scratch = Buffer(
                    repeating: .nan, count: attar_cached_attention_scratch(first + range.upperBound, dim))
                var head = attar_cached_head(
                    q: queries.start + range.lowerBound * qStride, q_stride: qStride, rows: range.count, group: group,
                    head_dim: dim, keys: keys.start, values: values.start, value_stride: valueStride,
                    first: first + range.lowerBound, scale: scale)
                attar_cached_attention_f32(&head, out.start, outStride, scratch.start)
                #expect(keys.isIntact && out.isIntact && scratch.isIntact && values.isIntact)
                return out.values
            }
        }

        static let heads = [
            Head(rows: 1, group: 1, dim: 8, first: 0), Head(rows: 1, group: 3, dim: 64, first: 100),
            Head(rows: 5, group: 7, dim: 64, first: 31), Head(rows: 33, group: 2, dim: 20, first: 15),
            Head(rows: 17, group: 1, dim: 128, first: 0), Head(rows: 4, group: 9, dim: 34, first: 16),
            Head(rows: 3, group: 4, dim: 2, first: 47), Head(rows: 2, group: 1, dim: 80, first: 63, scale: 8),
            Head(rows: 0, group: 3, dim: 8, first: 4),
        ]

        @Test(arguments: Level.all)
        func eachRowSeesThePositionsUpToItsOwn(level: Level) {
            for head in Self.heads {
                var worst = 0.0
                level.run {
                    let out = head.computed(0..<head.rows)
                    for row in 0..<head.rows {
                        for query in 0..<head.group {
                            for (d, exact) in head.exact(row, query).enumerated() {
                                let value = out[row * (head.group * head.dim + 2) + query * head.dim + d]
                                worst = max(worst, (Double(value) - exact).magnitude)
                            }
                        }
                    }
                }
                #expect(worst < 4e-5, "rows \(head.rows), group \(head.group), dimension \(head.dim)")
            }
        }

        @Test(arguments: Level.all)
        func aRowHasTheSameBitsAloneAndInCompany(level: Level) {
            let head = Head(rows: 21, group: 3, dim: 40, first: 13)
            level.run {
                let all = head.computed(0..<head.rows), stride = head.group * head.dim + 2
                for row in 0..<head.rows {
                    let alone = head.computed(row..<(row + 1))
                    #expect(sameBits(Array(alone.dropLast(2)), Array(all[(row * stride)..<((row + 1) * stride - 2)])))
                }
            }
        }

        @Test(arguments: Level.all)
        func logSumExpIsThatOfDoublePrecision(level: Level) {
            level.run {
                for count in awkwardCounts + [4095, 4096, 4097, 50_000] {
                    let values = numbers(count, seed: 9, scale: 20)
                    let largest = values.map(Double.init).max() ?? -.infinity
                    let exact = count == 0
                        ? -.infinity : largest + log(values.reduce(0.0) { $0 + exp(Double($1) - largest) })
                    let buffer = Buffer(values)
                    let found = attar_log_sum_exp_f32(buffer.start, count)
                    #expect(found == exact || (found - exact).magnitude < 2e-6, "\(count) numbers")
                }
                let masked = Buffer([-.infinity, 1.5, -.infinity])
                #expect((attar_log_sum_exp_f32(masked.start, 3) - 1.5).magnitude < 1e-7)
                #expect(attar_log_sum_exp_f32(masked.start, 1) == -.infinity)
                let broken = Buffer([1, .nan, 2])
                #expect(!attar_log_sum_exp_f32(broken.start, 3).isFinite)
            }
        }
    }
}
