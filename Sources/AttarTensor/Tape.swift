import CAttarKernels

/// Reverse-mode differentiation: operations are computed at once and remembered; `backward` runs their derivatives in
/// reverse order (the chain rule).
///
/// One thread drives a tape. Inside an operation the work is shared over `threads` threads by chunks whose size depends
/// on shapes only, and sums are taken in the order of the chunks: results have the same bits with any number of
/// threads.
///
///     let tape = Tape()
///     let weight = Tensor(shape: [1, 2], values: [3, 4], requiresGradient: true)
///     let loss = tape.sum(tape.multiply(weight, weight))
///     tape.backward(from: loss)
///     weight.gradient    // [6, 8]
public final class Tape {
    /// Takes the tape and the gradient of the operation's result; adds to the gradients of the operation's inputs.
    typealias Backward = (Tape, UnsafeMutablePointer<Float>) -> Void

    /// Where results and intermediate values take their memory.
    public let pool: BufferPool
    /// The number of threads that kernels may use.
    public let threads: Int
    /// Whether operations are remembered. A tape that only computes keeps no intermediate values.
    public let isRecording: Bool
    /// What matrix products round their factors to, where an operation does not say otherwise.
    public let precision: ProductPrecision

    private var records: [(output: Tensor, backward: Backward)] = []

    /// An empty tape.
    ///
    /// Use one tape for all steps of a training run, or give all tapes the same pool: that is what makes memory reused.
    public init(
        threads: Int = Parallel.processorCount, pool: BufferPool = BufferPool(), isRecording: Bool = true,
        precision: ProductPrecision = .fp32
    ) {
        self.threads = max(1, threads)
        self.pool = pool
        self.isRecording = isRecording
        self.precision = precision
    }

    /// Computes the gradients of `loss` for everything that it was computed from, adds them to what is there already,
    /// and empties the tape.
    ///
    /// - Precondition: `loss` is a single number that this tape computed from a tensor that requires a gradient.
    public func backward(from loss: Tensor) {
        precondition(loss.count == 1, "backward starts from a single number, not from shape \(loss.shape)")
        backward(from: loss, gradient: [1])
    }

    /// The same from a tensor of any shape, whose own gradient is given: what is differentiated is `Σ gradient ·
    /// output`.
    ///
    /// - Parameter gradient: As many numbers as `output` has elements.
    public func backward(from output: Tensor, gradient: [Float]) {
        precondition(output.requiresGradient, "backward from a tensor that depends on nothing that requires a gradient")
        precondition(gradient.count == output.count, "\(gradient.count) gradients for shape \(output.shape)")
        let target = output.gradientToAddTo()
        for (index, value) in gradient.enumerated() { target[index] += value }
        // Each record is dropped as soon as it has run: the memory of its tensors serves the records before it.
        while let record = records.popLast() {
            guard record.output.hasGradient, let storage = record.output.gradientStorage else { continue }
            record.backward(self, storage.pointer)
        }
    }

    /// Forgets what was recorded, without computing gradients.
    public func reset() {
        records.removeAll(keepingCapacity: true)
    }

    /// A copy of given elements that requires no gradient, in pooled memory.
    public func constant(shape: [Int], _ values: [Float]) -> Tensor {
        let tensor = Tensor(shape: shape, pool: pool, requiresGradient: false)
        tensor.assign(values)
        return tensor
    }

    /// A copy of a matrix that requires no gradient, in pooled memory.
    public func constant(_ matrix: Matrix) -> Tensor {
        constant(shape: [matrix.rows, matrix.columns], matrix.values)
    }

    // MARK: For operations

    /// The result of an operation, with arbitrary content; it requires a gradient if one of the inputs does.
    func output(_ shape: [Int], from inputs: Tensor?...) -> Tensor {
        output(shape, from: inputs)
    }

    func output(_ shape: [Int], from inputs: [Tensor?]) -> Tensor {
        let differentiable = isRecording && inputs.contains { $0?.requiresGradient ?? false }
        return Tensor(shape: shape, pool: pool, requiresGradient: differentiable)
    }

    /// Remembers how to go backward from `output`, if anybody wants to.
    func record(_ output: Tensor, _ backward: @escaping Backward) {
        if output.requiresGradient { records.append((output, backward)) }
    }

    /// Pooled memory with arbitrary content.
    func scratch(_ count: Int) -> Storage { Storage(count: count, pool: pool) }

    /// Calls `body` for ranges of `chunk` indices that cover `0 ..< count`, on the tape's threads.
    ///
    /// The bodies of operations write disjoint rows through raw pointers, which the compiler cannot see: this is the
    /// one place that vouches for them.
    func parallel(_ count: Int, chunk: Int, _ body: (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { body in
            let shared = UncheckedSendable(body)
            Parallel.forEachRange(count: count, chunk: chunk, threads: threads) { shared.value($0) }
        }
    }

    /// The same for rows, in chunks of about 16,000 elements.
    func parallelRows(_ rows: Int, columns: Int, _ body: (Range<Int>) -> Void) {
        parallel(rows, chunk: Self.rowChunk(columns: columns), body)
    }

    /// The same for elements of an element-wise operation.
    func parallelElements(_ count: Int, _ body: (Range<Int>) -> Void) {
        parallel(count, chunk: 16_384, body)
    }

    /// The rows of a chunk; a function of the shape alone.
    static func rowChunk(columns: Int) -> Int { max(1, 16_384 / max(1, columns)) }
}

/// A value that its user promises to share safely.
struct UncheckedSendable<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
