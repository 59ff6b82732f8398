import CAttarKernels
import Foundation

extension Tape {
    /// `y = x · Φ(x)`, with the exact distribution function of the normal distribution (Hendrycks & Gimpel 2016).
    ///
    /// Derivative: `dx = dy · (Φ(x) + x φ(x))`.
    public func gelu(_ x: Tensor) -> Tensor {
        elementwise(x, attar_gelu_f32) { range, y, dy, dx in
            let first = range.lowerBound
            attar_gelu_backward_f32(x.storage.pointer + first, dy + first, dx + first, range.count)
        }
    }

    /// `y = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`: GELU's usual approximation.
    ///
    /// Derivative: with u the argument of tanh, `dx = dy · ((1 + tanh u)/2 + x/2 · (1 − tanh² u) · u′)`.
    public func geluTanh(_ x: Tensor) -> Tensor {
        elementwise(x, attar_gelu_tanh_f32) { range, y, dy, dx in
            let first = range.lowerBound
            attar_gelu_tanh_backward_f32(x.storage.pointer + first, dy + first, dx + first, range.count)
        }
    }

    /// `y = x / (1 + e⁻ˣ)`, also called swish (Elfwing, Uchibe & Doya 2018).
    ///
    /// Derivative: with σ the logistic function, `dx = dy · σ(x) (1 + x (1 − σ(x)))`.
    public func silu(_ x: Tensor) -> Tensor {
        elementwise(x, attar_silu_f32) { range, y, dy, dx in
            let first = range.lowerBound
            attar_silu_backward_f32(x.storage.pointer + first, dy + first, dx + first, range.count)
        }
    }

    /// `y = max(x, 0)`. Derivative: `dx = dy` where `x > 0`, else 0.
    public func relu(_ x: Tensor) -> Tensor {
        elementwise(
            x,
            { x, y, count in
                guard let x, let y else { return }
                for index in 0..<count { y[index] = max(x[index], 0) }
            }
        ) { range, y, dy, dx in
            for index in range { dx[index] += y[index] > 0 ? dy[index] : 0 }
        }
    }

    /// `y = tanh(x)`. Derivative: `dx = dy · (1 − y²)`.
    public func tanh(_ x: Tensor) -> Tensor {
        elementwise(x, attar_tanh_f32) { range, y, dy, dx in
            for index in range { dx[index] += dy[index] * (1 - y[index] * y[index]) }
        }
    }

    /// `y = 1 / (1 + e⁻ˣ)`, computed as `(1 + tanh(x/2)) / 2`, which cannot overflow. Derivative: `dx = dy · y (1 −
    /// y)`.
    public func sigmoid(_ x: Tensor) -> Tensor {
        elementwise(
            x,
            { x, y, count in
                guard let x, let y else { return }
                withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { half in
                    for index in 0..<count { half[index] = x[index] * 0.5 }
                    attar_tanh_f32(half.baseAddress, y, count)
                }
                for index in 0..<count { y[index] = 0.5 + 0.5 * y[index] }
            }
        ) { range, y, dy, dx in
            for index in range { dx[index] += dy[index] * y[index] * (1 - y[index]) }
        }
    }

    /// `y = ln(1 / (1 + e⁻ˣ))`, computed as `min(x, 0) − ln(1 + e^−|x|)`, which neither overflows nor cancels.
    ///
    /// Derivative: `dx = dy / (1 + eˣ) = dy · (1 − eʸ)`.
    public func logSigmoid(_ x: Tensor) -> Tensor {
        elementwise(
            x,
            { x, y, count in
                guard let x, let y else { return }
                for index in 0..<count { y[index] = min(x[index], 0) - log1p(Foundation.exp(-abs(x[index]))) }
            }
        ) { range, y, dy, dx in
            for index in range { dx[index] -= dy[index] * expm1(y[index]) }
        }
    }

    /// `y = eˣ`. Derivative: `dx = dy · y`.
    public func exp(_ x: Tensor) -> Tensor {
        elementwise(x, attar_exp_f32) { range, y, dy, dx in
            for index in range { dx[index] += dy[index] * y[index] }
        }
    }

    /// `y = ln x`, for positive `x`. Derivative: `dx = dy / x`.
    public func log(_ x: Tensor) -> Tensor {
        elementwise(
            x,
            { x, y, count in
                guard let x, let y else { return }
                for index in 0..<count { y[index] = Foundation.log(x[index]) }
            }
        ) { range, y, dy, dx in
            for index in range { dx[index] += dy[index] / x.storage.pointer[index] }
        }
    }

    /// `y = √x`, for x ≥ 0. Derivative: `dx = dy / 2y`, infinite at zero.
    public func squareRoot(_ x: Tensor) -> Tensor {
        elementwise(
            x,
            { x, y, count in
                guard let x, let y else { return }
                for index in 0..<count { y[index] = x[index].squareRoot() }
            }
        ) { range, y, dy, dx in
            for index in range { dx[index] += dy[index] / (2 * y[index]) }
        }
    }

    /// An operation on each element by itself.
    ///
    /// - Parameters:
    ///   - forward: Computes `count` results; the form of the kernels.
    ///   - backward: Adds to `dx` in the range, given y, dy and dx from their beginnings.
    private func elementwise(
        _ x: Tensor, _ forward: (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void,
        backward:
            @escaping (
                Range<Int>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>
            ) -> Void
    ) -> Tensor {
        let y = output(x.shape, from: x)
        parallelElements(x.count) { range in
            forward(x.storage.pointer + range.lowerBound, y.storage.pointer + range.lowerBound, range.count)
        }
        let results = y.storage
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelElements(x.count) { range in backward(range, results.pointer, dy, dx) }
        }
        return y
    }
}
