/// Where the sequences of a ragged batch lie in one tensor of token states.
///
/// Nothing is padded: the states of all tokens stand in one tensor `[tokens, dim]`, sequence after sequence, and this
/// says which rows belong to which sequence.
public struct SequenceLayout: Sendable, Equatable {
    /// The first row of each sequence, and at the end the number of all rows: `[sequences + 1]`, ascending.
    public let offsets: [Int]

    /// The layout of sequences of given lengths, in that order. A length may be zero.
    public init(lengths: some Sequence<Int>) {
        var offsets = [0]
        for length in lengths {
            precondition(length >= 0, "a sequence of \(length) tokens")
            offsets.append(offsets[offsets.count - 1] + length)
        }
        self.offsets = offsets
    }

    /// The layout of a batch of token ids.
    public init(of batch: [[Int32]]) {
        self.init(lengths: batch.lazy.map(\.count))
    }

    /// The number of sequences.
    public var sequenceCount: Int { offsets.count - 1 }

    /// The number of tokens of all sequences.
    public var tokenCount: Int { offsets[offsets.count - 1] }

    /// The rows of one sequence.
    public subscript(sequence: Int) -> Range<Int> { offsets[sequence]..<offsets[sequence + 1] }

    /// The length of the longest sequence; zero for an empty batch.
    public var longest: Int {
        (0..<sequenceCount).reduce(0) { max($0, self[$1].count) }
    }
}
