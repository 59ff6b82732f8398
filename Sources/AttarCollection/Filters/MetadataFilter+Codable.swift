extension MetadataFilter: Codable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private typealias Members = KeyedDecodingContainer<Name>

    /// Reads an object: `{"and": […]}`, `{"or": […]}`, `{"not": …}`, or `{"field": "year", ">=": 2000, "<": 2010}` with
    /// one condition or more, each named by `=`, `!=`, `<`, `<=`, `>`, `>=`, `in` (an array) or `exists` (true or
    /// false).
    ///
    /// - Throws: `DecodingError`, also for unknown members and for more than `maximumDepth` objects inside each other.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Name.self)
        // Two keys a level at most: the name and, in an array, the place.
        guard decoder.codingPath.count <= 2 * Self.maximumDepth else {
            throw Self.refusal(members, "more than \(Self.maximumDepth) filters inside each other")
        }
        let names = members.allKeys.map(\.stringValue).sorted()
        switch names {
        case ["and"]: self = .and(try Self.parts(members, "and"))
        case ["or"]: self = .or(try Self.parts(members, "or"))
        case ["not"]: self = .not(try members.decode(MetadataFilter.self, forKey: Name("not")))
        default:
            guard names.contains("field"), names.count > 1 else {
                throw Self.refusal(
                    members, "a filter has the one member \"and\", \"or\" or \"not\", or \"field\" and a condition")
            }
            let field = try members.decode(String.self, forKey: Name("field"))
            let conditions = try names.filter { $0 != "field" }.map { try Self.condition(members, $0, field) }
            self = conditions.count == 1 ? conditions[0] : .and(conditions)
        }
    }

    private static func refusal(_ members: Members, _ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: members.codingPath, debugDescription: reason))
    }

    private static func parts(_ members: Members, _ name: String) throws -> [MetadataFilter] {
        let parts = try members.decode([MetadataFilter].self, forKey: Name(name))
        guard !parts.isEmpty else { throw refusal(members, "\"\(name)\" needs at least one filter") }
        return parts
    }

    private static func condition(_ members: Members, _ name: String, _ field: String) throws -> MetadataFilter {
        switch name {
        case "=": return .equals(field, try members.decode(Value.self, forKey: Name(name)))
        case "!=": return .not(.equals(field, try members.decode(Value.self, forKey: Name(name))))
        case "in": return .value(of: field, .oneOf(try members.decode([Value].self, forKey: Name(name))))
        case "exists":
            let exists = MetadataFilter.value(of: field, .exists)
            return try members.decode(Bool.self, forKey: Name(name)) ? exists : .not(exists)
        default:
            guard let comparison = Comparison(rawValue: name) else {
                throw refusal(members, "\"\(name)\" is no condition")
            }
            let value = try members.decode(Value.self, forKey: Name(name))
            if case .bool = value { throw refusal(members, "true and false have no order") }
            return .value(of: field, .compared(comparison, value))
        }
    }

    /// Writes the object that `init(from:)` reads.
    public func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        switch self {
        case .and(let parts): try members.encode(parts, forKey: Name("and"))
        case .or(let parts): try members.encode(parts, forKey: Name("or"))
        case .not(let part): try members.encode(part, forKey: Name("not"))
        case .value(let field, let condition):
            try members.encode(field, forKey: Name("field"))
            switch condition {
            case .exists: try members.encode(true, forKey: Name("exists"))
            case .oneOf(let values) where values.count == 1: try members.encode(values[0], forKey: Name("="))
            case .oneOf(let values): try members.encode(values, forKey: Name("in"))
            case .compared(let comparison, let value): try members.encode(value, forKey: Name(comparison.rawValue))
            }
        }
    }
}

extension MetadataFilter.Value: Codable {
    /// Reads a plain JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    /// Writes the plain JSON value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .bool(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        }
    }
}
