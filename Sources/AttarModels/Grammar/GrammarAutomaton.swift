/// Where a text stands in a grammar: a pushdown automaton over bytes.
///
/// A configuration is a stack of frames, one for each value that is open. Stacks share their lower parts and are known
/// by a number, the same for the same stack, so that what was found out about one need not be found out again. A text
/// may stand in several at once, while it is open which choice of a schema it follows.
struct GrammarAutomaton {
    /// A stack, by number; 0 is the empty one, behind the whole value.
    typealias Configuration = Int32

    /// The uppermost value of a stack.
    private struct Frame: Hashable {
        /// The node of the grammar.
        var node: Int32
        /// How far it is, in the states of its kind.
        var state: Int32
        /// Characters, digits, items or the next property.
        var count: Int32
        /// The stack below.
        var parent: Configuration
    }

    /// How far an object or array is.
    private enum Container {
        static let opening: Int32 = 0, opened: Int32 = 1, afterValue: Int32 = 2, afterComma: Int32 = 3
        static let afterSpace: Int32 = 4, beforeValue: Int32 = 5
    }

    let grammar: Grammar
    private var frames: [Frame] = [Frame(node: -1, state: 0, count: 0, parent: -1)]
    private var depths: [Int] = [0]
    private var numbers: [Frame: Configuration] = [:]

    init(_ grammar: Grammar) {
        self.grammar = grammar
    }

    /// The configurations before the first byte.
    mutating func start() -> [Configuration] {
        var found: [Configuration] = []
        enter(grammar.root, above: 0, &found)
        return found
    }

    /// Where a byte leads from any of several configurations, without repetitions; empty when it may not stand there.
    mutating func step(_ from: [Configuration], _ byte: UInt8, into found: inout [Configuration]) {
        found.removeAll(keepingCapacity: true)
        for configuration in from { step(configuration, byte, &found) }
    }

    /// Whether the text may end here.
    func isComplete(_ configuration: Configuration) -> Bool {
        guard configuration != 0 else { return true }
        let frame = frames[Int(configuration)]
        return mayEnd(frame) && isComplete(frame.parent)
    }

    /// What limits the string within which a text stands between two characters; nil when it stands elsewhere.
    func stringLimit(_ configuration: Configuration) -> (count: Int, maximum: Int?)? {
        guard configuration != 0 else { return nil }
        let frame = frames[Int(configuration)]
        guard case .string(_, let maximum) = grammar.nodes[Int(frame.node)], frame.state == JSONStringStates.normal else {
            return nil
        }
        return (Int(frame.count), maximum.map(Int.init))
    }

    private func mayEnd(_ frame: Frame) -> Bool {
        switch grammar.nodes[Int(frame.node)] {
        case .number: JSONNumberStates.isEnd(frame.state)
        case .literals(let states): states.isEnd(frame.state)
        default: false
        }
    }

    // ------------------------------------------------------------------------------------------------------- stacks

    private mutating func number(_ frame: Frame) -> Configuration {
        if let known = numbers[frame] { return known }
        let new = Configuration(frames.count)
        frames.append(frame)
        depths.append(depths[Int(frame.parent)] + 1)
        numbers[frame] = new
        return new
    }

    private mutating func add(_ frame: Frame, _ found: inout [Configuration]) { add(number(frame), &found) }

    private func add(_ configuration: Configuration, _ found: inout [Configuration]) {
        if !found.contains(configuration) { found.append(configuration) }
    }

    /// Puts a value that is not yet begun upon a stack, unless what it needs would be nested too deeply.
    private mutating func enter(_ node: Int32, above parent: Configuration, _ found: inout [Configuration]) {
        guard depths[Int(parent)] + grammar.depths[Int(node)] <= Grammar.maximumDepth else { return }
        if case .anyOf(let choices) = grammar.nodes[Int(node)] {
            for choice in choices { enter(choice, above: parent, &found) }
        } else {
            add(Frame(node: node, state: 0, count: 0, parent: parent), &found)
        }
    }

    /// Enters a value and takes its first byte.
    private mutating func begin(
        _ node: Int32, above parent: Configuration, _ byte: UInt8, _ found: inout [Configuration]
    ) {
        var entered: [Configuration] = []
        enter(node, above: parent, &entered)
        for configuration in entered { step(configuration, byte, &found) }
    }

    // -------------------------------------------------------------------------------------------------------- steps

    private mutating func step(_ configuration: Configuration, _ byte: UInt8, _ found: inout [Configuration]) {
        guard configuration != 0 else { return }
        let frame = frames[Int(configuration)]
        switch grammar.nodes[Int(frame.node)] {
        case .string(let minimum, let maximum): stepString(frame, configuration, minimum, maximum, byte, &found)
        case .number(let isInteger): stepNumber(frame, isInteger, byte, &found)
        case .literals(let states): stepLiteral(frame, states, byte, &found)
        case .key(let bytes): stepKey(frame, bytes, byte, &found)
        case .object(let properties): stepObject(frame, properties, byte, &found)
        case .array(let item, let minimum, let maximum): stepArray(frame, item, minimum, maximum, byte, &found)
        case .anyOf: break
        }
    }

    private mutating func stepString(
        _ frame: Frame, _ configuration: Configuration, _ minimum: Int32, _ maximum: Int32?, _ byte: UInt8,
        _ found: inout [Configuration]
    ) {
        let state = JSONStringStates.next(frame.state, byte)
        guard state != JSONStringStates.refused else { return }
        guard state != JSONStringStates.closed else {
            if frame.count >= minimum { add(frame.parent, &found) }
            return
        }
        var next = frame
        next.state = state
        if frame.state == JSONStringStates.normal {
            if let maximum, frame.count >= maximum { return }
            // Without limits nobody counts, so that the text stays in one configuration.
            if maximum != nil || frame.count < minimum { next.count += 1 }
        }
        if next == frame { add(configuration, &found) } else { add(next, &found) }
    }

    private mutating func stepNumber(
        _ frame: Frame, _ isInteger: Bool, _ byte: UInt8, _ found: inout [Configuration]
    ) {
        if let (state, count) = JSONNumberStates.next(frame.state, frame.count, byte, isInteger: isInteger) {
            add(Frame(node: frame.node, state: state, count: count, parent: frame.parent), &found)
        } else if JSONNumberStates.isEnd(frame.state) {
            step(frame.parent, byte, &found)
        }
    }

    private mutating func stepLiteral(
        _ frame: Frame, _ states: LiteralStates, _ byte: UInt8, _ found: inout [Configuration]
    ) {
        if let next = states.next(frame.state, byte) {
            if states.isLast(next) { return add(frame.parent, &found) }
            add(Frame(node: frame.node, state: next, count: 0, parent: frame.parent), &found)
        } else if states.isEnd(frame.state) {
            step(frame.parent, byte, &found)
        }
    }

    private mutating func stepKey(_ frame: Frame, _ bytes: [UInt8], _ byte: UInt8, _ found: inout [Configuration]) {
        let place = Int(frame.state)
        if place == bytes.count {
            if byte == UInt8(ascii: " ") { add(frame.parent, &found) } else { step(frame.parent, byte, &found) }
        } else if bytes[place] == byte {
            add(Frame(node: frame.node, state: frame.state + 1, count: 0, parent: frame.parent), &found)
        }
    }

    private mutating func stepObject(
        _ frame: Frame, _ properties: [Grammar.Property], _ byte: UInt8, _ found: inout [Configuration]
    ) {
        var next = frame
        let rest = properties[Int(frame.count)...]
        switch (frame.state, byte) {
        case (Container.opening, UInt8(ascii: "{")):
            next.state = Container.opened
            add(next, &found)
        case (Container.opened, UInt8(ascii: "}")), (Container.afterValue, UInt8(ascii: "}")):
            if !rest.contains(where: \.isRequired) { add(frame.parent, &found) }
        case (Container.afterValue, UInt8(ascii: ",")):
            next.state = Container.afterComma
            if hasNextProperty(frame, rest) { add(next, &found) }
        case (Container.afterComma, UInt8(ascii: " ")):
            next.state = Container.afterSpace
            add(next, &found)
        case (Container.beforeValue, _):
            let value = properties[Int(frame.count)].value
            next.state = Container.afterValue
            next.count += 1
            begin(value, above: number(next), byte, &found)
        case (Container.opened, _), (Container.afterComma, _), (Container.afterSpace, _):
            stepIntoKey(frame, rest, byte, &found)
        default: break
        }
    }

    /// The keys that may come next: of the properties up to the first that is required.
    private mutating func stepIntoKey(
        _ frame: Frame, _ rest: ArraySlice<Grammar.Property>, _ byte: UInt8, _ found: inout [Configuration]
    ) {
        for (index, property) in zip(rest.indices, rest) {
            let pending = Frame(node: frame.node, state: Container.beforeValue, count: Int32(index), parent: frame.parent)
            if fits(property, above: frame) { begin(property.key, above: number(pending), byte, &found) }
            if property.isRequired { break }
        }
    }

    private func hasNextProperty(_ frame: Frame, _ rest: ArraySlice<Grammar.Property>) -> Bool {
        for property in rest {
            if fits(property, above: frame) { return true }
            if property.isRequired { return false }
        }
        return false
    }

    /// Whether a property's value is not nested too deeply.
    private func fits(_ property: Grammar.Property, above frame: Frame) -> Bool {
        depths[Int(frame.parent)] + 1 + grammar.depths[Int(property.value)] <= Grammar.maximumDepth
    }

    private mutating func stepArray(
        _ frame: Frame, _ item: Int32, _ minimum: Int32, _ maximum: Int32?, _ byte: UInt8,
        _ found: inout [Configuration]
    ) {
        var next = frame
        let hasRoom = frame.count < maximum ?? .max
            && depths[Int(frame.parent)] + 1 + grammar.depths[Int(item)] <= Grammar.maximumDepth
        switch (frame.state, byte) {
        case (Container.opening, UInt8(ascii: "[")):
            next.state = Container.opened
            add(next, &found)
        case (Container.opened, UInt8(ascii: "]")), (Container.afterValue, UInt8(ascii: "]")):
            if frame.count >= minimum { add(frame.parent, &found) }
        case (Container.afterValue, UInt8(ascii: ",")):
            next.state = Container.afterComma
            if hasRoom { add(next, &found) }
        case (Container.afterComma, UInt8(ascii: " ")):
            next.state = Container.afterSpace
            add(next, &found)
        case (Container.opened, _), (Container.afterComma, _), (Container.afterSpace, _):
            next.state = Container.afterValue
            // Beyond the least number, and without a largest one, nobody counts.
            if maximum != nil || frame.count < minimum { next.count += 1 }
            if hasRoom { begin(item, above: number(next), byte, &found) }
        default: break
        }
    }
}
