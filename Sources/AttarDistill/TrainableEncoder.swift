import AttarTensor

/// A dense encoder while it is trained.
public protocol TrainableEncoder: AnyObject {
    /// Everything it consists of, frozen parts included.
    var parameters: [Parameter] { get }

    /// The parameters with their learning rates and decays.
    func parameterGroups() -> [AdamW.Group]

    /// The vectors of a batch of token sequences, not normalised.
    ///
    /// - Returns: `[batch, dimension of the teacher]`.
    func vectors(of batch: [[Int32]], on tape: Tape) -> Tensor
}

/// Token sequences and the teacher's vectors of them.
public struct AlignmentExamples: Sendable {
    /// The token ids of each text.
    public let tokens: [[Int32]]
    /// The teacher's vectors, `[texts, dimension]`.
    public let targets: Matrix

    /// Examples.
    ///
    /// - Precondition: as many token sequences as targets.
    public init(tokens: [[Int32]], targets: Matrix) {
        precondition(tokens.count == targets.rows, "\(tokens.count) texts for \(targets.rows) teacher vectors")
        self.tokens = tokens
        self.targets = targets
    }

    /// These examples followed by others.
    public func adding(_ others: AlignmentExamples) -> AlignmentExamples {
        AlignmentExamples(
            tokens: tokens + others.tokens,
            targets: Matrix(
                rows: targets.rows + others.targets.rows, columns: targets.columns,
                values: targets.values + others.targets.values))
    }

    /// The first examples, at most `count`.
    public func prefix(_ count: Int) -> AlignmentExamples {
        let kept = min(count, tokens.count)
        return AlignmentExamples(tokens: Array(tokens.prefix(kept)), targets: targets.gathered(0..<kept))
    }
}
