import AttarStorage

/// What is wrong with judgements, runs, metrics or what is asked of them.
public struct EvidenceError: AttarError, Equatable {
    /// The kinds of failure that callers tell apart.
    public enum Kind: String, Sendable, Codable {
        /// A line of a run or judgement file is not what its format says.
        case malformedLine
        /// A document stands twice for one query.
        case duplicate
        /// The name of a metric cannot be understood.
        case unknownMetric
        /// Judgements name queries or documents that are not in the collection.
        case unknownIdentifiers
        /// There is nothing to measure: no judgements, no runs, or no query in both.
        case nothingToMeasure
        /// An identifier cannot be written in the file format.
        case unwritableIdentifier
    }

    /// The kind of failure.
    public let kind: Kind
    /// One or two sentences: what was found, where, how to mend it.
    public let description: String

    /// An error with a full sentence.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A wrong metric name is a wrong command; everything else is wrong input.
    public var category: ErrorCategory { kind == .unknownMetric ? .usage : .input }

    /// The error for one line of a file.
    static func line(_ number: Int, of path: String, _ detail: String, kind: Kind = .malformedLine) -> EvidenceError {
        EvidenceError(kind, "\(path), line \(number): \(detail)")
    }
}
