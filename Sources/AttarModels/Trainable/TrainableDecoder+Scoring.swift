import AttarTensor

extension TrainableDecoder {
    /// The states of all tokens behind the final norm.
    ///
    /// - Parameters:
    ///   - tape: Where operations are recorded.
    ///   - ids: The token ids of each sequence; no padding. Lengths may differ; at most `configuration.positions`.
    ///   - isAdapted: Whether the changes count; without them it is the model as it was, and nothing learns.
    ///   - dropout: What the changes do not see, and whence the random numbers come: see `dropout(_:)`.
    /// - Returns: `[tokens, hidden]`, and which rows belong to which sequence.
    /// - Complexity: as the model's own; when recording, some twenty numbers are kept for each token, layer and column
    ///   of the states, and `length²` for each sequence, layer and head.
    public func states(
        _ tape: Tape, ids: [[Int32]], isAdapted: Bool = true, dropout: inout Dropout
    ) -> (states: Tensor, layout: SequenceLayout) {
        let (states, layout) = lastStates(tape, ids, isAdapted: isAdapted, &dropout)
        return (normalize(tape, states), layout)
    }

    /// The logits of some tokens' successors.
    ///
    /// - Parameters:
    ///   - states: `[tokens, hidden]`, from `states(_:ids:isAdapted:dropout:)`.
    ///   - rows: Which tokens; nil for all.
    /// - Returns: `[rows, vocabulary]`, which is large: where only the probability of one token a row is wanted, take
    ///   `logProbabilities`.
    public func logits(_ tape: Tape, states: Tensor, rows: [Int32]? = nil) -> Tensor {
        tape.linear(rows.map { tape.gatherRows(states, rows: $0) } ?? states, weight: outputMatrix)
    }

    /// The natural logarithms of the probabilities of continuations' tokens, each given its prompt and the tokens
    /// before: what supervised fine-tuning raises, and what preference optimisation compares.
    ///
    /// - Parameters:
    ///   - continuations: Tokens; one that has none gets no number.
    ///   - prompts: As many; each at least one token.
    ///   - isAdapted: Whether the changes count; without them it is the model as it was (the reference), and nothing
    ///     learns.
    ///   - dropout: What the changes do not see.
    /// - Returns: `[tokens of all continuations]`, and which of them belong to which.
    /// - Complexity: One pass over prompts and continuations; of the vocabulary's logits a block at a time is there.
    public func logProbabilities(
        _ tape: Tape, of continuations: [[Int32]], after prompts: [[Int32]], isAdapted: Bool = true,
        dropout: inout Dropout
    ) -> (values: Tensor, layout: SequenceLayout) {
        precondition(
            continuations.count == prompts.count && prompts.allSatisfy { !$0.isEmpty },
            "\(continuations.count) continuations of \(prompts.count) prompts, none of which may be empty")
        // The last token's own logits say what would follow it, which nobody asked for.
        let ids = zip(prompts, continuations).map { prompt, continuation in
            continuation.isEmpty ? [] : prompt + continuation.dropLast()
        }
        let (states, layout) = lastStates(tape, ids, isAdapted: isAdapted, &dropout)
        let rows = continuations.indices.flatMap { index -> Range<Int32> in
            let end = Int32(layout[index].upperBound)
            return (end - Int32(continuations[index].count))..<end
        }
        let chosen = normalize(tape, tape.gatherRows(states, rows: rows))
        let values = tape.logProbabilities(
            chosen, classes: outputMatrix, targets: continuations.flatMap { $0 })
        return (values, SequenceLayout(of: continuations))
    }

    /// The same without dropout.
    public func logProbabilities(
        _ tape: Tape, of continuations: [[Int32]], after prompts: [[Int32]], isAdapted: Bool = true
    ) -> (values: Tensor, layout: SequenceLayout) {
        var dropout = Dropout.none
        return logProbabilities(tape, of: continuations, after: prompts, isAdapted: isAdapted, dropout: &dropout)
    }
}
