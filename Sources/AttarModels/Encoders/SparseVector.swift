/// Weights of a few tokens of a vocabulary; all others weigh nothing.
public struct SparseVector: Sendable, Equatable {
    /// The tokens, ascending.
    public var ids: [Int32]
    /// Their weights, in the same order, all above 0.
    public var weights: [Float]

    /// A vector.
    ///
    /// - Precondition: as many weights as ids.
    public init(ids: [Int32], weights: [Float]) {
        precondition(ids.count == weights.count, "\(ids.count) tokens, \(weights.count) weights")
        self.ids = ids
        self.weights = weights
    }
}
