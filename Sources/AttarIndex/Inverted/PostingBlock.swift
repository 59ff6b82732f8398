import CAttarKernels

/// How postings lie in bytes, and how they are read back without trusting them.
///
/// A full block holds 128 postings: the gaps between ordinals, less one, packed at `ordinalBits` bits, then their
/// numbers (frequencies, or codes of learned weights), less one, at `frequencyBits` bits; how, is written at
/// `attar_unpack_ordinals`. The last block of a list holds up to 128 postings as varints: the gap, less one, doubled,
/// plus 1 when the number is 1; otherwise the number follows.
enum PostingBlock {
    static let size = InvertedFormat.blockSize
    /// So many ordinals are compared side by side.
    static let groupSize = 16

    // ------------------------------------------------------------------------------------------------------ writing

    /// The bits that the largest value needs.
    static func bits(_ values: [UInt32]) -> Int { 32 - values.reduce(0, |).leadingZeroBitCount }

    /// Appends 128 values at `bits` bits each: 16 · `bits` bytes.
    static func pack(_ values: [UInt32], bits: Int, into bytes: inout [UInt8]) {
        precondition(values.count == size, "\(values.count) values in a block of \(size)")
        var words = [UInt32](repeating: 0, count: 4 * bits)
        guard bits > 0 else { return }
        for (index, value) in values.enumerated() {
            let (row, lane) = (index / 4, index % 4)
            let (word, shift) = (row * bits / 32, row * bits % 32)
            words[4 * word + lane] |= value << UInt32(shift)
            if shift + bits > 32 { words[4 * (word + 1) + lane] |= value >> UInt32(32 - shift) }
        }
        for word in words { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }
    }

    /// Appends a number, seven bits a byte, lowest first, the high bit set on all but the last.
    static func appendVarint(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    // ------------------------------------------------------------------------------------------------------ reading

    /// The number at `position`, which moves behind it; nil when it runs over `end` or over 64 bits.
    @inline(__always)
    static func varint(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UInt64? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        guard byte >= 0x80 else {
            position += 1
            return UInt64(byte)
        }
        return longVarint(bytes, &position)
    }

    private static func longVarint(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UInt64? {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 64 {
            let byte = bytes[position]
            position += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        return nil
    }

    /// Unpacks the ordinals of a full block into `ordinals[128]`.
    ///
    /// - Parameters:
    ///   - source: at least 16 · `bits` readable bytes.
    ///   - first: the smallest ordinal that the block may start with.
    /// - Returns: whether they ascend and end with `last`; if not, they must not be used.
    static func unpackOrdinals(
        _ source: UnsafeRawPointer, bits: Int, first: UInt32, last: UInt32, into ordinals: UnsafeMutablePointer<UInt32>
    ) -> Bool {
        attar_unpack_ordinals(source.assumingMemoryBound(to: UInt8.self), UInt32(bits), first, ordinals)
        guard ordinals[size - 1] == last, first <= ordinals[0] else { return false }
        // 128 gaps of 24 bits cannot wrap around, so an end in place means that all ascend.
        if bits <= 24 { return last >= first }
        return (1..<size).allSatisfy { ordinals[$0 - 1] < ordinals[$0] }
    }

    /// One number of a full block.
    static func number(_ index: Int, at source: UnsafePointer<UInt8>, bits: Int) -> Float {
        guard bits > 0 else { return 1 }
        let (place, lane) = (index / 4 * bits, index % 4)
        let (word, shift) = (place / 32, place % 32)
        let bytes = UnsafeRawPointer(source)
        var value = UInt64(bytes.loadUnaligned(fromByteOffset: 16 * word + 4 * lane, as: UInt32.self))
        if shift + bits > 32 {
            value |= UInt64(bytes.loadUnaligned(fromByteOffset: 16 * (word + 1) + 4 * lane, as: UInt32.self)) << 32
        }
        return Float(UInt32(truncatingIfNeeded: (value >> UInt64(shift)) & ((1 << UInt64(bits)) - 1)) &+ 1)
    }

    /// Reads a last block of `count` postings.
    ///
    /// - Returns: how many bytes it has, or nil when it runs over `bytes` or an ordinal reaches `limit`.
    static func readTail(
        _ bytes: UnsafeRawBufferPointer, count: Int, first: UInt32, limit: UInt32,
        ordinals: UnsafeMutablePointer<UInt32>, numbers: UnsafeMutablePointer<Float>
    ) -> Int? {
        var position = 0
        var next = UInt64(first)
        for index in 0..<count {
            guard let code = varint(bytes, &position), code >> 1 <= UInt64(UInt32.max) else { return nil }
            let ordinal = next + code >> 1
            guard ordinal < UInt64(limit) else { return nil }
            ordinals[index] = UInt32(truncatingIfNeeded: ordinal)
            next = ordinal + 1
            if code & 1 == 1 {
                numbers[index] = 1
            } else {
                guard let number = varint(bytes, &position) else { return nil }
                numbers[index] = Float(number)
            }
        }
        return position
    }
}
