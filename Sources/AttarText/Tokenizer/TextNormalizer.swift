/// The normalizers of a `tokenizer.json` that rewrite the text before it is split, one after the other.
struct TextNormalizer: Sendable {
    /// A normalizer, named as in the file format.
    enum Step: Sendable {
        case unicode(UnicodeNormalizer)
        case precompiled(PrecompiledCharsmap)
        /// Each scalar by itself (no final sigma).
        case lowercase
        case strip(left: Bool, right: Bool)
        /// Every occurrence of the pattern, from left to right.
        case replace(pattern: [UInt8], content: [UInt8])
        /// Every run of two or more spaces: the regular expression ` {2,}`.
        case collapseSpaces(content: [UInt8])
        /// Before every text that is not empty.
        case prepend([UInt8])
    }

    /// The steps, in order.
    let steps: [Step]
    /// No text becomes more than so many times as long, in bytes.
    var growth: Double { steps.reduce(1.0) { $0 * max(1, Self.growth(of: $1)) } }

    /// The normalized UTF-8 of `bytes[range]`, which must be valid UTF-8.
    ///
    /// - Parameter startsText: becomes false when the first characters are stripped.
    /// - Complexity: O(`range.count` · steps).
    func normalize(_ bytes: [UInt8], _ range: Range<Int>, startsText: inout Bool) -> [UInt8] {
        var current = bytes
        var range = range
        for step in steps {
            if case .strip(let left, let right) = step {
                let stripped = Self.stripped(current, range, left: left, right: right)
                if stripped.lowerBound > range.lowerBound { startsText = false }
                range = stripped
            } else {
                current = Self.apply(step, current, range)
                range = 0..<current.count
            }
        }
        return range.count == current.count ? current : Array(current[range])
    }

    private static func apply(_ step: Step, _ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        switch step {
        case .unicode(let normalizer): normalizer.normalize(bytes, range)
        case .precompiled(let map): map.normalize(bytes, range)
        case .lowercase: lowercased(bytes, range)
        case .strip: Array(bytes[range])
        case .replace(let pattern, let content): replacing(pattern, with: content, in: bytes, range)
        case .collapseSpaces(let content): collapsingSpaces(to: content, in: bytes, range)
        case .prepend(let prefix): range.isEmpty ? [] : prefix + bytes[range]
        }
    }

    private static func lowercased(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(range.count + 8)
        var position = range.lowerBound
        while position < range.upperBound {
            let byte = bytes[position]
            if byte < 0x80 {
                output.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
                position &+= 1
                continue
            }
            let scalar = UTF8Bytes.scalar(in: bytes, at: &position)
            let isKept =
                scalar.value < BertCharacters.tableSize
                ? BertCharacters.table[Int(scalar.value)] & BertCharacters.uppercase == 0
                : !scalar.properties.changesWhenLowercased
            if isKept {
                UTF8Bytes.append(scalar, to: &output)
            } else {
                output.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
            }
        }
        return output
    }

    private static func stripped(_ bytes: [UInt8], _ range: Range<Int>, left: Bool, right: Bool) -> Range<Int> {
        var start = range.lowerBound
        while left && start < range.upperBound {
            var next = start
            guard UTF8Bytes.scalar(in: bytes, at: &next).properties.isWhitespace else { break }
            start = next
        }
        var end = range.upperBound
        while right && end > start {
            var previous = end
            guard UTF8Bytes.scalar(in: bytes, before: &previous).properties.isWhitespace else { break }
            end = previous
        }
        return start..<end
    }

    private static func replacing(
        _ pattern: [UInt8], with content: [UInt8], in bytes: [UInt8], _ range: Range<Int>
    ) -> [UInt8] {
        replacingMatches(with: content, in: bytes, range) { position in
            let end = position + pattern.count
            return bytes[position] == pattern[0] && end <= range.upperBound
                && bytes[position..<end].elementsEqual(pattern) ? end : nil
        }
    }

    private static func collapsingSpaces(to content: [UInt8], in bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        replacingMatches(with: content, in: bytes, range) { position in
            var end = position
            while end < range.upperBound && bytes[end] == 0x20 { end += 1 }
            return end - position >= 2 ? end : nil
        }
    }

    /// Puts `content` in the place of every match, from left to right.
    ///
    /// - Parameter matchEnd: where the match that begins at a position ends; nil when none does.
    @inline(__always)
    private static func replacingMatches(
        with content: [UInt8], in bytes: [UInt8], _ range: Range<Int>, _ matchEnd: (_ position: Int) -> Int?
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(range.count + 8)
        var position = range.lowerBound
        while position < range.upperBound {
            if let end = matchEnd(position) {
                output.append(contentsOf: content)
                position = end
            } else {
                output.append(bytes[position])
                position += 1
            }
        }
        return output
    }
}

extension TextNormalizer {
    /// Reads the key `normalizer`; nil when there is none.
    ///
    /// - Throws: `TextError` for a type, or a pattern of `Replace`, that Attar does not know.
    init?(_ node: TokenizerNode?) throws {
        guard let node else { return nil }
        steps = try Self.steps(node)
        // Replacements multiply: thirty that double the text would make a gigabyte of one byte.
        guard growth <= Self.maximumGrowth else {
            throw node.error(.tooLarge, "can make a text \(growth) times as long; the limit is \(Self.maximumGrowth).")
        }
    }

    /// How many times longer the steps of a file may make a text.
    private static let maximumGrowth = 4096.0

    /// How many times longer a step makes a text of one byte, or the characters that grow most.
    private static func growth(of step: Step) -> Double {
        switch step {
        case .replace(let pattern, let content): Double(content.count) / Double(pattern.count)
        case .collapseSpaces(let content): Double(content.count) / 2
        case .prepend(let prefix): 1 + Double(prefix.count)
        case .precompiled(let map): Double(map.longestReplacement)
        case .unicode: 11  // U+FDFA, from 3 bytes to 33 (https://unicode.org/faq/normalization.html)
        case .lowercase: 1.5  // U+0130
        case .strip: 1
        }
    }

    private static func steps(_ node: TokenizerNode, depth: Int = 0) throws -> [Step] {
        switch try node.optionalString("type") ?? "" {
        case "Sequence":
            guard depth < TokenizerFile.maximumDepth else { throw node.error(.tooLarge, "is nested too deeply.") }
            return try node.required("normalizers").elements().flatMap { try steps($0, depth: depth + 1) }
        case "Precompiled":
            guard let map = node.optional("precompiled_charsmap"), map.value.string != "" else { return [] }
            return [.precompiled(try PrecompiledCharsmap(map))]
        case "Lowercase": return [.lowercase]
        case "Strip":
            return [
                .strip(
                    left: try node.bool("strip_left", default: true),
                    right: try node.bool("strip_right", default: true))
            ]
        case "Replace": return [try replacement(node)]
        case "Prepend": return [.prepend(Array(try node.string("prepend").utf8))]
        case let type:
            guard let form = UnicodeForm(rawValue: type) else {
                throw node.error(
                    .unsupported,
                    "has the type \"\(type)\"; Attar reads Sequence, Precompiled, NFC, NFD, NFKC, NFKD, Lowercase, "
                        + "Strip, Replace and Prepend.")
            }
            return [.unicode(UnicodeNormalizer(form))]
        }
    }

    private static func replacement(_ node: TokenizerNode) throws -> Step {
        let content = Array(try node.string("content").utf8)
        let pattern = try node.object("pattern")
        if let text = try pattern.optionalString("String") {
            guard !text.isEmpty else { throw pattern.error(.unsupported, "is an empty text.") }
            return .replace(pattern: Array(text.utf8), content: content)
        }
        let expression = try pattern.string("Regex")
        guard expression == " {2,}" else {
            throw pattern.error(
                .unsupported, "is the regular expression \"\(expression)\"; Attar knows \" {2,}\" and plain texts.")
        }
        return .collapseSpaces(content: content)
    }
}
