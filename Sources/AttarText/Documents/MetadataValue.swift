/// A value of a document's metadata. In JSON it is the plain value: `"red"`, `3`, `true`, `["a", "b"]`.
public enum MetadataValue: Sendable, Hashable {
    /// A text.
    case string(String)
    /// A number; whole numbers are written without a fraction.
    case number(Double)
    /// True or false.
    case bool(Bool)
    /// Several values.
    case list([MetadataValue])
}

extension MetadataValue: Codable {
    /// Reads a plain JSON string, number, boolean or array of these.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else {
            self = .list(try container.decode([MetadataValue].self))
        }
    }

    /// Writes the plain JSON value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .number(let value):
            if let whole = Int64(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
        }
    }
}

extension MetadataValue {
    /// The metadata that a JSON value stands for; nil for `null`. Objects become lists of "key: value" texts, so that
    /// nothing of a source is lost.
    init?(_ value: JSONValue) {
        switch value {
        case .null: return nil
        case .bool(let flag): self = .bool(flag)
        case .integer(let number):
            // Beyond 2^53 a double would change the digits: such numbers are identifiers, not quantities.
            if let exact = Double(exactly: number) { self = .number(exact) } else { self = .string(String(number)) }
        case .number(let number): self = .number(number)
        case .string(let text): self = .string(text)
        case .array(let values): self = .list(values.compactMap { MetadataValue($0) })
        case .object(let members):
            self = .list(members.map { .string($0.key + ": " + $0.value.plainText) })
        }
    }
}
