import AttarStorage

/// What can go wrong while speed is measured.
public struct BenchError: AttarError, Equatable {
    /// Who has to act.
    public let category: ErrorCategory
    /// What was found and how to mend it.
    public let description: String

    init(_ category: ErrorCategory, _ description: String) {
        self.category = category
        self.description = description
    }

    /// The caller asked for what cannot be measured.
    public static func usage(_ sentence: String) -> BenchError { BenchError(.usage, sentence) }

    /// A peer could not be installed, started or asked.
    public static func peer(_ name: String, _ sentence: String) -> BenchError {
        BenchError(.resource, "The peer \(name) cannot be measured: \(sentence)")
    }

    /// Two that should give the same do not.
    public static func disagreement(_ sentence: String) -> BenchError { BenchError(.claim, sentence) }
}
