/// The normalizer of BERT's tokenizers (`BertNormalizer`): cleans, isolates Chinese characters, strips accents and
/// lowercases, in this order.
struct BertNormalizer: Sendable, Equatable {
    /// Remove controls, and make every white space a plain space.
    let cleansText: Bool
    /// Put spaces around each Chinese character.
    let isolatesChinese: Bool
    /// Decompose canonically, then remove the nonspacing marks.
    let stripsAccents: Bool
    /// Lowercase each scalar by itself (no final sigma).
    let lowercases: Bool
    /// What becomes of each ASCII byte; 0xFF when it is removed.
    private let ascii: [UInt8]

    private static let removed: UInt8 = 0xFF
    /// No text becomes more than so many times as long, in bytes: a Chinese character of 3 gets two spaces, and what is
    /// decomposed loses its marks.
    static let growth = 3.0

    /// `stripsAccents` nil follows `lowercases`, as the file format says.
    init(cleansText: Bool, isolatesChinese: Bool, stripsAccents: Bool?, lowercases: Bool) {
        self.cleansText = cleansText
        self.isolatesChinese = isolatesChinese
        self.stripsAccents = stripsAccents ?? lowercases
        self.lowercases = lowercases
        ascii = (0..<0x80).map { (byte: UInt8) in
            let flags = BertCharacters.ascii[Int(byte)]
            if cleansText && flags & BertCharacters.dropped != 0 { return Self.removed }
            if cleansText && flags & BertCharacters.space != 0 { return 0x20 }
            return lowercases && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
    }

    /// The normalized UTF-8 of `bytes[range]`, which must be valid UTF-8.
    ///
    /// - Complexity: O(`range.count`).
    func normalize(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(range.count + 8)
        var pending: [Unicode.Scalar] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let byte = bytes[position]
            if byte < 0x80 {
                let mapped = ascii[Int(byte)]
                if mapped != Self.removed {
                    if !pending.isEmpty { flush(&pending, to: &output) }
                    output.append(mapped)
                }
                position &+= 1
            } else {
                let scalar = UTF8Bytes.scalar(in: bytes, at: &position)
                normalize(scalar, pending: &pending, to: &output)
            }
        }
        if !pending.isEmpty { flush(&pending, to: &output) }
        return output
    }

    private func normalize(_ scalar: Unicode.Scalar, pending: inout [Unicode.Scalar], to output: inout [UInt8]) {
        let flags = BertCharacters.flags(of: scalar)
        if cleansText {
            if flags & BertCharacters.dropped != 0 { return }
            if flags & BertCharacters.space != 0 {
                flush(&pending, to: &output)
                output.append(0x20)
                return
            }
        }
        let isIsolated = isolatesChinese && BertCharacters.isChinese(scalar.value)
        if isIsolated {
            flush(&pending, to: &output)
            output.append(0x20)
        }
        if stripsAccents && flags & BertCharacters.decomposes != 0 {
            for part in BertDecompositions.parts(of: scalar) {
                strip(part, BertCharacters.flags(of: part), pending: &pending, to: &output)
            }
        } else if stripsAccents {
            strip(scalar, flags, pending: &pending, to: &output)
        } else {
            emit(scalar, flags, to: &output)
        }
        if isIsolated {
            flush(&pending, to: &output)
            output.append(0x20)
        }
    }

    /// Nonstarters wait until the next starter, because canonical order sorts them by combining class.
    private func strip(
        _ scalar: Unicode.Scalar, _ flags: UInt8, pending: inout [Unicode.Scalar], to output: inout [UInt8]
    ) {
        let isKept = flags & BertCharacters.accent == 0
        if flags & BertCharacters.nonstarter != 0 {
            if isKept { pending.append(scalar) }
            return
        }
        flush(&pending, to: &output)
        if isKept { emit(scalar, flags, to: &output) }
    }

    private func flush(_ pending: inout [Unicode.Scalar], to output: inout [UInt8]) {
        guard !pending.isEmpty else { return }
        let sorted = pending.enumerated().sorted {
            let (one, other) = ($0.element.properties, $1.element.properties)
            return (one.canonicalCombiningClass.rawValue, $0.offset)
                < (other.canonicalCombiningClass.rawValue, $1.offset)
        }
        for (_, scalar) in sorted { emit(scalar, BertCharacters.flags(of: scalar), to: &output) }
        pending.removeAll(keepingCapacity: true)
    }

    private func emit(_ scalar: Unicode.Scalar, _ flags: UInt8, to output: inout [UInt8]) {
        if lowercases && flags & BertCharacters.uppercase != 0 {
            output.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
        } else {
            UTF8Bytes.append(scalar, to: &output)
        }
    }
}

/// Canonical decompositions by scalar, kept for the scalars of the table because asking Foundation takes a microsecond.
enum BertDecompositions {
    private static let table: [[Unicode.Scalar]] = (0..<BertCharacters.tableSize).map { value in
        Unicode.Scalar(value).flatMap { BertCharacters.decomposition(of: $0) } ?? []
    }

    /// The parts of a scalar whose flags say that it decomposes.
    static func parts(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.value < BertCharacters.tableSize { return table[Int(scalar.value)] }
        return BertCharacters.decomposition(of: scalar) ?? [scalar]
    }
}
