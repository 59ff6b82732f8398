/// GPT-2's way to write bytes as visible characters: printable Latin-1 stands for itself, the other 68 bytes for the
/// characters from U+0100 on, in order. A space is `Ġ`, a line feed `Ċ`.
enum ByteAlphabet {
    /// The character of each byte.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt8 = 0
        return (0...255).map { (byte: UInt8) in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { next += 1 }
                return Unicode.Scalar(0x100 + UInt16(next)) ?? "\u{FFFD}"
            }
        }
    }()

    /// The UTF-8 of each byte's character: the first byte, and the second or 0.
    static let encodings: [(first: UInt8, second: UInt8)] = scalars.map { scalar in
        let bytes = Array(String(scalar).utf8)
        return (bytes[0], bytes.count > 1 ? bytes[1] : 0)
    }

    /// The byte for which a character stands; nil for all others.
    static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        scalar.value < bytes.count ? bytes[Int(scalar.value)] : nil
    }

    private static let bytes: [UInt8?] = {
        var bytes: [UInt8?] = Array(repeating: nil, count: 0x100 + 68)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()
}
