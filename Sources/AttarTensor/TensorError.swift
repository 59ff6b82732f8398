import AttarStorage

/// What can be wrong with tensors that come from outside: files, checkpoints, dictionaries of weights.
///
/// Wrong shapes inside a program are programmer mistakes and stop it with a precondition instead.
public struct TensorError: AttarError {
    /// The kind of failure.
    public enum Kind: Sendable, Equatable {
        /// A named tensor is not there.
        case missing
        /// A tensor has another shape, or another type, than expected.
        case mismatch
        /// Bytes do not follow their format.
        case corrupt
        /// The bytes were written by a newer version of Attar.
        case newerVersion
    }

    /// The kind of failure.
    public let kind: Kind
    /// What was found, where, what was expected, and how to mend it.
    public let description: String

    /// An error of a kind, with one or two full sentences for the user.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// Tensors from outside are input.
    public var category: ErrorCategory { .input }
}
