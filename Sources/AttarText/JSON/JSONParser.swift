/// A strict JSON reader (RFC 8259) over UTF-8 bytes, made for hostile input: nesting is capped, every failure says at
/// which byte it happened and what was expected there.
///
/// Foundation's readers neither say where a line is broken, nor keep the order of members, nor read a vocabulary of
/// thirty thousand entries fast enough. A lone surrogate escape becomes U+FFFD, because Python writes such files.
public struct JSONParser {
    /// Where and why the text is no JSON.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// The byte, counted from 0.
        public var offset: Int
        /// What was expected or found.
        public var reason: String
        /// The bytes there are no UTF-8.
        public var isInvalidUTF8 = false

        /// Column and reason; for files of one value per line the column is what an editor shows.
        public var description: String { "\(reason) at byte \(offset + 1)" }
    }

    /// Arrays and objects inside each other beyond this depth are refused.
    public static let maximumDepth = 128

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private var valuesLeft: Int

    private init(_ bytes: [UInt8], maximumValues: Int) {
        self.bytes = bytes
        valuesLeft = maximumValues
    }

    /// The one value that `bytes` hold.
    ///
    /// - Parameter maximumValues: more values than this are refused. In memory a value takes some dozen bytes, in the
    ///   file it may take two: a limit keeps a large file from becoming a huge tree.
    /// - Complexity: O(`bytes.count`).
    /// - Throws: `Failure`.
    public static func parse(_ bytes: [UInt8], maximumValues: Int = .max) throws(Failure) -> JSONValue {
        var parser = JSONParser(bytes, maximumValues: maximumValues)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.position = 3 }
        let value = try parser.value()
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("text after the end of the value") }
        return value
    }

    private func failure(_ reason: String, at offset: Int? = nil) -> Failure {
        Failure(offset: offset ?? position, reason: reason)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func value() throws(Failure) -> JSONValue {
        skipSpace()
        guard let byte = current else { throw failure("the text ends where a value should stand") }
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw failure("more values than are allowed here") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("a value was expected, found \(Self.name(of: byte))")
        }
    }

    private mutating func word(_ literal: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let text = literal.description
        guard bytes[position...].starts(with: text.utf8) else { throw failure("\(text) was expected") }
        position += text.utf8.count
        return value
    }

    private mutating func enter() throws(Failure) {
        depth += 1
        guard depth <= Self.maximumDepth else {
            throw failure("more than \(Self.maximumDepth) nested arrays or objects")
        }
        position += 1
        skipSpace()
    }

    private mutating func leave() {
        depth -= 1
        position += 1
    }

    private mutating func array() throws(Failure) -> JSONValue {
        try enter()
        var values: [JSONValue] = []
        if current == UInt8(ascii: "]") {
            leave()
            return .array(values)
        }
        while true {
            values.append(try value())
            skipSpace()
            if current == UInt8(ascii: ",") {
                position += 1
            } else if current == UInt8(ascii: "]") {
                leave()
                return .array(values)
            } else {
                throw failure("\",\" or \"]\" was expected, found \(Self.name(of: current))")
            }
        }
    }

    private mutating func object() throws(Failure) -> JSONValue {
        try enter()
        var members: [JSONValue.Member] = []
        if current == UInt8(ascii: "}") {
            leave()
            return .object(members)
        }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else {
                throw failure("a key in double quotes was expected, found \(Self.name(of: current))")
            }
            let key = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else {
                throw failure("\":\" was expected after the key, found \(Self.name(of: current))")
            }
            position += 1
            members.append(.init(key: key, value: try value()))
            skipSpace()
            if current == UInt8(ascii: ",") {
                position += 1
            } else if current == UInt8(ascii: "}") {
                leave()
                return .object(members)
            } else {
                throw failure("\",\" or \"}\" was expected, found \(Self.name(of: current))")
            }
        }
    }

    private static func name(of byte: UInt8?) -> String {
        guard let byte else { return "the end of the text" }
        return byte > 0x20 && byte < 0x7F ? "\"\(Unicode.Scalar(byte))\"" : "byte 0x" + String(byte, radix: 16)
    }
}

// MARK: Strings

extension JSONParser {
    private mutating func string() throws(Failure) -> String {
        let start = position + 1
        var end = start
        var all: UInt8 = 0
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20
        {
            all |= bytes[end]
            end += 1
        }
        position = end
        guard current == UInt8(ascii: "\"") else { return try escapedString(from: start) }
        position += 1
        guard all < 0x80 else { return try text(bytes[start..<end], at: start) }
        // Nothing to validate, which for the short words of a vocabulary would take most of the time.
        return bytes.withUnsafeBufferPointer {
            String(decoding: UnsafeBufferPointer(rebasing: $0[start..<end]), as: UTF8.self)
        }
    }

    private func text(_ slice: ArraySlice<UInt8>, at start: Int) throws(Failure) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw Failure(offset: start, reason: "a string that is not UTF-8", isInvalidUTF8: true)
        }
        return text
    }

    private mutating func escapedString(from start: Int) throws(Failure) -> String {
        var unescaped = Array(bytes[start..<position])
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return try text(unescaped[...], at: start)
            case UInt8(ascii: "\\"):
                try appendEscape(to: &unescaped)
            case 0..<0x20:
                throw failure("a control character inside a string, \(Self.name(of: byte)); it must be escaped")
            default:
                unescaped.append(byte)
                position += 1
            }
        }
        throw failure("the text ends inside a string that began at byte \(start)")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(Failure) {
        position += 1
        guard let byte = current else { throw failure("the text ends inside an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try unicodeEscape()
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw failure("an unknown escape \\\(Self.name(of: byte))", at: position - 1)
        }
    }

    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let isHigh = first < 0xDC00
        guard isHigh, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
            return "\u{FFFD}"
        }
        let mark = position
        position += 2
        let second = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(second) else {
            position = mark
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure("four hexadecimal digits were expected after \\u")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}

// MARK: Numbers

extension JSONParser {
    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let digits = position
        skipDigits()
        guard position > digits else { throw failure("a digit was expected") }
        guard bytes[digits] != UInt8(ascii: "0") || position == digits + 1 else {
            throw failure("a number with a leading zero", at: digits)
        }
        var isWhole = true
        if current == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            guard skipDigits() > 0 else { throw failure("a digit was expected after the point") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { position += 1 }
            guard skipDigits() > 0 else { throw failure("a digit was expected in the exponent") }
        }
        if isWhole, position - digits <= 18 {
            let value = bytes[digits..<position].reduce(0) { $0 * 10 + Int($1 & 0xF) }
            return .integer(digits > start ? -value : value)
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw failure("a number out of range", at: start) }
        return .number(value)
    }

    @discardableResult
    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        return position - start
    }
}
