import AttarTensor

/// How a student's vectors are pulled towards the teacher's.
public enum AlignmentObjective: Sendable, Equatable {
    /// `L = (1/B) Σ_i ‖y_i − ŷ_i‖²`: LEAF (Vujanic & Rueckstiess 2025). The student is not normalised inside: doing so
    /// would silently turn this into `cosine`.
    case squaredDistance
    /// `L = (1/B) Σ_i (1 − cos(y_i, ŷ_i))`: direction only, as in NanoVDR.
    case cosine
    /// `L = (1/B) Σ_i KL(softmax(y_i D / τ) ‖ softmax(ŷ_i D / (τ ‖ŷ_i‖)))` over a sample D of the collection's own
    /// document vectors: what counts is not where the student's vector lies, but which documents it puts first. For
    /// students too small to be everywhere near the teacher; needs no labels either. `cosine` times the loss of that
    /// name is added.
    case scoreDistribution(temperature: Float, documents: Int, cosine: Float = 0)

    /// What the documents of `scoreDistribution` are drawn from: the teacher's vectors, `[documents, dimension]`.
    public typealias Documents = Matrix

    /// The number of documents that a loss needs; 0 for objectives without any.
    public var documentCount: Int {
        if case .scoreDistribution(_, let count, _) = self { count } else { 0 }
    }

    /// The loss of a batch.
    ///
    /// - Parameters:
    ///   - prediction: the student's vectors ŷ, `[batch, dimension]`.
    ///   - target: the teacher's vectors y, `[batch, dimension]`, of length 1.
    ///   - documents: document vectors for `scoreDistribution`, `[documents, dimension]`.
    /// - Returns: one number; its gradient pulls ŷ towards y.
    public func loss(_ prediction: Tensor, _ target: Tensor, documents: Tensor?, on tape: Tape) -> Tensor {
        switch self {
        case .squaredDistance: return tape.squaredError(prediction, target)
        case .cosine: return tape.cosineLoss(prediction, target)
        case .scoreDistribution(let temperature, _, let cosine):
            guard let documents else { preconditionFailure("scoreDistribution without documents") }
            func scores(_ queries: Tensor) -> Tensor { tape.scale(tape.matmulNT(queries, documents), by: 1 / temperature) }
            let divergence = tape.klDivergence(
                logits: scores(tape.normalizeRows(prediction)), targetProbabilities: tape.softmax(scores(target)))
            return cosine == 0
                ? divergence : tape.add(divergence, tape.scale(tape.cosineLoss(prediction, target), by: cosine))
        }
    }
}

/// In files: `"squaredDistance"`, `"cosine"`, or `{"temperature": 0.1, "documents": 2048, "cosine": 1}`.
extension AlignmentObjective: Codable {
    private struct Distribution: Codable {
        let temperature: Float
        let documents: Int
        let cosine: Float?
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let distribution = try? container.decode(Distribution.self) {
            self = .scoreDistribution(
                temperature: distribution.temperature, documents: distribution.documents,
                cosine: distribution.cosine ?? 0)
            return
        }
        switch try container.decode(String.self) {
        case "squaredDistance": self = .squaredDistance
        case "cosine": self = .cosine
        case let other:
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "there is no objective \"\(other)\"; squaredDistance and cosine are")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .squaredDistance: try container.encode("squaredDistance")
        case .cosine: try container.encode("cosine")
        case .scoreDistribution(let temperature, let documents, let cosine):
            try container.encode(Distribution(temperature: temperature, documents: documents, cosine: cosine))
        }
    }
}

extension AlignmentObjective: CustomStringConvertible {
    public var description: String {
        switch self {
        case .squaredDistance: "squared distance"
        case .cosine: "cosine"
        case .scoreDistribution(let temperature, let documents, let cosine):
            "score distribution over \(documents) documents at temperature \(temperature), plus \(cosine) times cosine"
        }
    }
}
