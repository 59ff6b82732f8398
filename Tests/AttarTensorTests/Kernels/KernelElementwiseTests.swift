import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Elementwise {
        typealias Map = (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void

        /// Inputs from −100 to 100, dense near zero, where the functions bend.
        static let sweep: [Float] = (0..<20_001).map { index in
            let t = Float(index - 10_000) / 10_000
            return index % 2 == 0 ? t * 6 : t * t * t * 100
        }

        static func applied(_ map: Map, to values: [Float]) -> [Float] {
            let x = Buffer(values), y = Buffer(repeating: .nan, count: values.count)
            map(x.start, y.start, values.count)
            #expect(y.isIntact)
            map(x.start, x.start, values.count)
            #expect(sameBits(x.values, y.values) && x.isIntact, "in place gives other bits")
            return y.values
        }

        static func worst(_ values: [Float], _ exact: (Double) -> Double) -> Double {
            zip(sweep, values).map { (Double($1) - exact(Double($0))).magnitude }.max() ?? 0
        }

        static func gelu(_ x: Double) -> Double { 0.5 * x * erfc(-x / 2.0.squareRoot()) }

        static func geluSlope(_ x: Double) -> Double {
            0.5 * erfc(-x / 2.0.squareRoot()) + x * exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
        }

        static func tanhGate(_ x: Double) -> Double {
            0.5 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        }

        static func geluTanhSlope(_ x: Double) -> Double {
            let gate = tanhGate(x)
            return gate + x * 2 * gate * (1 - gate) * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
        }

        @Test(arguments: Level.all)
        func functionsAreThoseOfDoublePrecision(level: Level) {
            level.run {
                let sweep = Self.sweep
                #expect(Self.worst(Self.applied(attar_gelu_f32, to: sweep), Self.gelu) < 1e-6)
                #expect(Self.worst(Self.applied(attar_gelu_tanh_f32, to: sweep)) { $0 * Self.tanhGate($0) } < 2e-6)
                for (x, y) in zip(sweep, Self.applied(attar_gelu_coarse_f32, to: sweep)) {
                    #expect((Double(y) - Self.gelu(Double(x))).magnitude < 1e-4 + 1e-6 * Double(x.magnitude), "\(x)")
                }
                let exponentials = Self.applied(attar_exp_f32, to: sweep)
                let tangents = Self.applied(attar_tanh_f32, to: sweep)
                for (index, x) in sweep.enumerated() {
                    let exact = exp(Double(x))
                    if exact < Double(Float.greatestFiniteMagnitude) {
                        let error = (Double(exponentials[index]) - exact).magnitude
                        #expect(error <= 1e-6 * max(exact, Double(Float.leastNormalMagnitude)), "exp(\(x))")
                    } else {
                        #expect(exponentials[index] == .infinity)
                    }
                    let error = (Double(tangents[index]) - tanh(Double(x))).magnitude
                    #expect(error <= 1e-6 * tanh(Double(x)).magnitude, "tanh(\(x))")
                }
            }
        }

        static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

        @Test(arguments: Level.all)
        func siluAndItsGradientAreThoseOfDoublePrecision(level: Level) {
            level.run {
                for (x, y) in zip(Self.sweep, Self.applied(attar_silu_f32, to: Self.sweep)) {
                    let exact = Double(x) * Self.logistic(Double(x))
                    #expect((Double(y) - exact).magnitude <= 1e-6 * exact.magnitude + 1e-30, "silu(\(x))")
                }
                let x = Buffer(Self.sweep), dy = Buffer(repeating: 1, count: Self.sweep.count)
                let dx = Buffer(repeating: 0, count: Self.sweep.count)
                attar_silu_backward_f32(x.start, dy.start, dx.start, dx.count)
                let worst = Self.worst(dx.values) { x in
                    Self.logistic(x) * (1 + x * (1 - Self.logistic(x)))
                }
                #expect(worst < 1e-6)
                let before = dx.values
                attar_silu_backward_f32(x.start, dy.start, dx.start, dx.count)
                #expect(dx.isIntact && zip(dx.values, before).allSatisfy { $0 == 2 * $1 }, "gradients are added")
            }
        }

        @Test(arguments: Level.all)
        func gradientsAreThoseOfDoublePrecision(level: Level) {
            let x = Buffer(Self.sweep), dy = Buffer(repeating: 1, count: Self.sweep.count)
            level.run {
                let dx = Buffer(repeating: 0, count: Self.sweep.count)
                attar_gelu_backward_f32(x.start, dy.start, dx.start, dx.count)
                #expect(Self.worst(dx.values, Self.geluSlope) < 1e-6)
                let before = dx.values
                attar_gelu_backward_f32(x.start, dy.start, dx.start, dx.count)
                #expect(zip(dx.values, before).allSatisfy { $0 == 2 * $1 }, "gradients are added")
                let dxTanh = Buffer(repeating: 0, count: Self.sweep.count)
                attar_gelu_tanh_backward_f32(x.start, dy.start, dxTanh.start, dxTanh.count)
                #expect(Self.worst(dxTanh.values, Self.geluTanhSlope) < 5e-6)
                #expect(dx.isIntact && dxTanh.isIntact)
            }
        }

        @Test(arguments: Level.all)
        func extremesHaveTheirLimits(level: Level) {
            let extremes: [Float] = [.infinity, -.infinity, .nan, 0, 3e38, -3e38, 1e-40, -150]
            level.run {
                for gelu in [attar_gelu_f32, attar_gelu_tanh_f32, attar_silu_f32] {
                    let y = Self.applied(gelu, to: extremes)
                    #expect(y[0] == .infinity && y[1] == 0 && y[2].isNaN && y[3] == 0 && y[4] == 3e38 && y[5] == 0)
                    #expect(y[6].magnitude < 1e-39 && y[7] == 0)
                }
                let coarse = Self.applied(attar_gelu_coarse_f32, to: extremes)
                #expect(coarse[0] == .infinity && coarse[2].isNaN && coarse[3] == 0 && coarse[6].magnitude < 1e-39)
                #expect([1, 5, 7].allSatisfy { coarse[$0].magnitude < 1e-4 })
                let e = Self.applied(attar_exp_f32, to: extremes)
                #expect(e[0] == .infinity && e[1] == 0 && e[2].isNaN && e[3] == 1 && e[4] == .infinity && e[5] == 0)
                #expect(e[6] == 1 && e[7] == 0)
                let t = Self.applied(attar_tanh_f32, to: extremes)
                #expect(t[0] == 1 && t[1] == -1 && t[2].isNaN && t[3] == 0 && t[4] == 1 && t[5] == -1 && t[7] == -1)
                for backward in [attar_gelu_backward_f32, attar_gelu_tanh_backward_f32, attar_silu_backward_f32] {
                    let x = Buffer(extremes), one = Buffer(repeating: 1, count: 8), dx = Buffer(repeating: 0, count: 8)
                    backward(x.start, one.start, dx.start, 8)
                    #expect(dx[0] == 1 && dx[1] == 0 && dx[2].isNaN && dx[3] == 0.5 && dx[4] == 1 && dx[5] == 0)
                }
            }
        }

        @Test(arguments: Level.all)
        func arithmeticTouchesItsElementsOnly(level: Level) {
            for count in awkwardCounts {
                let (a, b) = (numbers(count, seed: 19), numbers(count, seed: 20))
                let x = Buffer(a), y = Buffer(b), z = Buffer(repeating: .nan, count: count)
                level.run {
                    attar_add_f32(x.start, y.start, count)
                    #expect(y.values == zip(a, b).map { $1 + $0 })
                    attar_scale_f32(-3, y.start, count)
                    #expect(y.values == zip(a, b).map { ($1 + $0) * -3 })
                    attar_multiply_f32(x.start, y.start, z.start, count)
                    #expect(z.values == zip(a, y.values).map { $0 * $1 })
                    let before = z.values
                    attar_axpy_f32(0.3, x.start, z.start, count)
                    for i in 0..<count { #expect((z[i] - (before[i] + 0.3 * a[i])).magnitude < 1e-6) }
                    #expect(y.isIntact && z.isIntact)
                }
            }
        }

        @Test func sumsOfSquaresHaveTheSameBitsAtEveryLevel() {
            for count in awkwardCounts + [1000] {
                let values = numbers(count, seed: 21, scale: 100)
                let x = Buffer(values)
                var sums: [Double] = []
                for level in Level.all { level.run { sums.append(attar_sum_squares_f32(x.start, count)) } }
                let exact = values.reduce(0.0) { $0 + Double($1) * Double($1) }
                #expect(Set(sums).count == 1 && (sums[0] - exact).magnitude <= 1e-12 * exact)
            }
        }

        @Test(arguments: Level.all)
        func adamWTakesThePublishedStep(level: Level) {
            for count in awkwardCounts {
                let parameters = numbers(count, seed: 22), gradients = numbers(count, seed: 23)
                let first = numbers(count, seed: 24), second = numbers(count, seed: 25).map(\.magnitude)
                let p = Buffer(parameters), g = Buffer(gradients), m = Buffer(first), v = Buffer(second)
                level.run {
                    attar_adamw_f32(p.start, g.start, m.start, v.start, count, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.5, 0.25)
                }
                #expect(p.isIntact && m.isIntact && v.isIntact)
                for i in 0..<count {
                    let gradient = Double(gradients[i])
                    let newFirst = 0.9 * Double(first[i]) + 0.1 * gradient
                    let newSecond = 0.999 * Double(second[i]) + 0.001 * gradient * gradient
                    let step = (newFirst / 0.5) / ((newSecond / 0.25).squareRoot() + 1e-8)
                    let parameter = Double(parameters[i]) - 0.01 * (0.1 * Double(parameters[i]) + step)
                    #expect((Double(m[i]) - newFirst).magnitude < 1e-6 && (Double(v[i]) - newSecond).magnitude < 1e-6)
                    #expect((Double(p[i]) - parameter).magnitude < 1e-5)
                }
            }
        }

        @Test(arguments: Level.all)
        func everyHalfPrecisionNumberIsRead(level: Level) {
            let all = (0...UInt16.max).map { $0 }
            let halves = Buffer(repeating: 0, count: all.count), brains = Buffer(repeating: 0, count: all.count)
            level.run {
                attar_f16_to_f32(all, halves.start, all.count)
                attar_bf16_to_f32(all, brains.start, all.count)
            }
            #expect(halves.isIntact && brains.isIntact)
            for bits in all {
                let (half, index) = (Float(Float16(bitPattern: bits)), Int(bits))
                #expect(half.isNaN ? halves[index].isNaN : halves[index].bitPattern == half.bitPattern)
                #expect(brains[index].bitPattern == UInt32(bits) << 16)
            }
        }

        @Test(arguments: Level.all)
        func bfloat16RoundsToNearestEven(level: Level) {
            let cases: [(UInt32, UInt16)] = [
                (0x3F80_0000, 0x3F80), (0x3F80_7FFF, 0x3F80), (0x3F80_8000, 0x3F80), (0x3F80_8001, 0x3F81),
                (0x3F81_8000, 0x3F82), (0x7F7F_FFFF, 0x7F80), (0xFF80_0000, 0xFF80), (0x7F80_0001, 0x7FC0),
                (0xFFFF_FFFF, 0xFFFF), (0x0000_0001, 0x0000), (0x8000_8001, 0x8001), (0x0000_8000, 0x0000),
            ]
            for count in awkwardCounts where count > 0 {
                let x = Buffer((0..<count).map { Float(bitPattern: cases[$0 % cases.count].0) })
                var y = [UInt16](repeating: 0, count: count + 1)
                level.run { attar_f32_to_bf16(x.start, &y, count) }
                #expect(y == (0..<count).map { cases[$0 % cases.count].1 } + [0])
            }
        }
    }
}
