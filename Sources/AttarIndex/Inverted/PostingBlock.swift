/// How postings lie in bytes, and how they are read back without trusting them.
///
/// A full block holds 128 postings: the gaps between ordinals, less one, packed at `ordinalBits` bits, then the
/// frequencies, less one, at `frequencyBits` bits. Packing is vertical in four lanes (value i lies in lane i mod 4), so
/// that four values are unpacked by one shift (Lemire & Boytsov 2015, "Decoding billions of integers per second through
/// vectorization"). The last block of a list holds up to 128 postings as varints: the gap, less one, doubled, plus 1
/// when the frequency is 1; otherwise the frequency follows.
enum PostingBlock {
    typealias Lanes = SIMD4<UInt32>
    static let size = InvertedFormat.blockSize
    static let rows = size / 4

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

    /// Four neighbouring values of a packed block.
    @inline(__always)
    private static func row(_ row: Int, bits: Int, mask: UInt32, at source: UnsafeRawPointer) -> Lanes {
        let (word, shift) = ((row * bits) >> 5, (row * bits) & 31)
        var values = source.loadUnaligned(fromByteOffset: 16 * word, as: Lanes.self) &>> Lanes(repeating: UInt32(shift))
        if shift + bits > 32 {
            let next = source.loadUnaligned(fromByteOffset: 16 * (word + 1), as: Lanes.self)
            values |= next &<< Lanes(repeating: UInt32(32 - shift))
        }
        return values & Lanes(repeating: mask)
    }

    /// Unpacks the ordinals of a full block into `ordinals[128]`.
    ///
    /// - Parameters:
    ///   - first: the smallest ordinal that the block may start with.
    ///   - source: at least 16 · `bits` readable bytes.
    /// - Returns: whether they ascend and end with `last`; if not, they must not be used.
    static func unpackOrdinals(
        _ source: UnsafeRawPointer, bits: Int, first: UInt32, last: UInt32, into ordinals: UnsafeMutablePointer<UInt32>
    ) -> Bool {
        // One less than the first, because gaps are stored less one; wraps for 0 and wraps back.
        var previous = Lanes(repeating: first &- 1)
        let target = UnsafeMutableRawPointer(ordinals)
        let mask: UInt32 = bits == 32 ? .max : (1 << UInt32(bits)) - 1
        for index in 0..<rows {
            var gaps = bits == 0 ? Lanes(repeating: 1) : row(index, bits: bits, mask: mask, at: source) &+ 1
            gaps = gaps &+ Lanes(0, gaps[0], gaps[1], gaps[2])
            gaps = gaps &+ Lanes(0, 0, gaps[0], gaps[1])
            previous = gaps &+ Lanes(repeating: previous[3])
            target.storeBytes(of: previous, toByteOffset: 16 * index, as: Lanes.self)
        }
        guard ordinals[size - 1] == last, first <= ordinals[0] else { return false }
        // 128 gaps of 24 bits cannot wrap around, so an end in place means that all ascend.
        if bits <= 24 { return last >= first }
        return (1..<size).allSatisfy { ordinals[$0 - 1] < ordinals[$0] }
    }

    /// Unpacks the frequencies of a full block, as floats, into `frequencies[128]`.
    static func unpackFrequencies(
        _ source: UnsafeRawPointer, bits: Int, into frequencies: UnsafeMutablePointer<Float>
    ) {
        let target = UnsafeMutableRawPointer(frequencies)
        let mask: UInt32 = bits == 32 ? .max : (1 << UInt32(bits)) - 1
        for index in 0..<rows {
            let values = bits == 0 ? Lanes(repeating: 1) : row(index, bits: bits, mask: mask, at: source) &+ 1
            let floats = SIMD4<Float>(SIMD4<Int32>(truncatingIfNeeded: values))
            target.storeBytes(of: floats, toByteOffset: 16 * index, as: SIMD4<Float>.self)
        }
    }

    /// One frequency of a full block.
    static func frequency(_ index: Int, at source: UnsafeRawPointer, bits: Int) -> Float {
        guard bits > 0 else { return 1 }
        let mask: UInt32 = bits == 32 ? .max : (1 << UInt32(bits)) - 1
        let values = row(index / 4, bits: bits, mask: mask, at: source) &+ 1
        return Float(Int32(truncatingIfNeeded: values[index % 4]))
    }

    /// Reads a last block of `count` postings.
    ///
    /// - Returns: how many bytes it has, or nil when it runs over `bytes` or an ordinal reaches `limit`.
    static func readTail(
        _ bytes: UnsafeRawBufferPointer, count: Int, first: UInt32, limit: UInt32,
        ordinals: UnsafeMutablePointer<UInt32>, frequencies: UnsafeMutablePointer<Float>
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
                frequencies[index] = 1
            } else {
                guard let frequency = varint(bytes, &position) else { return nil }
                frequencies[index] = Float(frequency)
            }
        }
        return position
    }
}
