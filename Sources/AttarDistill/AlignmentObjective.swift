import AttarTensor

/// How a student's vectors are pulled towards the teacher's.
public enum AlignmentObjective: String, Codable, Sendable, CaseIterable {
    /// `L = (1/B) Σ_i ‖y_i − ŷ_i‖²`: LEAF (Vujanic & Rueckstiess 2025). The student is not normalised inside: doing so
    /// would silently turn this into `cosine`.
    case squaredDistance
    /// `L = (1/B) Σ_i (1 − cos(y_i, ŷ_i))`: direction only, as in NanoVDR.
    case cosine

    /// The loss of a batch.
    ///
    /// - Parameters:
    ///   - prediction: the student's vectors ŷ, `[batch, dimension]`.
    ///   - target: the teacher's vectors y, `[batch, dimension]`.
    /// - Returns: one number; its gradient pulls ŷ towards y.
    public func loss(_ prediction: Tensor, _ target: Tensor, on tape: Tape) -> Tensor {
        switch self {
        case .squaredDistance: tape.squaredError(prediction, target)
        case .cosine: tape.cosineLoss(prediction, target)
        }
    }
}
