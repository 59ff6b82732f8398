extension Tape {
    /// Sets elements to zero with probability `rate` and divides the others by `1 − rate` (Srivastava et al. 2014).
    ///
    /// Derivative: `dx = dy / (1 − rate)` where the element was kept, else zero.
    ///
    /// One number is drawn from the generator; each element's fate is a hash of it and the element's place, so that it
    /// depends neither on threads nor on memory.
    ///
    /// - Parameters:
    ///   - x: Any shape.
    ///   - rate: In `0 ..< 1`. Zero returns `x` itself and draws nothing.
    public func dropout(_ x: Tensor, rate: Float, generator: inout SeededGenerator) -> Tensor {
        precondition(rate >= 0 && rate < 1, "dropout: a rate of \(rate)")
        guard rate > 0 else { return x }
        let seed = generator.next()
        let limit = UInt64(Double(rate) * 0x1p32)
        let factor = 1 / (1 - rate)
        let y = output(x.shape, from: x)
        parallelElements(x.count) { range in
            for index in range {
                y.storage.pointer[index] = Self.isKept(seed, index, limit) ? factor * x.storage.pointer[index] : 0
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelElements(x.count) { range in
                for index in range where Self.isKept(seed, index, limit) { dx[index] += factor * dy[index] }
            }
        }
        return y
    }

    /// Whether the high half of SplitMix64's mix of seed and place reaches the limit.
    @inline(__always)
    private static func isKept(_ seed: UInt64, _ index: Int, _ limit: UInt64) -> Bool {
        var word = seed &+ UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return (word ^ (word >> 31)) >> 32 >= limit
    }
}
