import AttarTensor
import AttarText

/// A plain validator of the subset of JSON Schema, written from the specification and apart from the automaton.
enum SchemaValidation {
    static func isValid(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        if let choices = schema["anyOf"]?.array, !choices.contains(where: { isValid(value, $0) }) { return false }
        if let choices = schema["enum"]?.array, !choices.contains(value) { return false }
        if let constant = schema["const"], constant != value { return false }
        if let type = schema["type"] {
            let names = (type.array ?? [type]).compactMap(\.string)
            guard names.contains(where: { isOf(value, $0) }) else { return false }
        }
        switch value {
        case .string(let text):
            let count = text.unicodeScalars.count
            return count >= schema["minLength"]?.integer ?? 0 && count <= schema["maxLength"]?.integer ?? .max
        case .array(let items):
            guard items.count >= schema["minItems"]?.integer ?? 0, items.count <= schema["maxItems"]?.integer ?? .max
            else { return false }
            return items.allSatisfy { item in schema["items"].map { isValid(item, $0) } ?? true }
        case .object(let members):
            guard schema["properties"] != nil else { return true }
            let names = members.map(\.key)
            return Set(names).count == names.count
                && (schema["required"]?.array ?? []).allSatisfy { names.contains($0.string ?? "") }
                && members.allSatisfy { member in
                    schema["properties"]?[member.key].map { isValid(member.value, $0) } ?? false
                }
        default: return true
        }
    }

    private static func isOf(_ value: JSONValue, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.integer, "integer"), (.integer, "number"), (.number, "number"),
            (.string, "string"), (.array, "array"), (.object, "object"):
            true
        // A whole number of more digits than 64 bits hold, and the negative zero, are read as floating point.
        case (.number(let number), "integer"): number == number.rounded()
        default: false
        }
    }
}

/// Schemas drawn at random.
enum RandomSchema {
    static func schema(_ generator: inout SeededGenerator, depth: Int) -> JSONValue {
        func object(_ members: [(String, JSONValue)]) -> JSONValue {
            .object(members.map { JSONValue.Member(key: $0.0, value: $0.1) })
        }
        switch Int.random(in: 0..<(depth > 0 ? 9 : 5), using: &generator) {
        case 0:
            let minimum = Int.random(in: 0...2, using: &generator)
            let maximum = minimum + Int.random(in: 0...5, using: &generator)
            return object([("type", .string("string")), ("minLength", .integer(minimum)), ("maxLength", .integer(maximum))])
        case 1: return object([("type", .string(["integer", "number"].randomElement(using: &generator) ?? ""))])
        case 2: return object([("type", .string(["boolean", "null"].randomElement(using: &generator) ?? ""))])
        case 3: return object([("type", .array([.string("string"), .string("null"), .string("number")]))])
        case 4:
            let values: [JSONValue] = [
                .string("a"), .string("ab"), .string("é\"\\\n"), .integer(1), .integer(12), .integer(-3), .null, .bool(true),
                .array([.integer(1)]), .number(0.5),
            ]
            let count = Int.random(in: 1...4, using: &generator)
            return object([("enum", .array(Array(values.shuffled(using: &generator).prefix(count))))])
        case 5:
            let minimum = Int.random(in: 0...2, using: &generator)
            var members: [(String, JSONValue)] = [("type", .string("array")), ("items", schema(&generator, depth: depth - 1))]
            if minimum > 0 { members.append(("minItems", .integer(minimum))) }
            if Bool.random(using: &generator) { members.append(("maxItems", .integer(minimum + 1))) }
            return object(members)
        case 6:
            let count = Int.random(in: 1...3, using: &generator)
            return object([("anyOf", .array((0..<count).map { _ in schema(&generator, depth: depth - 1) }))])
        default:
            let names = ["a", "ab", "abc", "b \"q\"", "ключ"].shuffled(using: &generator)
            let chosen = Array(names.prefix(Int.random(in: 0...4, using: &generator)))
            let properties = chosen.map { ($0, schema(&generator, depth: depth - 1)) }
            let required = chosen.filter { _ in Bool.random(using: &generator) }.map { JSONValue.string($0) }
            return object([
                ("type", .string("object")), ("properties", object(properties)), ("required", .array(required)),
                ("additionalProperties", .bool(false)),
            ])
        }
    }
}
