import AttarStorage

/// What went wrong while text was read, parsed or tokenized: the file, the line, what was found and how to mend it.
public struct TextError: AttarError, Equatable {
    /// The family of a failure; callers may switch on it, new families can be added.
    public struct Kind: Sendable, Hashable {
        let name: String
        /// The text does not follow the format (broken JSON, unbalanced quotes, missing keys).
        public static let malformed = Kind(name: "malformed")
        /// The format is right, but this version of Attar cannot use it (a tokenizer model that is not built in).
        public static let unsupported = Kind(name: "unsupported")
        /// The same identifier or key stands twice.
        public static let duplicate = Kind(name: "duplicate")
        /// Bytes that are no UTF-8.
        public static let invalidUTF8 = Kind(name: "invalidUTF8")
        /// A path that does not exist, or cannot be read.
        public static let missing = Kind(name: "missing")
        /// Nothing to work on: no documents were found.
        public static let empty = Kind(name: "empty")
        /// A count or size above what Attar accepts.
        public static let tooLarge = Kind(name: "tooLarge")
    }

    /// The family of the failure.
    public var kind: Kind
    /// The file in question, or nil when the text did not come from a file.
    public var path: String?
    /// The line in the file, counted from 1.
    public var line: Int?
    /// What was found, and what was expected instead.
    public var problem: String
    /// How to mend it; empty when the problem says it all.
    public var mend: String

    /// An error with all its parts.
    public init(_ kind: Kind, path: String? = nil, line: Int? = nil, problem: String, mend: String = "") {
        self.kind = kind
        self.path = path
        self.line = line
        self.problem = problem
        self.mend = mend
    }

    /// All failures of text are the input's.
    public var category: ErrorCategory { .input }

    /// `path:line: problem. mend`
    public var description: String {
        let place = [path, line.map { String($0) }].compactMap { $0 }.joined(separator: ":")
        let sentences = mend.isEmpty ? problem : problem + " " + mend
        return place.isEmpty ? sentences : place + ": " + sentences
    }
}
