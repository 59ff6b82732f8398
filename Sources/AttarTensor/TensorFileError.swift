import AttarStorage

/// A file of tensors or vectors that cannot be used.
public struct TensorFileError: AttarError, Equatable {
    /// The kinds of failure that callers tell apart.
    public enum Kind: String, Sendable, Codable {
        /// The file is shorter than its header says.
        case truncated
        /// The header breaks the format's rules.
        case malformed
        /// A tensor's bytes lie outside the file, overlap another's, or do not match its shape.
        case badOffsets
        /// No tensor has the name.
        case missingTensor
        /// A tensor has another shape than its user needs.
        case shapeMismatch
        /// Numbers of this type cannot be read as asked.
        case unsupportedType
    }

    /// The kind of failure.
    public let kind: Kind
    /// The file.
    public let path: String
    /// The tensor concerned, if one is.
    public let tensor: String?
    /// What was found, what was expected, how to mend it: one sentence.
    public let detail: String

    /// An error about a file, or about one tensor in it.
    public init(_ kind: Kind, path: String, tensor: String? = nil, _ detail: String) {
        self.kind = kind
        self.path = path
        self.tensor = tensor
        self.detail = detail
    }

    /// The giver of the file has to act.
    public var category: ErrorCategory { .input }

    /// Path, tensor and sentence.
    public var description: String {
        path + ": " + (tensor.map { "tensor \"\($0)\": " } ?? "") + detail
    }
}
