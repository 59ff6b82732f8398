/// A text on its way to the model: its bytes, and the pieces into which it is split so far.
struct TextPieces {
    /// UTF-8.
    var bytes: [UInt8]
    /// The pieces, ascending; none is empty. What stands between them is dropped.
    var ranges: [Range<Int>]
    /// Whether the first piece begins where the original text begins.
    var startsText: Bool
}

/// The pre-tokenizers of a `tokenizer.json`, which split a text into the words that the model sees.
struct PreTokenizer: Sendable {
    /// When `Metaspace` puts its character before a piece that does not begin with it.
    enum PrependScheme: String, Sendable {
        case always, first, never
    }

    /// A pre-tokenizer, named as in the file format.
    enum Step: Sendable {
        /// Splits at white space, which disappears.
        case whitespaceSplit
        /// Spaces become `replacement`; with `splits`, a piece begins at each of these.
        case metaspace(replacement: [UInt8], scheme: PrependScheme, splits: Bool)
        /// Numeric characters are pieces: each by itself, or runs of them.
        case digits(individual: Bool)
        /// Every match of the pattern is a piece.
        case split(SplitPattern)
        /// Puts a space before pieces that do not begin with one.
        case prefixSpace
    }

    /// The steps, in order.
    let steps: [Step]

    /// Splits the pieces further.
    ///
    /// - Complexity: O(bytes · steps).
    func apply(to pieces: inout TextPieces) {
        for step in steps {
            switch step {
            case .whitespaceSplit: Self.splitAtWhiteSpace(&pieces)
            case .metaspace(let replacement, let scheme, let splits):
                Self.replaceSpaces(&pieces, replacement, scheme)
                if splits { Self.split(&pieces, before: replacement) }
            case .digits(let individual): Self.splitDigits(&pieces, individual: individual)
            case .split(let pattern): Self.split(&pieces, by: pattern)
            case .prefixSpace: Self.prefixSpace(&pieces)
            }
        }
    }

    private static func splitAtWhiteSpace(_ pieces: inout TextPieces) {
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(pieces.bytes.count / 5 + 1)
        for piece in pieces.ranges {
            var start = piece.lowerBound
            var position = start
            while position < piece.upperBound {
                let here = position
                let flags = SplitCharacters.flags(in: pieces.bytes, at: &position)
                guard flags & SplitCharacters.space != 0 else { continue }
                if start < here { ranges.append(start..<here) }
                start = position
            }
            if start < piece.upperBound { ranges.append(start..<piece.upperBound) }
        }
        if ranges.first?.lowerBound != pieces.ranges.first?.lowerBound { pieces.startsText = false }
        pieces.ranges = ranges
    }

    private static func replaceSpaces(_ pieces: inout TextPieces, _ replacement: [UInt8], _ scheme: PrependScheme) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.bytes.count + pieces.bytes.count / 2 + replacement.count)
        for index in pieces.ranges.indices {
            let piece = pieces.ranges[index]
            let start = bytes.count
            let isPrepended = scheme == .always || (scheme == .first && index == 0 && pieces.startsText)
            if isPrepended && pieces.bytes[piece.lowerBound] != 0x20
                && !pieces.bytes[piece].starts(with: replacement)
            {
                bytes.append(contentsOf: replacement)
            }
            for position in piece {
                let byte = pieces.bytes[position]
                if byte == 0x20 { bytes.append(contentsOf: replacement) } else { bytes.append(byte) }
            }
            pieces.ranges[index] = start..<bytes.count
        }
        pieces.bytes = bytes
    }

    private static func split(_ pieces: inout TextPieces, before delimiter: [UInt8]) {
        let bytes = pieces.bytes
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(bytes.count / 5 + 1)
        for piece in pieces.ranges {
            var start = piece.lowerBound
            var position = start
            while position < piece.upperBound {
                guard bytes[position] == delimiter[0], isMatch(delimiter, in: bytes, position..<piece.upperBound) else {
                    position &+= 1
                    continue
                }
                if start < position { ranges.append(start..<position) }
                start = position
                position &+= delimiter.count
            }
            if start < piece.upperBound { ranges.append(start..<piece.upperBound) }
        }
        pieces.ranges = ranges
    }

    @inline(__always)
    private static func isMatch(_ pattern: [UInt8], in bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count >= pattern.count else { return false }
        for index in pattern.indices where bytes[range.lowerBound &+ index] != pattern[index] { return false }
        return true
    }

    private static func splitDigits(_ pieces: inout TextPieces, individual: Bool) {
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(pieces.ranges.count)
        for piece in pieces.ranges {
            var start = piece.lowerBound
            var position = start
            var wasNumeric = false
            while position < piece.upperBound {
                let here = position
                let flags = SplitCharacters.flags(in: pieces.bytes, at: &position)
                let isNumeric = flags & SplitCharacters.numeric != 0
                let isBoundary = isNumeric != wasNumeric || (isNumeric && individual)
                if isBoundary && start < here {
                    ranges.append(start..<here)
                    start = here
                }
                wasNumeric = isNumeric
            }
            ranges.append(start..<piece.upperBound)
        }
        pieces.ranges = ranges
    }

    private static func split(_ pieces: inout TextPieces, by pattern: SplitPattern) {
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(pieces.bytes.count / 4 + 1)
        for piece in pieces.ranges {
            var start = piece.lowerBound
            while start < piece.upperBound {
                let end = pattern.end(of: start..<piece.upperBound, in: pieces.bytes)
                ranges.append(start..<end)
                start = end
            }
        }
        pieces.ranges = ranges
    }

    private static func prefixSpace(_ pieces: inout TextPieces) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.bytes.count + pieces.ranges.count)
        for index in pieces.ranges.indices {
            let piece = pieces.ranges[index]
            let start = bytes.count
            if pieces.bytes[piece.lowerBound] != 0x20 { bytes.append(0x20) }
            bytes.append(contentsOf: pieces.bytes[piece])
            pieces.ranges[index] = start..<bytes.count
        }
        pieces.bytes = bytes
    }
}
