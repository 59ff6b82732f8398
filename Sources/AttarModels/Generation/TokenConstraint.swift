/// Rules which tokens may come next: the hook through which output is constrained.
///
/// Before each token `mask` is asked, after it `accept` is told. A constraint belongs to one text.
public protocol TokenConstraint {
    /// Sets the logits of tokens that may not come next to −infinity.
    ///
    /// - Parameter logits: `[vocabulary]`.
    mutating func mask(_ logits: UnsafeMutableBufferPointer<Float>)

    /// Takes note of the token that was chosen; never an ending one.
    mutating func accept(_ token: Int32)
}

/// A constraint made of a closure that knows nothing of earlier tokens, such as a list of forbidden ones.
public struct StatelessConstraint: TokenConstraint {
    private let rule: (UnsafeMutableBufferPointer<Float>) -> Void

    /// - Parameter rule: sets the logits of tokens that may not come next to −infinity.
    public init(_ rule: @escaping (UnsafeMutableBufferPointer<Float>) -> Void) {
        self.rule = rule
    }

    public mutating func mask(_ logits: UnsafeMutableBufferPointer<Float>) { rule(logits) }

    public mutating func accept(_ token: Int32) {}
}
