import Foundation

/// What the Hugging Face tokenizers believe about single Unicode scalars.
///
/// Their tables are old and fixed: character categories of Unicode 8.0, decompositions and combining classes of 9.0.
/// Swift's tables are newer, and grow. A scalar's age therefore decides whether it has a category at all, so that the
/// ids stay the same with every version of Swift; what is left are the exceptions below. All of this was found by
/// comparing every scalar (see Tests/AttarTextTests/Fixtures/wordpiece_golden.py).
enum BertCharacters {
    /// Removed by `clean_text`: NUL, U+FFFD, controls, formats, private use.
    static let dropped: UInt8 = 1
    /// Separates words.
    static let space: UInt8 = 2
    /// A word of its own.
    static let punctuation: UInt8 = 4
    /// Removed by `strip_accents`.
    static let accent: UInt8 = 8
    /// Has a combining class: takes part in canonical ordering.
    static let nonstarter: UInt8 = 16
    /// Decomposes canonically.
    static let decomposes: UInt8 = 32
    /// Lowercases to something else.
    static let uppercase: UInt8 = 64

    /// Scalars below this have their flags in a table: Latin to Thai, Greek, kana, punctuation.
    static let tableSize: UInt32 = 0x3100

    /// Flags of the ASCII characters: most texts need no others.
    static let ascii: [UInt8] = (0..<0x80).map { computedFlags(of: Unicode.Scalar($0)) }

    /// Flags by scalar; made once per process, in about five thousandths of a second.
    static let table: [UInt8] = (0..<tableSize).map { value in
        Unicode.Scalar(value).map { computedFlags(of: $0) } ?? 0
    }

    /// The flags of a scalar.
    @inline(__always)
    static func flags(of scalar: Unicode.Scalar) -> UInt8 {
        if scalar.value < tableSize { return table[Int(scalar.value)] }
        if 0x4E00...0x9FA5 ~= scalar.value { return 0 }
        if 0xAC00...0xD7A3 ~= scalar.value { return decomposes }
        return computedFlags(of: scalar)
    }

    /// The blocks that `handle_chinese_chars` surrounds with spaces. The second-last block should begin at 2B820; the
    /// other libraries wrote 2B920, and models are trained with it.
    static func isChinese(_ value: UInt32) -> Bool {
        switch value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF: true
        case 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F: true
        default: false
        }
    }

    private static func computedFlags(of scalar: Unicode.Scalar) -> UInt8 {
        let properties = scalar.properties
        var flags: UInt8 = properties.isWhitespace ? space : 0
        if properties.changesWhenLowercased { flags |= uppercase }
        if scalar.value == 0 || scalar.value == 0xFFFD { flags |= dropped }
        if scalar.value < 0x80 { return flags | asciiFlags(UInt8(scalar.value)) }
        let age = properties.age?.major ?? .max
        if age <= 8 { flags |= categoryFlags(of: scalar) }
        if age <= 9 {
            if properties.canonicalCombiningClass != .notReordered { flags |= nonstarter }
            if decomposition(of: scalar) != nil { flags |= decomposes }
        }
        return flags
    }

    private static func asciiFlags(_ byte: UInt8) -> UInt8 {
        switch byte {
        // Tab, line feed and carriage return are spaces; the other controls go.
        case 0x09, 0x0A, 0x0D: 0
        case 0..<0x20, 0x7F: dropped
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: punctuation
        default: 0
        }
    }

    private static func categoryFlags(of scalar: Unicode.Scalar) -> UInt8 {
        switch scalar.value {
        // Unicode changed the category of these after 8.0: letters that became marks, and the other way round.
        case 0x1734, 0x1171E: return accent
        case 0x166D, 0x111C9: return punctuation
        case 0x1885, 0x1886, 0xA9BD: return 0
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate: return dropped
        case .nonspacingMark: return accent
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return punctuation
        default: return 0
        }
    }

    /// The full canonical decomposition, or nil when the scalar is its own.
    static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
        if 0xAC00...0xD7A3 ~= scalar.value { return hangulDecomposition(of: scalar.value) }
        // All decomposing scalars except Hangul stand in these ranges; asking Foundation is slow.
        switch scalar.value {
        case 0xC0...0x0FFF, 0x1026, 0x1B06...0x1B43, 0x1E00...0x22ED, 0x2329...0x232A, 0x2ADC, 0x304C...0x30FE: break
        case 0xF900...0xFAFF, 0xFB1D...0xFB4E, 0x11000...0x11FFF, 0x1D15E...0x1D1C0, 0x2F800...0x2FA1F: break
        default: return nil
        }
        let decomposed = Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
        return decomposed == [scalar] ? nil : decomposed
    }

    /// Unicode standard, section 3.12: a syllable is a leading consonant, a vowel and perhaps a trailing consonant.
    private static func hangulDecomposition(of value: UInt32) -> [Unicode.Scalar] {
        let index = value - 0xAC00
        let parts = [0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28]
        return parts.prefix(index % 28 == 0 ? 2 : 3).compactMap { Unicode.Scalar($0) }
    }
}
