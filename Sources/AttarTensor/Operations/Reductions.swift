import CAttarKernels

extension Tape {
    /// The sum of all elements, taken in double precision. Derivative: `dx = dy` everywhere.
    ///
    /// - Returns: A single number, shape `[]`.
    public func sum(_ x: Tensor) -> Tensor {
        total(x, factor: 1)
    }

    /// The mean of all elements, taken in double precision. Derivative: `dx = dy / count` everywhere.
    ///
    /// - Returns: A single number, shape `[]`.
    /// - Precondition: `x` is not empty.
    public func mean(_ x: Tensor) -> Tensor {
        precondition(x.count > 0, "mean: no elements in \(x.shape)")
        return total(x, factor: 1 / Double(x.count))
    }

    private func total(_ x: Tensor, factor: Double) -> Tensor {
        let y = output([], from: x)
        var total = 0.0
        for index in 0..<x.count { total += Double(x.storage.pointer[index]) }
        y.storage.pointer[0] = Float(total * factor)
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            let step = dy[0] * Float(factor)
            for index in 0..<x.count { dx[index] += step }
        }
        return y
    }
}
