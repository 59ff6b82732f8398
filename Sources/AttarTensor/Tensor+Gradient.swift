extension Tensor {
    /// The gradient, copied; nil when none has arrived. A row-sparse gradient is spread out, which costs the memory
    /// that it avoids otherwise: for tests.
    public var gradient: [Float]? {
        guard hasGradient else { return nil }
        if let rowGradient { return rowGradient.spreadOut() }
        guard let gradientStorage else { return nil }
        return Array(UnsafeBufferPointer(start: gradientStorage.pointer, count: count))
    }

    /// Forgets the gradient, but keeps its memory. Nothing is written: the next gradient overwrites.
    ///
    /// - Complexity: O(1), or O(touched rows) for a row-sparse gradient.
    public func zeroGradient() {
        hasGradient = false
        rowGradient?.clear()
    }

    /// Reads and writes the dense gradient in place; does nothing when none has arrived.
    public func withUnsafeMutableGradient(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
        guard hasGradient, let gradientStorage else { return }
        try body(UnsafeMutableBufferPointer(start: gradientStorage.pointer, count: count))
    }

    /// The memory of the gradient, and whether it already holds something to add to. An operation that can overwrite
    /// saves a pass of zeros.
    func claimGradient() -> (pointer: UnsafeMutablePointer<Float>, accumulate: Bool) {
        precondition(
            rowGradient == nil,
            "a tensor of shape \(shape) with a row-sparse gradient can only be the table of an embedding")
        let accumulate = hasGradient
        hasGradient = true
        if let gradientStorage { return (gradientStorage.pointer, accumulate) }
        let storage = pool.map { Storage(count: count, pool: $0) } ?? Storage(zeros: count)
        gradientStorage = storage
        return (storage.pointer, accumulate)
    }

    /// The memory of the gradient, ready to be added to.
    func gradientToAddTo() -> UnsafeMutablePointer<Float> {
        let (pointer, accumulate) = claimGradient()
        if !accumulate { pointer.update(repeating: 0, count: count) }
        return pointer
    }
}
