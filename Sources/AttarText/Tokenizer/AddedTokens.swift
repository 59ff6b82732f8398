/// A token that is found in the text itself, before words are split: `[MASK]`, `<query>`.
struct AddedToken: Sendable, Equatable {
    /// The id that comes out.
    var id: Int32
    /// The text that is looked for.
    var content: String
    /// Match only where no word character touches it.
    var isSingleWord = false
    /// Swallow the white space before it.
    var stripsLeft = false
    /// Swallow the white space after it.
    var stripsRight = false
    /// Look for the normalized content in the normalized text, instead of both raw.
    var isNormalized = false
    /// Special tokens mark structure; the others are plain vocabulary.
    var isSpecial = false
}

/// Finds added tokens in a text: from left to right, the longest at each place, never overlapping.
struct AddedTokenMatcher: Sendable {
    /// A piece of the text: an added token, or what stands between two of them.
    enum Piece: Equatable {
        case token(Int32)
        case text(Range<Int>)
    }

    private let tokens: [AddedToken]
    private var trie = ByteTrie()
    /// For each byte, whether a token begins with it: most texts are passed over by this alone.
    private var starts = Array(repeating: false, count: 256)

    /// A matcher for `tokens`, whose contents as they are to be found stand in `contents` (same order).
    init(_ tokens: [AddedToken], contents: [[UInt8]]) {
        precondition(tokens.count == contents.count, "\(tokens.count) tokens, \(contents.count) contents")
        self.tokens = tokens
        for (index, content) in contents.enumerated() where !content.isEmpty {
            // Of two tokens that look the same the first one counts.
            if trie.insert(content, value: Int32(index)) { starts[Int(content[0])] = true }
        }
    }

    /// Whether there is nothing to look for.
    var isEmpty: Bool { trie.nodeCount == 1 }

    /// Calls `body` with the pieces of `bytes[range]` in order; no text piece is empty.
    ///
    /// - Complexity: O(`range.count` · longest token), in practice O(`range.count`).
    func forEachPiece(of bytes: [UInt8], _ range: Range<Int>, _ body: (Piece) -> Void) {
        var textStart = range.lowerBound
        var position = range.lowerBound
        while position < range.upperBound {
            guard starts[Int(bytes[position])], let match = longestMatch(in: bytes, position..<range.upperBound) else {
                position += 1
                continue
            }
            let token = tokens[match.index]
            if token.isSingleWord && isTouched(position..<match.end, in: bytes, range) {
                position = match.end
                continue
            }
            let start =
                token.stripsLeft
                ? max(textStart, spaceStart(before: position, in: bytes, range)) : position
            let end = token.stripsRight ? spaceEnd(after: match.end, in: bytes, range) : match.end
            // The search goes on behind the token itself, not behind the space it swallowed.
            position = match.end
            // A token of spaces that the one before has swallowed whole is lost, as with the reference tokenizers.
            guard start < end else { continue }
            if textStart < start { body(.text(textStart..<start)) }
            body(.token(token.id))
            textStart = end
        }
        if textStart < range.upperBound { body(.text(textStart..<range.upperBound)) }
    }

    private func longestMatch(in bytes: [UInt8], _ range: Range<Int>) -> (index: Int, end: Int)? {
        var node = ByteTrie.root
        var best: (index: Int, end: Int)?
        for position in range {
            node = trie.child(of: node, by: bytes[position])
            if node == ByteTrie.root { break }
            let value = trie.values[Int(node)]
            if value >= 0 { best = (Int(value), position + 1) }
        }
        return best
    }

    private func isTouched(_ match: Range<Int>, in bytes: [UInt8], _ range: Range<Int>) -> Bool {
        if match.lowerBound > range.lowerBound {
            var position = match.lowerBound
            if Self.isWordCharacter(UTF8Bytes.scalar(in: bytes, before: &position)) { return true }
        }
        guard match.upperBound < range.upperBound else { return false }
        var position = match.upperBound
        return Self.isWordCharacter(UTF8Bytes.scalar(in: bytes, at: &position))
    }

    private func spaceStart(before end: Int, in bytes: [UInt8], _ range: Range<Int>) -> Int {
        var start = end
        while start > range.lowerBound {
            var position = start
            guard UTF8Bytes.scalar(in: bytes, before: &position).properties.isWhitespace else { break }
            start = position
        }
        return start
    }

    private func spaceEnd(after start: Int, in bytes: [UInt8], _ range: Range<Int>) -> Int {
        var end = start
        while end < range.upperBound {
            var position = end
            guard UTF8Bytes.scalar(in: bytes, at: &position).properties.isWhitespace else { break }
            end = position
        }
        return end
    }

    /// Unicode's word characters (UTS 18, annex C).
    static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}
