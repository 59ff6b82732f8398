import AttarText

/// A part of a JSON Schema that output can be held to: what every value of it looks like.
///
/// The subset: `type` (also several), `enum`, `const`, `properties` with `required`, `items` with `minItems` and
/// `maxItems`, `minLength` and `maxLength`, `anyOf`, and `$ref` into `$defs` or `definitions` of the same schema.
/// Objects get no other properties than those that are named. What else a schema may demand is refused by name: text
/// that breaks it would look as if it kept it.
indirect enum JSONSchema: Equatable {
    /// One of several values, as the bytes of their JSON.
    case literals([[UInt8]])
    case string(minimum: Int, maximum: Int?)
    case number(isInteger: Bool)
    /// The properties in order; a value may lack those that are not required.
    case object([Property])
    case array(JSONSchema, minimum: Int, maximum: Int?)
    case anyOf([JSONSchema])
    /// Another schema by its name.
    case reference(String)

    /// A property of an object.
    struct Property: Equatable {
        var name: String
        var schema: JSONSchema
        var isRequired: Bool
    }

    /// The largest limits that are told apart: counters of an automaton have an end.
    static let maximumCount = 1 << 20
    /// How deep a schema may be nested.
    static let maximumDepth = 64
}

/// A schema with the schemas to which it refers, checked.
struct JSONSchemaDocument {
    let root: JSONSchema
    let definitions: [String: JSONSchema]
    private let path: String

    /// Keys that only describe.
    private static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    ]

    /// Reads a schema.
    ///
    /// - Parameter path: its file, for messages.
    /// - Throws: `TextError` for what is no schema, and for demands that are not built in, by name.
    init(_ value: JSONValue, path: String) throws {
        self.path = path
        var definitions: [String: JSONSchema] = [:]
        for section in ["$defs", "definitions"] {
            for member in value[section]?.members ?? [] {
                let place = "#/\(section)/\(member.key)"
                definitions[place] = try Self.schema(member.value, path, place, depth: 1)
            }
        }
        root = try Self.schema(value, path, "#", depth: 0)
        self.definitions = definitions.merging(["#": root]) { first, _ in first }
        try checkReferences()
    }

    private func checkReferences() throws {
        func check(_ schema: JSONSchema) throws {
            switch schema {
            case .reference(let name):
                guard definitions[name] != nil else {
                    throw Self.failure(path, name, "is referred to, but not defined in this schema.")
                }
            case .object(let properties): for property in properties { try check(property.schema) }
            case .array(let item, _, _): try check(item)
            case .anyOf(let choices): for choice in choices { try check(choice) }
            case .literals, .string, .number: break
            }
        }
        for schema in definitions.values { try check(schema) }
    }

    private static func failure(
        _ path: String, _ place: String, _ problem: String, _ kind: TextError.Kind = .malformed
    ) -> TextError {
        TextError(kind, path: path, problem: "The schema's \"\(place)\" \(problem)")
    }

    private static func schema(_ value: JSONValue, _ path: String, _ place: String, depth: Int) throws -> JSONSchema {
        guard value.members != nil else {
            throw failure(path, place, "is \(value.typeName); a schema object was expected.")
        }
        guard depth < JSONSchema.maximumDepth else { throw failure(path, place, "is nested too deeply.", .tooLarge) }
        if let name = value["$ref"] {
            guard let name = name.string, name == "#" || name.hasPrefix("#/$defs/") || name.hasPrefix("#/definitions/") else {
                throw failure(path, place, "refers to another document; only \"#/$defs/…\" can be followed.", .unsupported)
            }
            try refuseOthers(value, ["$ref", "$defs", "definitions"], path, place)
            return .reference(name)
        }
        if value["anyOf"] != nil { return try anyOf(value, path, place, depth: depth) }
        if value["enum"] != nil || value["const"] != nil { return try literals(value, path, place) }
        return try typed(value, path, place, depth: depth)
    }

    private static func refuseOthers(_ value: JSONValue, _ known: Set<String>, _ path: String, _ place: String) throws {
        for member in value.members ?? [] where !known.contains(member.key) && !annotations.contains(member.key) {
            throw failure(
                path, place, "has \"\(member.key)\", to which output cannot be held. Leave it out, or check it afterwards.",
                .unsupported)
        }
    }

    private static func anyOf(_ value: JSONValue, _ path: String, _ place: String, depth: Int) throws -> JSONSchema {
        try refuseOthers(value, ["anyOf", "$defs", "definitions"], path, place)
        guard let choices = value["anyOf"]?.array, !choices.isEmpty else {
            throw failure(path, place + "/anyOf", "must be an array of schemas.")
        }
        return .anyOf(try choices.enumerated().map { try schema($1, path, place + "/anyOf/\($0)", depth: depth + 1) })
    }

    private static func literals(_ value: JSONValue, _ path: String, _ place: String) throws -> JSONSchema {
        try refuseOthers(value, ["enum", "const", "type", "$defs", "definitions"], path, place)
        var values = value["const"].map { [$0] } ?? []
        if let choices = value["enum"] {
            guard let choices = choices.array else { throw failure(path, place + "/enum", "must be an array.") }
            values = values.isEmpty ? choices : values.filter { choices.contains($0) }
        }
        let types = try typeNames(value, path, place)
        if !types.isEmpty { values = values.filter { value in types.contains { isOf(value, type: $0) } } }
        guard !values.isEmpty else { throw failure(path, place, "allows no value at all.") }
        guard values.allSatisfy(isWritable) else { throw failure(path, place, "has a number beyond the range of numbers.") }
        return .literals(values.map(\.json))
    }

    private static func isWritable(_ value: JSONValue) -> Bool {
        switch value {
        case .number(let number): number.isFinite
        case .array(let values): values.allSatisfy(isWritable)
        case .object(let members): members.allSatisfy { isWritable($0.value) }
        default: true
        }
    }

    private static func isOf(_ value: JSONValue, type: String) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .integer: type == "integer" || type == "number"
        case .number(let number): type == "number" || type == "integer" && number == number.rounded()
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private static func typeNames(_ value: JSONValue, _ path: String, _ place: String) throws -> [String] {
        guard let type = value["type"] else { return [] }
        let names = (type.array ?? [type]).map(\.string)
        let known = ["null", "boolean", "integer", "number", "string", "array", "object"]
        for name in names where !known.contains(name ?? "") {
            throw failure(path, place + "/type", "is none of \(known.joined(separator: ", ")).")
        }
        return names.compactMap { $0 }
    }

    private static func typed(_ value: JSONValue, _ path: String, _ place: String, depth: Int) throws -> JSONSchema {
        let types = try typeNames(value, path, place)
        guard !types.isEmpty else {
            throw failure(path, place, "names no \"type\", \"enum\", \"const\", \"anyOf\" or \"$ref\".", .unsupported)
        }
        var known: Set<String> = ["type", "$defs", "definitions"]
        for type in types { known.formUnion(keys(of: type)) }
        try refuseOthers(value, known, path, place)
        let schemas = try types.map { try schema(ofType: $0, value, path, place, depth: depth) }
        return schemas.count == 1 ? schemas[0] : .anyOf(schemas)
    }

    private static func keys(of type: String) -> Set<String> {
        switch type {
        case "string": ["minLength", "maxLength"]
        case "array": ["items", "minItems", "maxItems"]
        case "object": ["properties", "required", "additionalProperties"]
        default: []
        }
    }

    private static func schema(
        ofType type: String, _ value: JSONValue, _ path: String, _ place: String, depth: Int
    ) throws -> JSONSchema {
        switch type {
        case "null": return .literals([Array("null".utf8)])
        case "boolean": return .literals([Array("true".utf8), Array("false".utf8)])
        case "integer": return .number(isInteger: true)
        case "number": return .number(isInteger: false)
        case "string":
            let (minimum, maximum) = try limits("minLength", "maxLength", value, path, place)
            return .string(minimum: minimum, maximum: maximum)
        case "array":
            guard let items = value["items"] else {
                throw failure(path, place, "has no \"items\"; an array of anything cannot be held to.", .unsupported)
            }
            let (minimum, maximum) = try limits("minItems", "maxItems", value, path, place)
            return .array(
                try schema(items, path, place + "/items", depth: depth + 1), minimum: minimum, maximum: maximum)
        default: return try object(value, path, place, depth: depth)
        }
    }

    private static func limits(
        _ least: String, _ most: String, _ value: JSONValue, _ path: String, _ place: String
    ) throws -> (Int, Int?) {
        func count(_ key: String) throws -> Int? {
            guard let found = value[key] else { return nil }
            guard let number = found.integer, (0...JSONSchema.maximumCount).contains(number) else {
                throw failure(path, place + "/" + key, "must be a number from 0 to \(JSONSchema.maximumCount).")
            }
            return number
        }
        let (minimum, maximum) = (try count(least) ?? 0, try count(most))
        guard minimum <= maximum ?? .max else { throw failure(path, place, "has a \"\(least)\" above its \"\(most)\".") }
        return (minimum, maximum)
    }

    private static func object(_ value: JSONValue, _ path: String, _ place: String, depth: Int) throws -> JSONSchema {
        if let additional = value["additionalProperties"], additional.bool == nil {
            throw failure(
                path, place + "/additionalProperties", "is a schema; output gets the named properties only.", .unsupported)
        }
        guard let members = value["properties"]?.members, !members.isEmpty || value["additionalProperties"]?.bool == false
        else {
            throw failure(path, place, "has no \"properties\"; an object of anything cannot be held to.", .unsupported)
        }
        guard Set(members.map(\.key)).count == members.count else {
            throw failure(path, place + "/properties", "has a property twice.", .duplicate)
        }
        let required = try (value["required"]?.array ?? []).map { name in
            guard let name = name.string, members.contains(where: { $0.key == name }) else {
                throw failure(path, place + "/required", "names \(name.plainText), which is no property.")
            }
            return name
        }
        return .object(try members.map { member in
            JSONSchema.Property(
                name: member.key,
                schema: try schema(member.value, path, place + "/properties/" + member.key, depth: depth + 1),
                isRequired: required.contains(member.key))
        })
    }
}
