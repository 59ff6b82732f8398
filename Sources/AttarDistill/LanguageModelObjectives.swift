import AttarTensor

/// Supervised fine-tuning: the answers that somebody gave become more probable.
///
/// `L = −1/N Σ_t ln p(token_t)` over the N tokens of all answers of a step: the mean is over tokens, so a long answer
/// counts for more than a short one. The gradient raises the probability of every token.
public struct LikelihoodObjective: Sendable, Equatable {
    /// The objective.
    public init() {}

    /// The loss of some answers, or of a part of a step's.
    ///
    /// - Parameters:
    ///   - logProbabilities: natural logarithms of the answers' tokens, `[tokens]`, at least one.
    ///   - tokens: N, when these are a part of the step's tokens: the losses and gradients of the parts, one after the
    ///     other, then add up to those of the whole in the memory of a part. Nil for their own number.
    /// - Returns: one number.
    public func loss(_ logProbabilities: Tensor, of tokens: Int? = nil, on tape: Tape) -> Tensor {
        let count = tokens ?? logProbabilities.count
        precondition(
            logProbabilities.count > 0 && count >= logProbabilities.count,
            "LikelihoodObjective: \(logProbabilities.count) of \(count) tokens")
        return tape.scale(tape.sum(logProbabilities), by: -1 / Float(count))
    }
}

/// Direct preference optimisation (Rafailov et al. 2023): what is preferred becomes more probable against what is not,
/// as seen from the model before training (the reference).
///
/// `L = −1/B Σ_i [(1 − s) ln σ(β m_i) + s ln σ(−β m_i)]` with the margin
/// `m_i = (ln π(chosen_i) − ln π_ref(chosen_i)) − (ln π(rejected_i) − ln π_ref(rejected_i))` and s the label smoothing
/// (Mitchell 2023). An answer's logarithm is the sum over its tokens. The gradient by `ln π(chosen)` is negative, by
/// `ln π(rejected)` positive; both vanish as the margin grows.
public struct PreferenceObjective: Sendable, Equatable, Codable {
    /// β: how much a departure from the reference costs. The paper's default is 0.1.
    public var beta: Float
    /// s: the share of preferences that are thought to be wrong, below one half.
    public var labelSmoothing: Float

    /// An objective.
    public init(beta: Float = 0.1, labelSmoothing: Float = 0) {
        precondition(
            beta > 0 && labelSmoothing >= 0 && labelSmoothing < 0.5,
            "PreferenceObjective: beta \(beta), label smoothing \(labelSmoothing)")
        self.beta = beta
        self.labelSmoothing = labelSmoothing
    }

    /// The log-probabilities of answers, each the sum over its tokens.
    ///
    /// - Parameters:
    ///   - tokens: natural logarithms of all answers' tokens, `[tokens]`.
    ///   - layout: which belong to which answer.
    /// - Returns: `[answers]`.
    public static func sums(_ tokens: Tensor, layout: SequenceLayout, on tape: Tape) -> Tensor {
        precondition(tokens.count == layout.tokenCount, "\(tokens.count) tokens, \(layout.tokenCount) in the layout")
        let answers = (0..<layout.sequenceCount).flatMap { Array(repeating: Int32($0), count: layout[$0].count) }
        let sums = tape.scatterRows(
            tape.reshape(tokens, to: [tokens.count, 1]), rows: answers, count: layout.sequenceCount)
        return tape.reshape(sums, to: [layout.sequenceCount])
    }

    /// The loss of some pairs.
    ///
    /// - Parameters:
    ///   - chosen: of the preferred answers under the model that learns, `[pairs]`, at least one.
    ///   - rejected: of the others, `[pairs]`.
    ///   - reference: of both under the reference, as plain numbers, which get no gradient.
    ///   - pairs: B, when these are a part of a step's pairs; nil for their own number.
    /// - Returns: one number; `ln 2` when model and reference agree and nothing is smoothed.
    public func loss(
        chosen: Tensor, rejected: Tensor, reference: (chosen: [Float], rejected: [Float]), of pairs: Int? = nil,
        on tape: Tape
    ) -> Tensor {
        let count = pairs ?? chosen.count
        precondition(
            chosen.shape == rejected.shape && chosen.count > 0 && count >= chosen.count
                && reference.chosen.count == chosen.count && reference.rejected.count == chosen.count,
            "PreferenceObjective: chosen \(chosen.shape), rejected \(rejected.shape), reference "
                + "\(reference.chosen.count) and \(reference.rejected.count), of \(count) pairs")
        let offsets = tape.constant(
            shape: chosen.shape, zip(reference.chosen, reference.rejected).map { $0 - $1 })
        let margins = tape.scale(tape.subtract(tape.subtract(chosen, rejected), offsets), by: beta)
        let right = tape.scale(tape.sum(tape.logSigmoid(margins)), by: (labelSmoothing - 1) / Float(count))
        guard labelSmoothing > 0 else { return right }
        let wrong = tape.sum(tape.logSigmoid(tape.scale(margins, by: -1)))
        return tape.add(right, tape.scale(wrong, by: -labelSmoothing / Float(count)))
    }
}
