import AttarText

/// What a document's metadata must be for it to be found.
///
/// A value that is a list meets a condition when one of its elements does; lists inside of lists are one list. A
/// condition on a key that a document lacks, or on a value of another kind, is not met, and its negation is: `not year >=
/// 2000` lets documents without a year through. Numbers are compared as numbers, texts by their UTF-8 bytes (so that
/// dates as ISO 8601 writes them are in their order), and neither is ever converted into the other.
///
/// ```swift
/// let filter = try MetadataFilter(parsing: #"year >= 2000 and lang in ("en", "de") and not draft = true"#)
/// ```
public indirect enum MetadataFilter: Sendable, Hashable {
    /// The value under a key meets a condition.
    case value(of: String, Condition)
    /// All hold; without any, every document is let through.
    case and([MetadataFilter])
    /// At least one holds; without any, no document is let through.
    case or([MetadataFilter])
    /// It does not hold.
    case not(MetadataFilter)

    /// What one value must be.
    public enum Condition: Sendable, Hashable {
        /// There is a value, whatever it is; an empty list is none.
        case exists
        /// It is one of these; of one value this is equality.
        case oneOf([Value])
        /// It is of the same kind as another value and stands on a side of it.
        case compared(Comparison, Value)
    }

    /// The side of a value on which others must stand.
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// What values are compared with.
    public enum Value: Sendable {
        case string(String)
        case number(Double)
        case bool(Bool)
    }

    /// The value under a key equals another one.
    public static func equals(_ key: String, _ value: Value) -> Self { .value(of: key, .oneOf([value])) }

    /// Whether a document with this metadata is let through: what an index must agree with.
    ///
    /// - Complexity: O(conditions · values of their keys).
    public func matches(_ metadata: [String: MetadataValue]) -> Bool {
        switch self {
        case .value(let key, let condition): metadata[key].map(condition.isMet) ?? false
        case .and(let parts): parts.allSatisfy { $0.matches(metadata) }
        case .or(let parts): parts.contains { $0.matches(metadata) }
        case .not(let part): !part.matches(metadata)
        }
    }
}

extension MetadataFilter.Condition {
    /// Whether a value, or one of its elements, meets the condition.
    func isMet(by value: MetadataValue) -> Bool {
        guard let key = MetadataKey(value) else {
            if case .list(let elements) = value { return elements.contains(where: isMet) }
            return false
        }
        switch self {
        case .exists: return true
        case .oneOf(let values): return values.contains { MetadataKey($0) == key }
        case .compared(let comparison, let other):
            let other = MetadataKey(other)
            guard other.kind == key.kind else { return false }
            return switch comparison {
            case .less: key < other
            case .lessOrEqual: key <= other
            case .greater: key > other
            case .greaterOrEqual: key >= other
            }
        }
    }
}

extension MetadataFilter.Value: Hashable {
    /// Texts are equal when their bytes are: Swift's own equality would take canonically equivalent ones as equal.
    public static func == (one: Self, other: Self) -> Bool { MetadataKey(one) == MetadataKey(other) }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(MetadataKey(self)) }
}

extension MetadataFilter: CustomStringConvertible {
    /// The expression that is parsed to this filter.
    public var description: String {
        switch self {
        case .value(let key, let condition): condition.text(FilterText.key(key))
        case .and(let parts): Self.joined(parts, " and ")
        case .or(let parts): Self.joined(parts, " or ")
        case .not(let part): "not " + part.operand
        }
    }

    private static func joined(_ parts: [MetadataFilter], _ word: String) -> String {
        parts.isEmpty ? "()" : parts.map(\.operand).joined(separator: word)
    }

    /// In parentheses where it would otherwise be read as something else.
    private var operand: String {
        switch self {
        case .value, .not: description
        case .and, .or: "(\(description))"
        }
    }
}

extension MetadataFilter.Condition {
    fileprivate func text(_ key: String) -> String {
        switch self {
        case .exists: "\(key) exists"
        case .oneOf(let values) where values.count == 1: "\(key) = \(FilterText.value(values[0]))"
        case .oneOf(let values): "\(key) in (\(values.map(FilterText.value).joined(separator: ", ")))"
        case .compared(let comparison, let value): "\(key) \(comparison.rawValue) \(FilterText.value(value))"
        }
    }
}

/// How keys and values are written in an expression.
enum FilterText {
    static func key(_ key: String) -> String {
        let bytes = Array(key.utf8)
        let isPlain = bytes.first.map(FilterTokens.beginsWord) ?? false && bytes.allSatisfy(FilterTokens.isInWord)
        if isPlain, !FilterTokens.keywords.contains(key.lowercased()) { return key }
        return "[" + escaped(key, before: "]") + "]"
    }

    /// With a backslash before backslashes and what closes. By scalars: a closing mark with a combining one behind it
    /// is another character, but the same bytes to the parser.
    private static func escaped(_ text: String, before close: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == close || scalar == "\\" { result.append("\\") }
            result.append(scalar)
        }
        return String(result)
    }

    static func value(_ value: MetadataFilter.Value) -> String {
        switch value {
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): Int64(exactly: number).map(String.init) ?? "\(number)"
        case .string(let text): "\"" + escaped(text, before: "\"") + "\""
        }
    }
}
