/// What kind of failure an error is; the raw value is the exit status of the command line.
public enum ErrorCategory: Int32, Sendable, Codable {
    /// The command was wrong: unknown option, contradicting options.
    case usage = 2
    /// The input was wrong: the message names file, line and mend.
    case input = 3
    /// A claim or a quality gate did not hold.
    case claim = 4
    /// A resource failed: disk, network, memory.
    case resource = 5
}

/// An error that a user can act on. Every target has one error type, and it conforms to this.
///
/// `description` is one or two full sentences: what was found, where (path, line), what was expected, how to mend it.
public protocol AttarError: Error, CustomStringConvertible, Sendable {
    /// Who has to act: the caller, the author of the input, or the machine's owner.
    var category: ErrorCategory { get }
}
