import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    /// Attention with everything it may be given: fewer queries than keys, causality, bias, grouped heads.
    @Suite struct AttentionHead {
        /// What a case is like; the numbers come from a seed.
        struct Shape: Sendable {
            let queries: Int, keys: Int, dim: Int
            var causal = false
            /// nil for no bias, 0 for one row that all queries share.
            var biasStride: Int?

            var scale: Double { 1 / Double(max(dim, 1)).squareRoot() }
            var biasCount: Int { biasStride.map { $0 == 0 ? keys : $0 * queries } ?? 0 }
        }

        static let shapes: [Shape] = [
            Shape(queries: 0, keys: 0, dim: 8, causal: true), Shape(queries: 1, keys: 1, dim: 3, causal: true),
            Shape(queries: 17, keys: 17, dim: 32, causal: true), Shape(queries: 100, keys: 100, dim: 64, causal: true),
            Shape(queries: 3, keys: 70, dim: 16, causal: true), Shape(queries: 49, keys: 61, dim: 50, causal: true),
            Shape(queries: 5, keys: 33, dim: 7), Shape(queries: 50, keys: 2, dim: 9),
            Shape(queries: 19, keys: 19, dim: 8, biasStride: 19), Shape(queries: 51, keys: 18, dim: 31, biasStride: 20),
            Shape(queries: 20, keys: 35, dim: 6, biasStride: 0), Shape(queries: 2, keys: 0, dim: 4, biasStride: 0),
            Shape(queries: 49, keys: 52, dim: 12, causal: true, biasStride: 52),
        ]

        /// Inputs in double precision, whose values are floats.
        struct Inputs {
            let shape: Shape
            var q, k, v, bias: [Double]
            let dOut: [Double]
            var all: [WritableKeyPath<Inputs, [Double]>] { [\.q, \.k, \.v, \.bias] }

            init(_ shape: Shape) {
                func doubles(_ count: Int, _ seed: UInt64) -> [Double] { numbers(count, seed: seed).map(Double.init) }
                self.shape = shape
                q = doubles(shape.queries * (shape.dim + 3), 31)
                k = doubles(shape.keys * (shape.dim + 1), 32)
                v = doubles(shape.keys * (shape.dim + 1), 33)
                bias = doubles(shape.biasCount, 34).map { 3 * $0 }
                dOut = doubles(shape.queries * shape.dim, 35)
            }

            func probabilities(_ i: Int) -> [Double] {
                let scores = (0..<shape.keys).map { j in
                    if shape.causal, j > i + shape.keys - shape.queries { return -Double.infinity }
                    let product = (0..<shape.dim).reduce(0.0) {
                        $0 + q[i * (shape.dim + 3) + $1] * k[j * (shape.dim + 1) + $1]
                    }
                    return shape.scale * product + (shape.biasStride.map { bias[i * $0 + j] } ?? 0)
                }
                guard let largest = scores.max(), largest > -.infinity else { return scores.map { _ in 0 } }
                let exponentials = scores.map { exp($0 - largest) }
                let sum = exponentials.reduce(0, +)
                return exponentials.map { $0 / sum }
            }

            func output() -> [Double] {
                (0..<shape.queries).flatMap { i in
                    let p = probabilities(i)
                    return (0..<shape.dim).map { d in
                        (0..<shape.keys).reduce(0) { $0 + p[$1] * v[$1 * (shape.dim + 1) + d] }
                    }
                }
            }

            /// The call whose q, k, v and bias stand in `buffers`.
            func head(_ buffers: [Buffer]) -> attar_attention_head {
                attar_attention_head(
                    q: buffers[0].start, q_stride: shape.dim + 3, k: buffers[1].start, v: buffers[2].start,
                    kv_stride: shape.dim + 1, queries: shape.queries, keys: shape.keys, head_dim: shape.dim,
                    scale: Float(shape.scale), causal: shape.causal,
                    bias: shape.biasStride == nil ? nil : UnsafePointer(buffers[3].start),
                    bias_stride: shape.biasStride ?? 0)
            }

            func loss() -> Double { zip(output(), dOut).reduce(0) { $0 + $1.0 * $1.1 } }
        }

        /// Output, probabilities, and the gradients of q, k, v and the bias, at the current level.
        static func computed(_ inputs: Inputs) -> (out: [Float], p: [Float], gradients: [[Float]]) {
            let shape = inputs.shape
            let buffers = inputs.all.map { Buffer(inputs[keyPath: $0].map(Float.init)) }
            let gradients = buffers.map { Buffer(repeating: 0, count: $0.count) }
            let out = Buffer(repeating: .nan, count: shape.queries * shape.dim)
            let p = Buffer(repeating: .nan, count: shape.queries * shape.keys)
            let scratch = Buffer(repeating: .nan, count: attar_attention_scratch(shape.keys, shape.dim))
            let dOut = Buffer(inputs.dOut.map(Float.init))
            var head = inputs.head(buffers)
            attar_attention_head_f32(&head, out.start, shape.dim, p.start, scratch.start)
            let again = Buffer(repeating: .nan, count: out.count)
            attar_attention_head_f32(&head, again.start, shape.dim, nil, scratch.start)
            #expect(sameBits(again.values, out.values), "keeping probabilities changes results")
            var targets = attar_attention_gradients(
                dq: gradients[0].start, dq_stride: shape.dim + 3, dk: gradients[1].start, dv: gradients[2].start,
                dkv_stride: shape.dim + 1, d_bias: shape.biasStride == nil ? nil : gradients[3].start,
                d_bias_stride: shape.biasStride ?? 0)
            attar_attention_head_backward_f32(&head, p.start, dOut.start, shape.dim, &targets, scratch.start)
            #expect(areIntact(buffers + gradients + [out, p, scratch, again]))
            return (out.values, p.values, gradients.map(\.values))
        }

        @Test(arguments: Level.all)
        func outputsAndProbabilitiesAreThoseOfDoublePrecision(level: Level) {
            for shape in Self.shapes {
                let inputs = Inputs(shape)
                level.run {
                    let (out, p, _) = Self.computed(inputs)
                    let exact = (0..<shape.queries).flatMap(inputs.probabilities)
                    let worst = zip(out, inputs.output()).map { (Double($0) - $1).magnitude }.max() ?? 0
                    let worstP = zip(p, exact).map { (Double($0) - $1).magnitude }.max() ?? 0
                    #expect(worst < 2e-6 && worstP < 1e-6, "\(shape)")
                    #expect(zip(p, exact).allSatisfy { $1 > 0 || $0 == 0 }, "an unseen key has weight: \(shape)")
                }
            }
        }

        /// Output in bfloat16, at the current level.
        static func narrowOutput(_ inputs: Inputs) -> [Float] {
            let shape = inputs.shape
            let buffers = inputs.all.map { Buffer(inputs[keyPath: $0].map(Float.init)) }
            let out = Buffer(repeating: .nan, count: shape.queries * shape.dim)
            let scratch = Buffer(repeating: .nan, count: attar_attention_scratch(shape.keys, shape.dim))
            var head = inputs.head(buffers)
            attar_attention_head_bf16(&head, out.start, shape.dim, scratch.start)
            #expect(areIntact(buffers + [out, scratch]))
            return out.values
        }

        @Test(arguments: Level.all)
        func outputsInBfloat16AreThoseOfRoundedInputs(level: Level) {
            for shape in Self.shapes {
                let inputs = Inputs(shape)
                level.run {
                    let out = Self.narrowOutput(inputs)
                    // Numbers of −1…1, rounded to 8 bits: scores are off by up to 2^-8, and so are values.
                    for (value, exact) in zip(out, inputs.output()) {
                        #expect((Double(value) - exact).magnitude < 0.008, "\(shape)")
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func gradientsAreThoseOfFiniteDifferences(level: Level) {
            let step = 1e-5
            for shape in Self.shapes where shape.queries * shape.keys > 0 && shape.keys < 60 {
                let inputs = Inputs(shape)
                let differences = inputs.all.map { path in
                    stride(from: 0, to: inputs[keyPath: path].count, by: 7).map { index -> (Int, Double) in
                        var (above, below) = (inputs, inputs)
                        above[keyPath: path][index] += step
                        below[keyPath: path][index] -= step
                        return (index, (above.loss() - below.loss()) / (2 * step))
                    }
                }
                level.run {
                    for (gradient, expected) in zip(Self.computed(inputs).gradients, differences) {
                        let worst = expected.map { (Double(gradient[$0.0]) - $0.1).magnitude }.max() ?? 0
                        let largest = expected.map(\.1.magnitude).max() ?? 0
                        #expect(worst <= 1e-6 + 5e-6 * largest, "\(shape)")
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func whatMinusInfinityForbidsIsAsIfItWereNotThere(level: Level) {
            var masked = Inputs(Shape(queries: 20, keys: 35, dim: 6, biasStride: 0))
            for j in 0..<35 { masked.bias[j] = j % 3 == 0 ? -.infinity : 0 }
            level.run {
                let (out, p, gradients) = Self.computed(masked)
                let exact = masked.output()
                for (value, exact) in zip(out, exact) { #expect((Double(value) - exact).magnitude < 2e-6) }
                for (value, exact) in zip(Self.narrowOutput(masked), exact) {
                    #expect((Double(value) - exact).magnitude < 0.008)
                }
                for j in stride(from: 0, to: 35, by: 3) {
                    #expect((0..<20).allSatisfy { p[$0 * 35 + j] == 0 })
                    #expect((0..<6).allSatisfy { gradients[1][j * 7 + $0] == 0 && gradients[2][j * 7 + $0] == 0 })
                }
                for j in 0..<35 { masked.bias[j] = -.infinity }
                let nothing = Self.computed(masked)
                #expect(nothing.out.allSatisfy { $0 == 0 })
                #expect(Self.narrowOutput(masked).allSatisfy { $0 == 0 })
                #expect(nothing.gradients.joined().allSatisfy { $0 == 0 })
            }
        }
    }
}
