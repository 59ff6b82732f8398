/// Decoding and encoding of single scalars in byte arrays that are known to be valid UTF-8.
enum UTF8Bytes {
    /// The scalar that starts at `position`, which moves behind it. Broken sequences give U+FFFD and move on by one
    /// byte, so that no input can read out of bounds.
    @inline(__always)
    static func scalar(in bytes: [UInt8], at position: inout Int) -> Unicode.Scalar {
        let first = UInt32(bytes[position])
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard position + length <= bytes.count else {
            position += 1
            return "\u{FFFD}"
        }
        var value = length == 1 ? first : first & (0x7F >> UInt32(length))
        for index in 1..<max(length, 1) {
            value = value << 6 | UInt32(bytes[position + index] & 0x3F)
        }
        guard let scalar = Unicode.Scalar(value) else {
            position += 1
            return "\u{FFFD}"
        }
        position += length
        return scalar
    }

    /// How many bytes the sequence has that begins with this byte; 1 for bytes that begin none.
    @inline(__always)
    static func length(startingWith first: UInt8) -> Int {
        first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    }

    /// The scalar that ends before `position`, which moves before it; `position` must be above 0.
    static func scalar(in bytes: [UInt8], before position: inout Int) -> Unicode.Scalar {
        var start = position - 1
        while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        position = start
        var end = start
        return scalar(in: bytes, at: &end)
    }

    /// Appends the UTF-8 of a scalar.
    @inline(__always)
    static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        let value = scalar.value
        if value < 0x80 {
            bytes.append(UInt8(value))
        } else if value < 0x800 {
            bytes.append(UInt8(0xC0 | value >> 6))
            bytes.append(UInt8(0x80 | value & 0x3F))
        } else if value < 0x10000 {
            bytes.append(UInt8(0xE0 | value >> 12))
            bytes.append(UInt8(0x80 | value >> 6 & 0x3F))
            bytes.append(UInt8(0x80 | value & 0x3F))
        } else {
            bytes.append(UInt8(0xF0 | value >> 18))
            bytes.append(UInt8(0x80 | value >> 12 & 0x3F))
            bytes.append(UInt8(0x80 | value >> 6 & 0x3F))
            bytes.append(UInt8(0x80 | value & 0x3F))
        }
    }
}
