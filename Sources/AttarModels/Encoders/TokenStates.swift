import AttarTensor

/// The states of one text's tokens: what late interaction compares (Khattab & Zaharia 2020).
public struct TokenStates: Sendable {
    /// The tokens, special tokens included.
    public var ids: [Int32]
    /// `[tokens, hidden]`: the last layer's states, before pooling and heads.
    public var states: Matrix

    /// States of tokens.
    public init(ids: [Int32], states: Matrix) {
        precondition(ids.count == states.rows, "\(ids.count) tokens, \(states.rows) states")
        self.ids = ids
        self.states = states
    }
}

extension BertEncoder {
    /// The states of the texts' tokens, in the order of `texts`; a prompt's tokens are among them.
    ///
    /// - Throws: `ModelError.badOption` for a maximum length below 3.
    /// - Complexity: O(tokens · hidden) memory, beside what `encode` takes.
    public func tokenStates(
        _ texts: [String], role: TextRole = .plain, options: EncodingOptions = EncodingOptions()
    ) throws -> [TokenStates] {
        let width = configuration.hiddenSize
        let ids = try backbone.ids(of: texts, role: role, options: options)
        let found = PerText<Matrix>(count: texts.count)
        backbone.forEach(TokenGroup.groups(of: ids, tokens: options.batchTokens), options: options) { group, work in
            backbone.run(group, in: work)
            var start = 0
            for (text, end) in zip(group.texts, group.ends) {
                let states = UnsafeBufferPointer(
                    start: work.states.start + start * width, count: (end - start) * width)
                found.set(text, Matrix(rows: end - start, columns: width, values: Array(states)))
                start = end
            }
        }
        return zip(ids, found.all).map { TokenStates(ids: $0, states: $1) }
    }
}
