import AttarTensor

/// How far a student's scores of some documents order them as the teacher's do, and no more than that: a constant added
/// to all scores of a query changes nothing.
public struct ListNetObjective: Codable, Sendable, Equatable {
    /// What scores are divided by; of unit vectors they span so little that 1 gives flat distributions.
    public var temperature: Float

    /// An objective.
    public init(temperature: Float) {
        precondition(temperature > 0, "a temperature of \(temperature)")
        self.temperature = temperature
    }

    /// The teacher's distribution over the documents, Φᵗ = softmax(t / τ), `[queries, documents]`.
    public func target(_ scores: Tensor, on tape: Tape) -> Tensor {
        tape.softmax(tape.scale(scores, by: 1 / temperature))
    }

    /// `L = −1/Q Σ_q Σ_d Φᵗ ln Φˢ`: ListNet (Cao et al. 2007), as Distill-VQ (Xiao et al. 2022) takes it.
    ///
    /// - Parameters:
    ///   - scores: the student's, `[queries, documents]`.
    ///   - target: see `target(_:on:)`.
    /// - Returns: one number; its gradient on scores is `(Φˢ − Φᵗ) / (Q τ)`.
    public func loss(_ scores: Tensor, target: Tensor, on tape: Tape) -> Tensor {
        tape.crossEntropy(logits: tape.scale(scores, by: 1 / temperature), targetProbabilities: target)
    }
}
