import AttarText

/// Picks the sentences of a passage that say most about a query.
///
/// Of all runs of whole sentences that fit the limit, the one with the most different terms of the query is taken, then
/// the one with the most occurrences of them, then the first. A sentence longer than the limit is cut at words.
struct SnippetMaker {
    /// The most bytes of a snippet.
    private static let limit = 320
    /// How far into a text is looked: sentences beyond are not shown.
    private static let horizon = 1 << 18

    private let highlighter: Highlighter

    /// What is shown of a text.
    struct Snippet {
        /// The best window, its runs of white space made single spaces.
        var text: String
        /// The words of the query in it, in bytes.
        var highlights: [Range<Int>] = []
        /// The words of the query in the text itself.
        var matches: [Range<Int>]
    }

    init(_ highlighter: Highlighter) { self.highlighter = highlighter }

    /// The best window of a text.
    ///
    /// - Complexity: O(bytes of the text), up to a limit.
    func snippet(of text: String) -> Snippet {
        let text = Self.prefix(of: text, bytes: Self.horizon)
        let bytes = Array(text.utf8)
        let tokens = highlighter.tokens(of: text)
        let matches = Highlighter.ranges(of: tokens)
        guard bytes.count > Self.limit else { return Self.snippet(bytes, 0..<bytes.count, in: 0..<bytes.count, matches) }
        let sentences = SentenceSplitter.sentences(of: text).filter { !$0.isEmpty }
        guard let window = bestWindow(sentences, tokens) else {
            return Self.snippet(bytes, 0..<Self.limit, in: 0..<Self.limit, matches)
        }
        let part = window.count <= Self.limit
            ? window : cut(bytes, window, at: tokens.first { window.contains($0.utf8Range.lowerBound) })
        return Self.snippet(bytes, part, in: window, matches)
    }

    private func bestWindow(_ sentences: [Range<Int>], _ matches: [Analyzer.Token]) -> Range<Int>? {
        var best: (window: Range<Int>, distinct: Int, total: Int)?
        var firstMatch = 0
        for (index, sentence) in sentences.enumerated() {
            let end = windowEnd(sentences, from: index)
            while firstMatch < matches.count, matches[firstMatch].utf8Range.lowerBound < sentence.lowerBound {
                firstMatch += 1
            }
            let inside = matches[firstMatch...].prefix { $0.utf8Range.lowerBound < end }
            let distinct = Set(inside.map(\.term)).count
            if let best, (distinct, inside.count) <= (best.distinct, best.total) { continue }
            best = (sentence.lowerBound..<end, distinct, inside.count)
        }
        return best?.window
    }

    /// The end of the longest run of sentences from `index` that fits; at least one sentence.
    private func windowEnd(_ sentences: [Range<Int>], from index: Int) -> Int {
        var end = sentences[index].upperBound
        for next in sentences[(index + 1)...] {
            guard next.upperBound - sentences[index].lowerBound <= Self.limit else { break }
            end = next.upperBound
        }
        return end
    }

    /// Part of one long sentence around its first match.
    private func cut(_ bytes: [UInt8], _ window: Range<Int>, at match: Analyzer.Token?) -> Range<Int> {
        let wish = (match?.utf8Range.lowerBound ?? window.lowerBound) - Self.limit / 4
        var start = max(window.lowerBound, min(wish, window.upperBound - Self.limit))
        var end = min(window.upperBound, start + Self.limit)
        if start > window.lowerBound { start = Self.boundary(bytes, start..<end, forwards: true) }
        if end < window.upperBound { end = Self.boundary(bytes, start..<end, forwards: false) }
        return start..<end
    }

    /// The first (or last) place of a range at a space; without one, at the beginning of a character.
    private static func boundary(_ bytes: [UInt8], _ range: Range<Int>, forwards: Bool) -> Int {
        let isSpace = { (place: Int) in bytes[place] <= 0x20 }
        let isStart = { (place: Int) in bytes[place] & 0xC0 != 0x80 }
        if forwards { return range.first(where: isSpace) ?? range.first(where: isStart) ?? range.lowerBound }
        return range.last(where: isSpace) ?? range.last(where: isStart) ?? range.upperBound
    }

    /// A part of a text as a snippet, with an ellipsis where something of the window is left out.
    private static func snippet(
        _ bytes: [UInt8], _ part: Range<Int>, in window: Range<Int>, _ matches: [Range<Int>]
    ) -> Snippet {
        var shown: [UInt8] = part.lowerBound > window.lowerBound ? Array("… ".utf8) : []
        var highlights: [Range<Int>] = []
        var next = matches.firstIndex { $0.upperBound > part.lowerBound } ?? matches.count
        for word in bytes[part].split(whereSeparator: { $0 <= 0x20 }) {
            if word.startIndex > part.lowerBound, shown.last.map({ $0 != 0x20 }) ?? false { shown.append(0x20) }
            let shift = shown.count - word.startIndex
            while next < matches.count, matches[next].lowerBound < word.endIndex {
                let range = matches[next].clamped(to: word.indices)
                if !range.isEmpty { highlights.append(range.lowerBound + shift..<range.upperBound + shift) }
                next += 1
            }
            shown += word
        }
        if part.upperBound < window.upperBound { shown += Array(" …".utf8) }
        return Snippet(text: String(decoding: shown, as: UTF8.self), highlights: highlights, matches: matches)
    }

    private static func prefix(of text: String, bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var cut = text.utf8.index(text.utf8.startIndex, offsetBy: bytes)
        while cut > text.startIndex, cut.samePosition(in: text.unicodeScalars) == nil {
            cut = text.utf8.index(before: cut)
        }
        return String(text[..<cut])
    }
}
