import AttarText

/// A JSON Schema compiled to what an automaton over bytes walks along: one node a value that may stand somewhere.
final class Grammar: Sendable {
    /// What a value looks like. Nodes refer to each other by number, so that schemas may contain themselves.
    enum Node: Sendable {
        case literals(LiteralStates)
        case string(minimum: Int32, maximum: Int32?)
        case number(isInteger: Bool)
        case object([Property])
        case array(item: Int32, minimum: Int32, maximum: Int32?)
        case anyOf([Int32])
        /// A property's name with quotes and colon, behind which one space may stand.
        case key([UInt8])
    }

    /// A property of an object.
    struct Property: Sendable {
        let key: Int32
        let value: Int32
        let isRequired: Bool
    }

    let nodes: [Node]
    let root: Int32
    /// For each node, the fewest values inside each other that it needs.
    let depths: [Int]

    /// Values inside each other beyond this depth do not come out, however often a schema contains itself.
    static let maximumDepth = 48
    private static let maximumNodes = 100_000
    /// Deeper than anything: the depth of a value that must contain itself.
    private static let endless = Int.max / 2

    /// - Throws: `TextError` when the schema is too large, or when each of its values would contain itself without end.
    init(_ document: JSONSchemaDocument, path: String) throws {
        var compiler = Compiler(document: document)
        root = compiler.node(document.root, named: "#")
        nodes = compiler.nodes
        guard nodes.count <= Self.maximumNodes else {
            throw TextError(
                .tooLarge, path: path, problem: "The schema has more than \(Self.maximumNodes) parts.")
        }
        depths = Self.depths(nodes)
        guard depths[Int(root)] <= Self.maximumDepth else {
            throw TextError(
                .malformed, path: path,
                problem: "Every value of the schema is nested deeper than \(Self.maximumDepth), or contains itself.")
        }
    }

    private struct Compiler {
        let document: JSONSchemaDocument
        var nodes: [Node] = []
        var named: [String: Int32] = [:]

        mutating func node(_ schema: JSONSchema, named name: String? = nil) -> Int32 {
            if case .reference(let name) = schema {
                if let known = named[name] { return known }
                guard let target = document.definitions[name] else { preconditionFailure("references were checked") }
                return node(target, named: name)
            }
            let index = Int32(nodes.count)
            // The place is taken before the parts are compiled: they may refer to it.
            nodes.append(.anyOf([]))
            if let name { named[name] = index }
            nodes[Int(index)] = compiled(schema)
            return index
        }

        private mutating func compiled(_ schema: JSONSchema) -> Node {
            switch schema {
            case .literals(let values): return .literals(LiteralStates(values))
            case .string(let minimum, let maximum):
                return .string(minimum: Int32(minimum), maximum: maximum.map(Int32.init))
            case .number(let isInteger): return .number(isInteger: isInteger)
            case .array(let item, let minimum, let maximum):
                return .array(item: node(item), minimum: Int32(minimum), maximum: maximum.map(Int32.init))
            case .anyOf(let choices): return .anyOf(choices.map { node($0) })
            case .object(let properties): return .object(properties.map { property($0) })
            case .reference: return .anyOf([node(schema)])
            }
        }

        private mutating func property(_ property: JSONSchema.Property) -> Property {
            let key = Int32(nodes.count)
            nodes.append(.key(JSONValue.string(property.name).json + [UInt8(ascii: ":")]))
            return Property(key: key, value: node(property.schema), isRequired: property.isRequired)
        }
    }

    /// The least depths, by going round until nothing changes: each round settles one depth more.
    private static func depths(_ nodes: [Node]) -> [Int] {
        var depths = Array(repeating: endless, count: nodes.count)
        var changes = true
        while changes {
            changes = false
            for (index, node) in nodes.enumerated() {
                let depth = min(endless, depth(of: node, depths))
                if depth < depths[index] {
                    depths[index] = depth
                    changes = true
                }
            }
        }
        return depths
    }

    private static func depth(of node: Node, _ depths: [Int]) -> Int {
        switch node {
        case .literals, .string, .number, .key: 1
        case .anyOf(let choices): choices.map { depths[Int($0)] }.min() ?? endless
        case .array(let item, let minimum, _): minimum == 0 ? 1 : 1 + depths[Int(item)]
        case .object(let properties):
            1 + (properties.filter(\.isRequired).map { depths[Int($0.value)] }.max() ?? 0)
        }
    }
}

/// Several byte strings as the states of one walk: which byte leads where, and where one of them ends.
struct LiteralStates: Sendable {
    private var children: [[UInt8: Int32]] = [[:]]
    private var ends: [Bool] = [false]

    /// - Precondition: no string is empty.
    init(_ strings: [[UInt8]]) {
        for string in strings {
            precondition(!string.isEmpty, "an empty literal")
            var state = 0
            for byte in string {
                if let next = children[state][byte] {
                    state = Int(next)
                } else {
                    children[state][byte] = Int32(children.count)
                    state = children.count
                    children.append([:])
                    ends.append(false)
                }
            }
            ends[state] = true
        }
    }

    /// Where a byte leads; nil for nowhere.
    func next(_ state: Int32, _ byte: UInt8) -> Int32? { children[Int(state)][byte] }

    /// Whether a string ends here.
    func isEnd(_ state: Int32) -> Bool { ends[Int(state)] }

    /// Whether a string ends here and none goes on.
    func isLast(_ state: Int32) -> Bool { ends[Int(state)] && children[Int(state)].isEmpty }
}
