import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Attention {
        /// One head: q, k and v interleaved in rows of `stride`, as the product of one fused layer leaves them.
        struct Head {
            let length: Int, dim: Int
            var qkv: [Double]
            let dOut: [Double]
            var stride: Int { 3 * dim + 1 }
            var outStride: Int { dim + 2 }
            var scale: Double { 1 / Double(max(dim, 1)).squareRoot() }

            /// `saturation` multiplies queries and keys: 10 makes the softmax choose one position nearly alone.
            init(length: Int, dim: Int, saturation: Float = 1) {
                (self.length, self.dim) = (length, dim)
                let stride = 3 * dim + 1
                qkv = numbers(length * stride, seed: 6).enumerated().map { index, value in
                    Double(value * (index % stride < 2 * dim ? saturation : 1))
                }
                dOut = numbers(length * (dim + 2), seed: 7).map(Double.init)
            }

            func q(_ i: Int, _ d: Int) -> Double { qkv[i * stride + d] }
            func k(_ i: Int, _ d: Int) -> Double { qkv[i * stride + dim + d] }
            func v(_ i: Int, _ d: Int) -> Double { qkv[i * stride + 2 * dim + d] }

            func probabilities(_ i: Int) -> [Double] {
                let scores = (0..<length).map { j in
                    scale * (0..<dim).reduce(0) { $0 + q(i, $1) * k(j, $1) }
                }
                let largest = scores.max() ?? 0
                let exponentials = scores.map { exp($0 - largest) }
                let sum = exponentials.reduce(0, +)
                return exponentials.map { $0 / sum }
            }

            /// Row i of the output.
            func output(_ i: Int) -> [Double] {
                let p = probabilities(i)
                return (0..<dim).map { d in (0..<length).reduce(0) { $0 + p[$1] * v($1, d) } }
            }

            /// Σ out · dOut, of which the backward pass is the gradient by qkv.
            func loss() -> Double {
                var loss = 0.0
                for i in 0..<length {
                    let out = output(i)
                    for d in 0..<dim { loss += out[d] * dOut[i * outStride + d] }
                }
                return loss
            }

            /// The kernels' output, probabilities and gradient, at the current level.
            func computed() -> (out: [Float], probabilities: [Float], gradient: [Float]) {
                let input = Buffer(qkv.map(Float.init)), gradient = Buffer(repeating: 0, count: qkv.count)
                let out = Buffer(repeating: .nan, count: length * outStride)
                let p = Buffer(repeating: .nan, count: length * length)
                let scratch = Buffer(repeating: .nan, count: attar_attention_scratch(length, dim))
                let dOut = Buffer(self.dOut.map(Float.init))
                let (q, k, v) = (input.start, input.start + dim, input.start + 2 * dim)
                let g = gradient.start
                attar_attention_f32(
                    q, k, v, stride, length, dim, Float(scale), out.start, outStride, p.start, scratch.start)
                attar_attention_backward_f32(
                    q, k, v, stride, p.start, dOut.start, outStride, length, dim, Float(scale), g, g + dim,
                    g + 2 * dim, stride, scratch.start)
                #expect(gradient.isIntact && out.isIntact && p.isIntact && scratch.isIntact)
                return (out.values, p.values, gradient.values)
            }
        }

        static let shapes = [(0, 8), (1, 32), (2, 5), (7, 64), (16, 32), (17, 31), (33, 1), (49, 32), (100, 64), (3, 0)]

        @Test(arguments: Level.all)
        func outputsAreThoseOfDoublePrecision(level: Level) {
            for (length, dim) in Self.shapes {
                for saturation: Float in [1, 10] {
                    let head = Head(length: length, dim: dim, saturation: saturation)
                    var worst = 0.0
                    level.run {
                        let out = head.computed().out
                        for i in 0..<length {
                            for (d, exact) in head.output(i).enumerated() {
                                worst = max(worst, (Double(out[i * head.outStride + d]) - exact).magnitude)
                            }
                        }
                    }
                    // Saturated, scores are about 100 times larger, and so is the rounding that exp makes relative.
                    #expect(worst < (saturation == 1 ? 2e-6 : 5e-5), "length \(length), dimension \(dim)")
                }
            }
        }

        @Test(arguments: Level.all)
        func keepingProbabilitiesChangesNoBit(level: Level) {
            let head = Head(length: 61, dim: 32)
            level.run {
                let kept = head.computed()
                let input = Buffer(head.qkv.map(Float.init))
                let out = Buffer(repeating: .nan, count: head.length * head.outStride)
                let scratch = Buffer(repeating: .nan, count: attar_attention_scratch(head.length, head.dim))
                attar_attention_f32(
                    input.start, input.start + 32, input.start + 64, head.stride, head.length, head.dim,
                    Float(head.scale), out.start, head.outStride, nil, scratch.start)
                #expect(scratch.isIntact && sameBits(out.values, kept.out))
            }
        }

        @Test(arguments: Level.all, [Float(1), 10])
        func gradientsAreThoseOfFiniteDifferences(level: Level, saturation: Float) {
            let head = Head(length: 19, dim: 6, saturation: saturation)
            let step = 1e-5
            let differences = head.qkv.indices.map { index -> Double in
                var (above, below) = (head, head)
                above.qkv[index] += step
                below.qkv[index] -= step
                return (above.loss() - below.loss()) / (2 * step)
            }
            let largest = differences.map(\.magnitude).max() ?? 0
            level.run {
                let gradient = head.computed().gradient
                let worst = zip(gradient, differences).map { (Double($0) - $1).magnitude }.max() ?? 0
                #expect(worst < (saturation == 1 ? 2e-6 : 2e-5) * largest, "of \(largest)")
            }
        }

        /// Where one probability is nearly 1, the textbook form p (d − Σ p d) subtracts nearly equal numbers: in single
        /// precision it is wrong by more than the value here. Given the same probabilities, the kernel must agree with
        /// double precision, which needs differences from the d of the largest p as well: some p here are 1e-20.
        @Test(arguments: Level.all)
        func saturationLosesNoPrecisionInTheBackwardPass(level: Level) {
            let head = Head(length: 40, dim: 32, saturation: 12)
            level.run {
                let computed = head.computed()
                var worst = 0.0
                for i in 0..<head.length {
                    let p = (0..<head.length).map { Double(computed.probabilities[i * head.length + $0]) }
                    let best = p.indices.max { p[$0] < p[$1] } ?? 0
                    let dp = (0..<head.length).map { j in
                        (0..<head.dim).reduce(0) {
                            $0 + head.dOut[i * head.outStride + $1] * (head.v(j, $1) - head.v(best, $1))
                        }
                    }
                    let mean = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
                    for d in 0..<head.dim {
                        let terms = (0..<head.length).map { head.scale * p[$0] * (dp[$0] - mean) * head.k($0, d) }
                        let size = terms.reduce(1e-30) { $0 + $1.magnitude }
                        let error = Double(computed.gradient[i * head.stride + d]) - terms.reduce(0, +)
                        worst = max(worst, error.magnitude / size)
                    }
                }
                #expect(worst < 2e-5)
            }
        }
    }
}
