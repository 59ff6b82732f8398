/// Cuts text into words.
///
/// - A word is a run of letters, marks and numbers. Everything else separates, `_` and `-` too, so that `snake_case`
///   gives two words.
/// - A point or comma between two digits belongs to the number: `3.14`, `1,000`.
/// - An apostrophe between two letters belongs to the word in English (`don't`), and separates elsewhere (`l'eau`).
/// - Scripts written without spaces (Chinese characters, kana, Hangul, Thai, Lao, Khmer, Burmese) give overlapping
///   pairs of neighbouring characters, marks counted to their base: 東京都 gives 東京 and 京都. A character alone gives
///   itself.
/// - Words above 256 bytes are cut there.
struct WordSegmenter: Sendable {
    /// Whether an apostrophe between letters belongs to the word.
    let joinsApostrophes: Bool
    /// Whether unspaced runs are cut into pairs; otherwise a run is one word.
    var pairsUnspaced = true

    static let maximumBytes = 256

    /// What a character is for the segmentation.
    enum Kind: UInt8 {
        case separator, letter, digit, unspaced
        /// A mark, or an invisible joiner: belongs to what stands before it.
        case extending
    }

    private static let ascii: [Kind] = (0..<128).map { (byte: UInt8) in
        switch byte {
        case 0x30...0x39: .digit
        case 0x41...0x5A, 0x61...0x7A: .letter
        default: .separator
        }
    }

    /// Calls `body` with the range of each word, and whether it is ASCII only.
    ///
    /// - Complexity: O(`bytes.count`).
    func forEachWord(in bytes: [UInt8], _ body: (Range<Int>, Bool) -> Void) {
        var position = 0
        while position < bytes.count {
            var next = position
            switch Self.kind(in: bytes, at: &next) {
            case .separator, .extending: position = next
            case .unspaced: position = pairs(in: bytes, from: position, body)
            case .letter, .digit: position = word(in: bytes, from: position, body)
            }
        }
    }

    /// Reports the word that begins at `start` and returns its end.
    private func word(in bytes: [UInt8], from start: Int, _ body: (Range<Int>, Bool) -> Void) -> Int {
        var end = start
        var isASCII = true
        var last = Kind.separator
        while end < bytes.count, end - start < Self.maximumBytes {
            var next = end
            let byte = bytes[end]
            var kind = Self.kind(in: bytes, at: &next)
            if kind == .separator {
                guard let joined = joinedKind(byte, after: last, in: bytes, end: next) else { break }
                kind = joined
            } else if kind == .unspaced {
                break
            }
            if byte >= 0x80 { isASCII = false }
            if kind != .extending { last = kind }
            end = next
        }
        body(start..<end, isASCII)
        return end
    }

    /// The kind under which a separator stays inside a word, or nil when it ends it.
    private func joinedKind(_ byte: UInt8, after last: Kind, in bytes: [UInt8], end: Int) -> Kind? {
        guard end < bytes.count else { return nil }
        var next = end
        if byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") {
            return last == .digit && Self.kind(in: bytes, at: &next) == .digit ? .digit : nil
        }
        guard joinsApostrophes, last == .letter else { return nil }
        // U+2019 is E2 80 99.
        let isApostrophe = byte == UInt8(ascii: "'") || byte == 0xE2 && bytes[end - 2] == 0x80 && bytes[end - 1] == 0x99
        return isApostrophe && Self.kind(in: bytes, at: &next) == .letter ? .letter : nil
    }

    /// Reports the pairs (or the whole) of an unspaced run that begins at `start` and returns the run's end.
    private func pairs(in bytes: [UInt8], from start: Int, _ body: (Range<Int>, Bool) -> Void) -> Int {
        var previous: Int?
        var current = start
        var end = start
        while end < bytes.count {
            var next = end
            let kind = Self.kind(in: bytes, at: &next)
            if kind == .extending {
                end = next
                continue
            }
            guard kind == .unspaced else { break }
            if end > current, pairsUnspaced {
                if let previous { body(previous..<end, false) }
                previous = current
                current = end
            }
            end = next
        }
        body((previous ?? current)..<end, false)
        return end
    }

    /// The kind of the character at `position`, which moves behind it.
    @inline(__always)
    static func kind(in bytes: [UInt8], at position: inout Int) -> Kind {
        let byte = bytes[position]
        if byte < 0x80 {
            position &+= 1
            return ascii[Int(byte)]
        }
        return kind(of: UTF8Bytes.scalar(in: bytes, at: &position))
    }

    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        if isUnspaced(scalar.value) { return isMark(scalar) ? .extending : isWordLike(scalar) ? .unspaced : .separator }
        if isMark(scalar) || scalar.properties.isJoinControl || scalar.value == 0xAD { return .extending }
        if scalar.properties.generalCategory == .decimalNumber { return .digit }
        return scalar.properties.isAlphabetic ? .letter : .separator
    }

    private static func isWordLike(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar.value == 0x30FC
            || scalar.value == 0x3005 || scalar.properties.generalCategory == .modifierLetter
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    private static func isUnspaced(_ value: UInt32) -> Bool {
        switch value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1100...0x11FF, 0x1780...0x17FF: true
        case 0x3005...0x3007, 0x3021...0x3029, 0x3031...0x303C, 0x3040...0x312F, 0x3130...0x318F, 0x31A0...0x31FF: true
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA960...0xA97F, 0xAC00...0xD7FF, 0xF900...0xFAFF: true
        case 0xFF66...0xFFDC, 0x1B000...0x1B16F, 0x20000...0x3FFFF: true
        default: false
        }
    }
}
