import AttarTensor

/// The part a text plays; it decides which prompt of the model is put before the text.
public enum TextRole: String, Codable, Sendable, CaseIterable {
    /// What somebody looks for: the model's `query` prompt.
    case query
    /// What is found: the model's `document`, `passage` or `corpus` prompt.
    case passage
    /// Neither: no prompt.
    case plain
}

/// How much of the machine one call of `TextEncoder.encode` may use, and how much of each text it reads.
///
/// None of these but `maximumLength` has any influence on the vectors.
public struct EncodingOptions: Sendable {
    /// The number of threads.
    public var threads: Int
    /// Texts are encoded in groups of about this many tokens; a group is one thread's unit of work.
    public var batchTokens: Int
    /// Tokens of a text that are read, special tokens included; nil, or more than the model's limit: the model's limit.
    public var maximumLength: Int?
    /// Called from any thread, one call at a time, with the number of texts encoded and the number of all.
    public var progress: (@Sendable (_ done: Int, _ of: Int) -> Void)?

    /// Options; the defaults suit a machine that has nothing else to do.
    public init(
        threads: Int = Parallel.processorCount, batchTokens: Int = 512, maximumLength: Int? = nil,
        progress: (@Sendable (_ done: Int, _ of: Int) -> Void)? = nil
    ) {
        self.threads = threads
        self.batchTokens = batchTokens
        self.maximumLength = maximumLength
        self.progress = progress
    }
}

/// A model that turns text into one vector.
///
/// The vector of a text depends on the text, its role and the maximum length only: not on the other texts of the call,
/// nor on the number of threads.
public protocol TextEncoder: Sendable {
    /// Who makes the vectors.
    var fingerprint: EncoderFingerprint { get }
    /// The width of the vectors.
    var dimension: Int { get }
    /// The most tokens of a text that the model reads, special tokens included; `Int.max` without limit.
    var maximumLength: Int { get }
    /// Whether every vector has length 1 (an empty one may be zero).
    var isNormalized: Bool { get }

    /// The vectors of the texts.
    ///
    /// - Returns: `[texts, dimension]`, in the order of `texts`.
    /// - Throws: `ModelError` when the options ask for what the model cannot do.
    func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix

    /// The vector of one text, on the calling thread: the shortest way from a query to its vector.
    ///
    /// - Returns: `[dimension]`, the same numbers as `encode` gives.
    func encodeOne(_ text: String, role: TextRole) throws -> [Float]
}

extension TextEncoder {
    /// The vectors of the texts, with the default options.
    ///
    /// - Returns: `[texts, dimension]`, in the order of `texts`.
    public func encode(_ texts: [String], role: TextRole = .plain) throws -> Matrix {
        try encode(texts, role: role, options: EncodingOptions())
    }

    /// The vector of one text, on the calling thread.
    public func encodeOne(_ text: String, role: TextRole) throws -> [Float] {
        try encode([text], role: role, options: EncodingOptions(threads: 1)).values
    }
}
