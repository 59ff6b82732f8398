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

    private let terms: Set<String>
    private let analyzer: Analyzer

    init(query: String, analyzer: Analyzer) {
        self.analyzer = analyzer
        terms = Set(analyzer.terms(query))
    }

    /// The best window of a text, its runs of white space made single spaces.
    ///
    /// - Complexity: O(bytes of the text), up to a limit.
    func snippet(of text: String) -> String {
        let text = Self.prefix(of: text, bytes: Self.horizon)
        let bytes = Array(text.utf8)
        guard bytes.count > Self.limit else { return Self.joinedWords(bytes[...]) }
        let matches = terms.isEmpty ? [] : analyzer.tokens(text).filter { terms.contains($0.term) }
        let sentences = SentenceSplitter.sentences(of: text).filter { !$0.isEmpty }
        guard let window = bestWindow(sentences, matches) else { return Self.joinedWords(bytes.prefix(Self.limit)) }
        return window.count <= Self.limit
            ? Self.joinedWords(bytes[window])
            : cut(bytes, window, at: matches.first { window.contains($0.utf8Range.lowerBound) })
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

    /// Part of one long sentence around its first match, with an ellipsis where something is left out.
    private func cut(_ bytes: [UInt8], _ window: Range<Int>, at match: Analyzer.Token?) -> String {
        let wish = (match?.utf8Range.lowerBound ?? window.lowerBound) - Self.limit / 4
        var start = max(window.lowerBound, min(wish, window.upperBound - Self.limit))
        var end = min(window.upperBound, start + Self.limit)
        if start > window.lowerBound { start = Self.boundary(bytes, start..<end, forwards: true) }
        if end < window.upperBound { end = Self.boundary(bytes, start..<end, forwards: false) }
        return (start > window.lowerBound ? "… " : "") + Self.joinedWords(bytes[start..<end])
            + (end < window.upperBound ? " …" : "")
    }

    /// The first (or last) place of a range at a space; without one, at the beginning of a character.
    private static func boundary(_ bytes: [UInt8], _ range: Range<Int>, forwards: Bool) -> Int {
        let isSpace = { (place: Int) in bytes[place] <= 0x20 }
        let isStart = { (place: Int) in bytes[place] & 0xC0 != 0x80 }
        if forwards { return range.first(where: isSpace) ?? range.first(where: isStart) ?? range.lowerBound }
        return range.last(where: isSpace) ?? range.last(where: isStart) ?? range.upperBound
    }

    private static func joinedWords(_ bytes: ArraySlice<UInt8>) -> String {
        let words = bytes.split { $0 <= 0x20 }
        return String(decoding: Array(words.joined(separator: [0x20])), as: UTF8.self)
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
