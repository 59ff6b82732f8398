/// The states within a JSON string (RFC 8259), byte by byte, so that what comes out is also valid UTF-8.
///
/// Escapes of surrogates are left out: a lone one is no character, and every character can be written without.
enum JSONStringStates {
    /// Before the opening quote.
    static let opening: Int32 = 0
    /// Between characters.
    static let normal: Int32 = 1
    /// The states beyond: in an escape, or within a character.
    private static let escape: Int32 = 2
    private static let hex1: Int32 = 3, hex2: Int32 = 4, hex2NoSurrogate: Int32 = 5, hex3: Int32 = 6, hex4: Int32 = 7
    private static let more1: Int32 = 8, more2: Int32 = 9, more3: Int32 = 10
    private static let afterE0: Int32 = 11, afterED: Int32 = 12, afterF0: Int32 = 13, afterF4: Int32 = 14
    /// The byte closes the string.
    static let closed: Int32 = -2
    /// The byte may not stand here.
    static let refused: Int32 = -1

    /// Where a byte leads. A character begins whenever a byte leads from `normal` to a state of the string.
    @inline(__always)
    static func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        switch state {
        case normal: return character(byte)
        case opening: return byte == UInt8(ascii: "\"") ? normal : refused
        case escape: return escaped(byte)
        case hex1:
            guard isHex(byte) else { return refused }
            return byte | 0x20 == UInt8(ascii: "d") ? hex2NoSurrogate : hex2
        case hex2: return isHex(byte) ? hex3 : refused
        case hex2NoSurrogate: return (0x30...0x37).contains(byte) ? hex3 : refused
        case hex3: return isHex(byte) ? hex4 : refused
        case hex4: return isHex(byte) ? normal : refused
        case more1: return (0x80...0xBF).contains(byte) ? normal : refused
        case more2: return (0x80...0xBF).contains(byte) ? more1 : refused
        case more3: return (0x80...0xBF).contains(byte) ? more2 : refused
        case afterE0: return (0xA0...0xBF).contains(byte) ? more1 : refused
        case afterED: return (0x80...0x9F).contains(byte) ? more1 : refused
        case afterF0: return (0x90...0xBF).contains(byte) ? more2 : refused
        case afterF4: return (0x80...0x8F).contains(byte) ? more2 : refused
        default: return refused
        }
    }

    @inline(__always)
    private static func character(_ byte: UInt8) -> Int32 {
        switch byte {
        case UInt8(ascii: "\""): closed
        case UInt8(ascii: "\\"): escape
        case 0x20...0x7F: normal
        case 0xC2...0xDF: more1
        case 0xE0: afterE0
        case 0xED: afterED
        case 0xE1...0xEF: more2
        case 0xF0: afterF0
        case 0xF1...0xF3: more3
        case 0xF4: afterF4
        default: refused
        }
    }

    private static func escaped(_ byte: UInt8) -> Int32 {
        switch byte {
        case UInt8(ascii: "u"): hex1
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            normal
        default: refused
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}

/// The states within a JSON number. Digits are counted: what comes out fits a double, and comes to an end.
enum JSONNumberStates {
    static let opening: Int32 = 0
    private static let minus: Int32 = 1, zero: Int32 = 2, digits: Int32 = 3, point: Int32 = 4, fraction: Int32 = 5
    private static let exponent: Int32 = 6, exponentSign: Int32 = 7, exponentDigits: Int32 = 8
    private static let mostDigits: Int32 = 15, mostExponentDigits: Int32 = 2

    /// Whether the number may end here.
    static func isEnd(_ state: Int32) -> Bool {
        state == zero || state == digits || state == fraction || state == exponentDigits
    }

    /// Where a byte leads, and the digits of the part that it belongs to; nil when it may not stand here.
    static func next(_ state: Int32, _ count: Int32, _ byte: UInt8, isInteger: Bool) -> (state: Int32, count: Int32)? {
        let isDigit = (0x30...0x39).contains(byte)
        switch state {
        case opening where byte == UInt8(ascii: "-"): return (minus, 0)
        case opening, minus:
            guard isDigit else { return nil }
            return byte == 0x30 ? (zero, 0) : (digits, 1)
        case digits where isDigit: return count < mostDigits ? (digits, count + 1) : nil
        case point: return isDigit ? (fraction, 1) : nil
        case fraction where isDigit: return count < mostDigits ? (fraction, count + 1) : nil
        case zero where byte == 0x2E && !isInteger, digits where byte == 0x2E && !isInteger: return (point, 0)
        case zero where byte | 0x20 == 0x65 && !isInteger, digits where byte | 0x20 == 0x65 && !isInteger,
            fraction where byte | 0x20 == 0x65:
            return (exponent, 0)
        case exponent where byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+"): return (exponentSign, 0)
        case exponent, exponentSign: return isDigit ? (exponentDigits, 1) : nil
        case exponentDigits where isDigit: return count < mostExponentDigits ? (exponentDigits, count + 1) : nil
        default: return nil
        }
    }
}
