import AttarStorage

/// A failure of the signal store or of a teacher.
public enum SignalError: AttarError, Equatable {
    /// The database file cannot be used.
    case store(path: String, detail: String)
    /// A teacher of the same fingerprint once answered with another width.
    case widthChanged(teacher: String, expected: Int, found: Int)
    /// A teacher answered with another number of vectors than it was asked for, or with numbers that are no numbers.
    case badAnswer(teacher: String, detail: String)

    public var category: ErrorCategory {
        switch self {
        case .store: .resource
        case .widthChanged, .badAnswer: .input
        }
    }

    public var description: String {
        switch self {
        case .store(let path, let detail):
            "The signal store \(path) cannot be used: \(detail). Move it away to begin a new one; the teacher is then asked again."
        case .widthChanged(let teacher, let expected, let found):
            "The teacher \(teacher) answered with \(found) numbers a text, but its stored answers have \(expected). "
                + "One fingerprint has one width: check the model folder for a mixture of two models."
        case .badAnswer(let teacher, let detail):
            "The teacher \(teacher) gave an answer that cannot be used: \(detail)."
        }
    }
}
