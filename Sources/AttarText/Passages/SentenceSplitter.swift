/// Finds sentences in text, without a model.
///
/// A sentence ends
/// - after `.`, `!`, `?`, `…` (with closing quotes and brackets) when white space and something other than a lowercase
///   letter follow; not after an abbreviation (`e.g.`, `Dr.`), an initial (`J.`), or inside a number;
/// - after one of them that stands between spaces, whatever follows: so is text written that was split into words;
/// - after the full stops of Chinese and Japanese, with or without a space, and of Hindi, Arabic, Urdu before one;
/// - at an empty line, before a list item, and at a line end whose line is shorter than 60 bytes: text that was wrapped
///   by hand has longer lines, headings, items and code have shorter ones.
public enum SentenceSplitter {
    /// Shorter lines were not wrapped: they ended because their author ended them.
    static let wrappedLineBytes = 60

    /// The sentences as ranges of UTF-8 bytes: in order, not overlapping, not empty, without white space at their ends.
    ///
    /// - Complexity: O(UTF-8 bytes of `text`).
    public static func sentences(of text: String) -> [Range<Int>] {
        var scanner = SentenceScanner(Array(text.utf8))
        return scanner.sentences()
    }
}

/// The state of one splitting.
private struct SentenceScanner {
    private let bytes: [UInt8]
    private var found: [Range<Int>] = []
    private var start = 0
    private var lineStart = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func sentences() -> [Range<Int>] {
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case 0x0A:
                if endsAtLine(position) { finish(at: position) }
                position += 1
                lineStart = position
            case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"):
                position = afterTerminal(from: position)
            case 0xE0...0xEF, 0xD8...0xDB:
                position = afterOtherTerminal(from: position)
            default: position += 1
            }
        }
        finish(at: bytes.count)
        return found
    }

    private mutating func finish(at end: Int) {
        var (lower, upper) = (start, end)
        while lower < upper, Self.isSpace(bytes[lower]) { lower += 1 }
        while upper > lower, Self.isSpace(bytes[upper - 1]) { upper -= 1 }
        if lower < upper { found.append(lower..<upper) }
        start = end
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || 0x09...0x0D ~= byte
    }

    /// Whether the line end at `position` ends a sentence.
    private func endsAtLine(_ position: Int) -> Bool {
        if position - lineStart < SentenceSplitter.wrappedLineBytes { return true }
        var next = position + 1
        while next < bytes.count, bytes[next] == 0x20 || bytes[next] == 0x09 || bytes[next] == 0x0D { next += 1 }
        guard next < bytes.count else { return true }
        if bytes[next] == 0x0A { return true }
        return isListItem(at: next)
    }

    /// `- `, `* `, `+ `, `• `, `3. `, `3) `
    private func isListItem(at start: Int) -> Bool {
        var position = start
        while position < bytes.count, 0x30...0x39 ~= bytes[position], position - start < 3 { position += 1 }
        let isNumber = position > start
        guard position + 1 < bytes.count else { return false }
        if isNumber {
            return (bytes[position] == UInt8(ascii: ".") || bytes[position] == UInt8(ascii: ")"))
                && bytes[position + 1] == 0x20
        }
        if bytes[position...].starts(with: "•".utf8) { return true }
        return [UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "+")].contains(bytes[position])
            && bytes[position + 1] == 0x20
    }

    /// Handles a run of `.!?`, and what closes behind it; returns where the scan goes on.
    private mutating func afterTerminal(from start: Int) -> Int {
        var end = start
        while end < bytes.count, Self.isTerminal(bytes[end]) { end += 1 }
        let isSingle = end == start + 1
        let isSinglePoint = isSingle && bytes[start] == UInt8(ascii: ".")
        let standsAlone = isSingle && start > 0 && Self.isSpace(bytes[start - 1])
        end = afterClosers(from: end)
        guard end < bytes.count else { return end }
        guard Self.isSpace(bytes[end]) else { return max(end, start + 1) }
        var next = end
        while next < bytes.count, bytes[next] == 0x20 || bytes[next] == 0x09 { next += 1 }
        if !standsAlone, next < bytes.count, startsLowercase(at: next) { return end }
        if isSinglePoint, Abbreviations.endsAt(start, in: bytes) { return end }
        finish(at: end)
        return end
    }

    private static func isTerminal(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?")
    }

    /// Behind quotes and brackets that close: `" ' ) ] ’ ” »`.
    private func afterClosers(from start: Int) -> Int {
        var end = start
        while end < bytes.count {
            switch bytes[end] {
            case 0x22, 0x27, 0x29, 0x5D: end += 1
            case 0xE2 where bytes[end...].starts(with: "’".utf8) || bytes[end...].starts(with: "”".utf8): end += 3
            case 0xC2 where bytes[end...].starts(with: "»".utf8): end += 2
            default: return end
            }
        }
        return end
    }

    private func startsLowercase(at start: Int) -> Bool {
        if bytes[start] < 0x80 { return 0x61...0x7A ~= bytes[start] }
        var position = start
        return UTF8Bytes.scalar(in: bytes, at: &position).properties.isLowercase
    }

    /// Handles a non-ASCII character that may be a full stop; returns the position behind it.
    private mutating func afterOtherTerminal(from start: Int) -> Int {
        var end = start
        let scalar = UTF8Bytes.scalar(in: bytes, at: &end)
        switch scalar {
        case "。", "！", "？", "｡", "．":
            while end < bytes.count, let closer = fullWidthCloser(at: end) { end = closer }
            finish(at: end)
        case "।", "॥", "۔", "؟", "…":
            let isLast = end == bytes.count || Self.isSpace(bytes[end])
            if isLast, scalar != "…" || end + 1 >= bytes.count || !startsLowercase(at: end + 1) { finish(at: end) }
        default: break
        }
        return end
    }

    private func fullWidthCloser(at position: Int) -> Int? {
        var end = position
        let scalar = UTF8Bytes.scalar(in: bytes, at: &end)
        return ["」", "』", "）", "”", "’", "】", "》", "。", "！", "？"].contains(scalar) ? end : nil
    }
}

/// Words that end with a point without ending a sentence.
private enum Abbreviations {
    /// Lowercase, without the last point. Months, titles, references, and what German, French and Spanish add.
    private static let words: Set<String> = [
        "e.g", "i.e", "cf", "vs", "viz", "approx", "ca", "fig", "figs", "eq", "eqs", "sec", "ch", "vol", "vols", "no",
        "nos",
        "pp", "p", "ed", "eds", "al", "ref", "refs", "resp", "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "gen",
        "sen",
        "rep", "gov", "capt", "lt", "col", "rev", "hon", "inc", "ltd", "corp", "dept", "univ", "est", "jan", "feb",
        "mar",
        "apr", "jun", "jul", "aug", "sept", "sep", "oct", "nov", "dec", "a.k.a", "u.s", "u.k", "ph.d", "m.sc", "b.sc",
        "d.c",
        "z.b", "d.h", "u.a", "bzw", "usw", "evtl", "ggf", "nr", "abb", "bd", "hrsg", "mme", "mlle", "art", "env", "sra",
        "dra",
        "ud", "uds", "pág", "núm",
    ]
    private static let maximumBytes = 8

    /// Whether the point at `point` belongs to an abbreviation or to an initial (`J. Smith`).
    static func endsAt(_ point: Int, in bytes: [UInt8]) -> Bool {
        var start = point
        while start > 0, point - start <= maximumBytes, isWordByte(bytes[start - 1]) { start -= 1 }
        let count = point - start
        guard 1...maximumBytes ~= count else { return false }
        // A single capital is an initial, except the pronoun.
        if count == 1, 0x41...0x5A ~= bytes[start], bytes[start] != UInt8(ascii: "I") { return true }
        let word = String(decoding: bytes[start..<point], as: UTF8.self).lowercased()
        return words.contains(word)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: ".") || byte >= 0x80
    }
}
