import AttarTensor
import CAttarKernels

extension DecoderContext {
    /// The natural logarithms of the probabilities of a continuation's tokens, each given the prompt and the tokens
    /// before.
    ///
    /// - Parameters:
    ///   - continuation: tokens, which need not be likely.
    ///   - prompt: at least one token.
    /// - Returns: one number a token.
    /// - Throws: `ModelError.badOption` when both together are longer than the model's positions.
    /// - Complexity: one pass over prompt and continuation.
    public func logProbabilities(of continuation: [Int32], after prompt: [Int32]) throws -> [Double] {
        try logProbabilities(of: [continuation], after: [prompt])[0]
    }

    /// The same for several pairs in one pass.
    ///
    /// - Returns: for each pair, one number a token of its continuation.
    /// - Precondition: as many continuations as prompts, and no empty prompt.
    public func logProbabilities(of continuations: [[Int32]], after prompts: [[Int32]]) throws -> [[Double]] {
        precondition(continuations.count == prompts.count, "\(continuations.count) continuations, \(prompts.count) prompts")
        var results: [[Double]] = continuations.map { _ in [] }
        let scored = prompts.indices.filter { !continuations[$0].isEmpty }
        let pieces = scored.map { index in
            // The last token's own logits say what would follow it, which nobody asked for.
            Piece(makeSequence(), prompts[index] + continuations[index].dropLast(), logitsFrom: prompts[index].count - 1)
        }
        try read(pieces) { piece, token, logits in
            let index = scored[piece]
            let next = Int(continuations[index][token - prompts[index].count + 1])
            let total = attar_log_sum_exp_f32(logits.baseAddress, logits.count)
            results[index].append(Double(logits[next]) - total)
        }
        return results
    }

    /// The states of all tokens of a text after some layers.
    ///
    /// - Parameters:
    ///   - ids: at least one token.
    ///   - layers: 0 is the token table, `configuration.layers` the last layer behind the final norm, as in
    ///     transformers.
    /// - Returns: for each of `layers`, `[tokens, hidden]`.
    /// - Throws: `ModelError.badOption` when the text is longer than the model's positions, or a layer is not there.
    public func hiddenStates(of ids: [Int32], layers: [Int]) throws -> [Matrix] {
        let last = decoder.configuration.layers
        for layer in layers where !(0...last).contains(layer) {
            throw ModelError.badOption("There is no layer \(layer); \(decoder.name) has the layers 0 to \(last).")
        }
        var values: [Int: [Float]] = [:]
        let visitor = StatesVisitor(layers: Set(layers)) { layer, states in
            values[layer, default: []].append(contentsOf: states)
        }
        try read([Piece(makeSequence(), ids, logitsFrom: ids.count)], states: visitor) { _, _, _ in }
        return layers.map {
            Matrix(rows: ids.count, columns: decoder.configuration.hiddenSize, values: values[$0] ?? [])
        }
    }
}
