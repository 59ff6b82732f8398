extension MetadataFilter {
    /// Parentheses and negations inside each other beyond this depth are refused.
    public static let maximumDepth = 64

    /// Reads an expression.
    ///
    ///     filter    = part {"or" part}
    ///     part      = operand {"and" operand}
    ///     operand   = "not" operand | "(" filter ")" | key condition
    ///     condition = ("=" | "!=" | "<" | "<=" | ">" | ">=") value | ["not"] "in" "(" value {"," value} ")" | "exists"
    ///     key       = a word, or anything in brackets: [publication year]
    ///     value     = a number | true | false | a text in double or single quotes
    ///
    /// Words of the grammar may be written in capitals. In quotes and brackets a backslash takes the next character as
    /// it is.
    ///
    /// - Throws: `FilterSyntaxError`.
    /// - Complexity: O(length).
    public init(parsing text: String) throws {
        var parser = FilterParser(tokens: try FilterTokens(text))
        self = try parser.whole()
    }
}

/// A parser by recursive descent.
private struct FilterParser {
    var tokens: FilterTokens
    private var depth = 0

    init(tokens: FilterTokens) { self.tokens = tokens }

    mutating func whole() throws -> MetadataFilter {
        let filter = try disjunction()
        guard tokens.current == .end else {
            throw tokens.failure("\"and\", \"or\" or the end was expected, found \(tokens.found)")
        }
        return filter
    }

    private mutating func disjunction() throws -> MetadataFilter {
        var parts = [try conjunction()]
        while try takeWord("or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws -> MetadataFilter {
        var parts = [try operand()]
        while try takeWord("and") { parts.append(try operand()) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func operand() throws -> MetadataFilter {
        depth += 1
        defer { depth -= 1 }
        guard depth <= MetadataFilter.maximumDepth else {
            throw tokens.failure("more than \(MetadataFilter.maximumDepth) parentheses or negations inside each other")
        }
        if try takeWord("not") { return .not(try operand()) }
        guard try takeSymbol("(") else { return try condition() }
        let inner = try disjunction()
        guard try takeSymbol(")") else {
            throw tokens.failure("\"and\", \"or\" or \")\" was expected, found \(tokens.found)")
        }
        return inner
    }

    private mutating func condition() throws -> MetadataFilter {
        let key = try key()
        if try takeWord("exists") { return .value(of: key, .exists) }
        if try takeWord("not") {
            guard try takeWord("in") else { throw tokens.failure("\"in\" was expected, found \(tokens.found)") }
            return .not(.value(of: key, .oneOf(try values())))
        }
        if try takeWord("in") { return .value(of: key, .oneOf(try values())) }
        if try takeSymbol("=") || takeSymbol("==") { return .equals(key, try value()) }
        if try takeSymbol("!=") { return .not(.equals(key, try value())) }
        guard case .symbol(let sign) = tokens.current, let comparison = MetadataFilter.Comparison(rawValue: sign) else {
            throw tokens.failure(
                "a condition on \(FilterText.key(key)) was expected (=, !=, <, <=, >, >=, in or exists), "
                    + "found \(tokens.found)")
        }
        try tokens.advance()
        let place = tokens
        let value = try value()
        if case .bool = value { throw place.failure("true and false have no order; compare them with = or !=") }
        return .value(of: key, .compared(comparison, value))
    }

    private mutating func key() throws -> String {
        let key: String
        switch tokens.current {
        case .key(let name): key = name
        case .word(let word) where !FilterTokens.keywords.contains(word.lowercased()): key = word
        case .word(let word):
            throw tokens.failure("a key of the metadata was expected, found \"\(word)\"; a key of that name is [\(word)]")
        default: throw tokens.failure("a key of the metadata, \"not\" or \"(\" was expected, found \(tokens.found)")
        }
        try tokens.advance()
        return key
    }

    private mutating func values() throws -> [MetadataFilter.Value] {
        guard try takeSymbol("(") else {
            throw tokens.failure("values in parentheses were expected, found \(tokens.found)")
        }
        var values = [try value()]
        while try takeSymbol(",") { values.append(try value()) }
        guard try takeSymbol(")") else { throw tokens.failure("\",\" or \")\" was expected, found \(tokens.found)") }
        return values
    }

    private mutating func value() throws -> MetadataFilter.Value {
        let value: MetadataFilter.Value
        switch tokens.current {
        case .number(let number): value = .number(number)
        case .text(let text): value = .string(text)
        case .word(let word) where word.lowercased() == "true": value = .bool(true)
        case .word(let word) where word.lowercased() == "false": value = .bool(false)
        case .word(let word):
            throw tokens.failure("a value was expected, found \(word); a text stands in quotes: \"\(word)\"")
        default:
            throw tokens.failure("a value was expected (a number, true, false or a text in quotes), found \(tokens.found)")
        }
        try tokens.advance()
        return value
    }

    private mutating func takeWord(_ keyword: String) throws -> Bool {
        guard case .word(let word) = tokens.current, word.lowercased() == keyword else { return false }
        try tokens.advance()
        return true
    }

    private mutating func takeSymbol(_ sign: String) throws -> Bool {
        guard tokens.current == .symbol(sign) else { return false }
        try tokens.advance()
        return true
    }
}
