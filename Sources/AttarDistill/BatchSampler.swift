import AttarTensor

/// Which examples make up the batch of a step.
///
/// Every pass over the examples has its own order, which depends on the seed and the number of the pass only. A step's
/// batch is thus a function of the step: a resumed run needs no other state to draw what an undisturbed one draws.
public struct BatchSampler: Sendable {
    private let count: Int
    private let batch: Int
    private let seed: UInt64
    private var orders: [Int: [Int]] = [:]

    /// A sampler of batches of `batch` out of `count` examples.
    public init(count: Int, batch: Int, seed: UInt64) {
        precondition(count > 0 && batch > 0, "batches of \(batch) out of \(count) examples")
        self.count = count
        self.batch = min(batch, count)
        self.seed = seed
    }

    /// The examples of a step, counted from 0. A batch may begin in one pass and end in the next.
    public mutating func batch(ofStep step: Int) -> [Int] {
        let start = step * batch
        orders = orders.filter { $0.key >= start / count }
        return (start..<(start + batch)).map { order(ofPass: $0 / count)[$0 % count] }
    }

    private mutating func order(ofPass pass: Int) -> [Int] {
        if let known = orders[pass] { return known }
        var generator = SeededGenerator(seed: seed &+ UInt64(pass) &* 0x9E37_79B9_7F4A_7C15)
        let order = generator.permutation(of: count)
        orders[pass] = order
        return order
    }
}
