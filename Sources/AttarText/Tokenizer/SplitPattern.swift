/// The regular expressions with which byte-level tokenizers split text, each as a scanner written by hand.
///
/// In all of them every character belongs to a match, so that a text is the sequence of its matches.
enum SplitPattern: Sendable, Equatable {
    /// GPT-2, and the pre-tokenizer `ByteLevel` with `use_regex`.
    case gpt2
    /// OpenAI's cl100k, and Llama 3: up to three digits together.
    case llama3
    /// Qwen 2: as Llama 3, but every digit by itself.
    case qwen2

    /// The scanner for the text of a regular expression, or nil when it is not known.
    init?(_ expression: String) {
        switch expression {
        case #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: self = .gpt2
        case #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            self = .llama3
        case #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#:
            self = .qwen2
        default: return nil
        }
    }

    /// The end of the match that begins `bytes[range]`, which must not be empty.
    ///
    /// - Complexity: O(length of the match) for words; a match of white space looks at the whole run.
    @inline(__always)
    func end(of range: Range<Int>, in bytes: [UInt8]) -> Int {
        switch self {
        case .gpt2: Self.endGPT2(range, bytes)
        case .llama3: Self.endCL100K(range, bytes, digits: 3)
        case .qwen2: Self.endCL100K(range, bytes, digits: 1)
        }
    }

    private static func endGPT2(_ range: Range<Int>, _ bytes: [UInt8]) -> Int {
        let start = range.lowerBound
        if bytes[start] == 0x27, let end = contractionEnd(range, bytes, ignoresCase: false) { return end }
        let word = bytes[start] == 0x20 && start + 1 < range.upperBound ? start + 1 : start
        var position = word
        let flags = SplitCharacters.flags(in: bytes, at: &position)
        if flags & SplitCharacters.space != 0 { return whiteSpaceEnd(range, bytes) }
        return runEnd(of: flags & SplitCharacters.kinds, position..<range.upperBound, bytes)
    }

    private static func endCL100K(_ range: Range<Int>, _ bytes: [UInt8], digits: Int) -> Int {
        let start = range.lowerBound
        let first = bytes[start]
        if first == 0x27, let end = contractionEnd(range, bytes, ignoresCase: true) { return end }
        var second = start
        let flags = SplitCharacters.flags(in: bytes, at: &second)
        if flags & SplitCharacters.letter != 0 {
            return runEnd(of: SplitCharacters.letter, second..<range.upperBound, bytes)
        }
        if flags & SplitCharacters.number != 0 { return digitsEnd(second..<range.upperBound, bytes, more: digits - 1) }
        var third = second
        let next = second < range.upperBound ? SplitCharacters.flags(in: bytes, at: &third) : SplitCharacters.space
        // Any character but a line's end may lead a word.
        if next & SplitCharacters.letter != 0, first != 0x0A, first != 0x0D {
            return runEnd(of: SplitCharacters.letter, third..<range.upperBound, bytes)
        }
        if flags & SplitCharacters.space == 0 { return symbolsEnd(second..<range.upperBound, bytes) }
        if first == 0x20, next & (SplitCharacters.space | SplitCharacters.number) == 0 {
            return symbolsEnd(third..<range.upperBound, bytes)
        }
        return linesEnd(range, bytes) ?? whiteSpaceEnd(range, bytes)
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`
    private static func contractionEnd(_ range: Range<Int>, _ bytes: [UInt8], ignoresCase: Bool) -> Int? {
        let fold: UInt8 = ignoresCase ? 0x20 : 0
        let rest = range.lowerBound + 1
        guard rest < range.upperBound else { return nil }
        let second = rest + 1 < range.upperBound ? bytes[rest + 1] | fold : 0
        // U+017F, the long s, is an s without case.
        if ignoresCase, range.upperBound - rest > 1, bytes[rest] == 0xC5, bytes[rest + 1] == 0xBF { return rest + 2 }
        switch bytes[rest] | fold {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return rest + 1
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return second == UInt8(ascii: "e") ? rest + 2 : nil
        case UInt8(ascii: "l"): return second == UInt8(ascii: "l") ? rest + 2 : nil
        default: return nil
        }
    }

    /// The end of characters whose kinds are exactly `kind`: letters, numbers, or none of both nor white space.
    @inline(__always)
    private static func runEnd(of kind: UInt8, _ range: Range<Int>, _ bytes: [UInt8]) -> Int {
        var position = range.lowerBound
        while position < range.upperBound {
            var next = position
            guard SplitCharacters.flags(in: bytes, at: &next) & SplitCharacters.kinds == kind else { break }
            position = next
        }
        return position
    }

    private static func digitsEnd(_ range: Range<Int>, _ bytes: [UInt8], more: Int) -> Int {
        var position = range.lowerBound
        for _ in 0..<more where position < range.upperBound {
            var next = position
            guard SplitCharacters.flags(in: bytes, at: &next) & SplitCharacters.number != 0 else { break }
            position = next
        }
        return position
    }

    /// The rest of `[^\s\p{L}\p{N}]+[\r\n]*`
    private static func symbolsEnd(_ range: Range<Int>, _ bytes: [UInt8]) -> Int {
        var position = runEnd(of: 0, range, bytes)
        while position < range.upperBound, bytes[position] == 0x0A || bytes[position] == 0x0D { position &+= 1 }
        return position
    }

    /// `\s*[\r\n]+`: up to the last line end of a run of white space.
    private static func linesEnd(_ range: Range<Int>, _ bytes: [UInt8]) -> Int? {
        var end = runEnd(of: SplitCharacters.space, range, bytes)
        while end > range.lowerBound, bytes[end - 1] != 0x0A, bytes[end - 1] != 0x0D { end -= 1 }
        return end > range.lowerBound ? end : nil
    }

    /// `\s+(?!\S)|\s+`: a run of white space, which leaves its last character to what follows, unless it has no other.
    private static func whiteSpaceEnd(_ range: Range<Int>, _ bytes: [UInt8]) -> Int {
        let end = runEnd(of: SplitCharacters.space, range, bytes)
        guard end < range.upperBound else { return end }
        var last = end
        _ = UTF8Bytes.scalar(in: bytes, before: &last)
        return last > range.lowerBound ? last : end
    }
}
