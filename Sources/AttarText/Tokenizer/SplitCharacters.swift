/// What the patterns ask about single scalars.
///
/// The regular expressions of the Hugging Face tokenizers have the categories of Unicode 16; so that ids stay the same
/// with every version of Swift, younger scalars are neither letters nor numbers to them. (Found by comparing every
/// scalar with version 0.23.3.)
enum SplitCharacters {
    /// `\p{L}`
    static let letter: UInt8 = 1
    /// `\p{N}` of the regular expressions.
    static let number: UInt8 = 2
    /// White space.
    static let space: UInt8 = 4
    /// Numeric for the pre-tokenizer `Digits`.
    static let numeric: UInt8 = 8
    /// The newest version of Unicode whose scalars the regular expressions know.
    private static let newestAge = 16
    /// The classes that the patterns tell apart; white space, letters and numbers exclude each other.
    static let kinds: UInt8 = letter | number | space

    private static let table: [UInt8] = (0..<BertCharacters.tableSize).map { value in
        Unicode.Scalar(value).map { computedFlags(of: $0) } ?? 0
    }

    /// The flags of the scalar at `position`, which moves behind it.
    @inline(__always)
    static func flags(in bytes: [UInt8], at position: inout Int) -> UInt8 {
        let byte = bytes[position]
        if byte < 0x80 {
            position &+= 1
            return table[Int(byte)]
        }
        let scalar = UTF8Bytes.scalar(in: bytes, at: &position)
        if scalar.value < BertCharacters.tableSize { return table[Int(scalar.value)] }
        if 0x4E00...0x9FD5 ~= scalar.value || 0xAC00...0xD7A3 ~= scalar.value { return letter }
        return computedFlags(of: scalar)
    }

    private static func computedFlags(of scalar: Unicode.Scalar) -> UInt8 {
        if scalar.properties.isWhitespace { return space }
        let isKnown = (scalar.properties.age?.major ?? .max) <= newestAge
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return isKnown ? letter : 0
        case .decimalNumber, .letterNumber, .otherNumber: return isKnown ? number | numeric : numeric
        default: return 0
        }
    }
}
