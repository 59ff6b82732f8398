import AttarStorage

/// An expression that is no filter: where, and what was expected there.
public struct FilterSyntaxError: AttarError, Equatable {
    /// The character at which it is wrong, counted from 1; one behind the last when the text ends too early.
    public let position: Int
    /// What was expected or found.
    public let reason: String

    /// The command was wrong.
    public var category: ErrorCategory { .usage }

    /// One sentence, and how a filter looks.
    public var description: String {
        "The filter is wrong at character \(position): \(reason). Filters look like "
            + #"year >= 2000 and lang in ("en", "de") and not draft = true."#
    }
}

/// Reads the words of a filter expression.
struct FilterTokens {
    enum Token: Equatable {
        /// A word without quotes: a key or a keyword.
        case word(String)
        /// A key in brackets.
        case key(String)
        case text(String)
        case number(Double)
        case symbol(String)
        case end
    }

    static let keywords: Set<String> = ["and", "or", "not", "in", "exists", "true", "false"]
    /// The longest expression; every word of it takes some dozen bytes in memory.
    static let maximumBytes = 1 << 16

    private let bytes: [UInt8]
    private var next = 0
    /// Where the current token begins, in bytes.
    private(set) var start = 0
    private(set) var current = Token.end

    init(_ text: String) throws {
        bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumBytes else {
            throw FilterSyntaxError(
                position: 1, reason: "it has \(bytes.count) bytes, and \(Self.maximumBytes) are allowed")
        }
        try advance()
    }

    static func beginsWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    }

    static func isInWord(_ byte: UInt8) -> Bool {
        beginsWord(byte) || isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// An error at the current token.
    func failure(_ reason: String) -> FilterSyntaxError { failure(reason, at: start) }

    private func failure(_ reason: String, at byte: Int) -> FilterSyntaxError {
        FilterSyntaxError(position: String(decoding: bytes[..<byte], as: UTF8.self).count + 1, reason: reason)
    }

    /// What stands at the current token, for messages.
    var found: String {
        switch current {
        case .end: "the end"
        case .word, .symbol: "\"\(String(decoding: bytes[start..<next], as: UTF8.self))\""
        case .key, .text, .number: String(decoding: bytes[start..<min(next, start + 40)], as: UTF8.self)
        }
    }

    /// Moves to the next token.
    mutating func advance() throws {
        while next < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[next]) { next += 1 }
        start = next
        guard next < bytes.count else {
            current = .end
            return
        }
        let byte = bytes[next]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): current = .text(try quoted(until: byte))
        case UInt8(ascii: "["): current = .key(try quoted(until: UInt8(ascii: "]")))
        case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."): current = .number(try number())
        case _ where Self.isDigit(byte): current = .number(try number())
        case _ where Self.beginsWord(byte): current = .word(run(Self.isInWord))
        default: current = .symbol(try symbol())
        }
    }

    private mutating func run(_ belongs: (UInt8) -> Bool) -> String {
        let first = next
        while next < bytes.count, belongs(bytes[next]) { next += 1 }
        return String(decoding: bytes[first..<next], as: UTF8.self)
    }

    /// A text up to a closing character; a backslash takes the next character as it is.
    private mutating func quoted(until close: UInt8) throws -> String {
        var content: [UInt8] = []
        next += 1
        while next < bytes.count, bytes[next] != close {
            if bytes[next] == UInt8(ascii: "\\") { next += 1 }
            guard next < bytes.count else { break }
            content.append(bytes[next])
            next += 1
        }
        guard next < bytes.count else {
            throw failure("\(Character(UnicodeScalar(close))) is missing behind what begins here")
        }
        next += 1
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func number() throws -> Double {
        let text = run { Self.isInWord($0) || $0 == UInt8(ascii: "+") }
        // Double reads "inf", "nan" and hexadecimal digits too.
        let isDecimal = text.utf8.allSatisfy { Self.isDigit($0) || "+-.eE".utf8.contains($0) }
        guard isDecimal, let number = Double(text), number.isFinite else {
            throw failure("\"\(text.prefix(40))\" is no number; texts, also dates, stand in quotes")
        }
        return number
    }

    private mutating func symbol() throws -> String {
        let double = next + 1 < bytes.count ? String(decoding: bytes[next...(next + 1)], as: UTF8.self) : ""
        if ["!=", "<=", ">=", "=="].contains(double) {
            next += 2
            return double
        }
        let single = Character(UnicodeScalar(bytes[next]))
        guard "=<>(),".contains(single) else { throw failure("\"\(single)\" means nothing here") }
        next += 1
        return String(single)
    }
}
