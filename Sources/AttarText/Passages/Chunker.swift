/// Cuts documents into passages at the ends of sentences.
///
/// Passages hold whole sentences up to a number of words, and begin with the last sentences of the one before, so that
/// what stands at a border is found from both sides. A sentence that is longer by itself is cut at spaces; text without
/// spaces is cut between characters. The same document and settings always give the same passages and ids.
///
/// ```swift
/// let passages = Chunker(maximumWords: 200, overlapSentences: 1).passages(of: document)
/// ```
public struct Chunker: Sendable, Hashable, Codable {
    /// The most words of a passage. A word is what stands between spaces; each character of a script without spaces
    /// counts as one.
    public let maximumWords: Int
    /// How many sentences a passage repeats from the one before, as far as the limit allows.
    public let overlapSentences: Int

    /// One passage per document, whatever its length.
    public static let wholeDocument = Chunker(maximumWords: .max, overlapSentences: 0)

    /// A chunker.
    ///
    /// - Precondition: `maximumWords` ≥ 1, `overlapSentences` ≥ 0.
    public init(maximumWords: Int, overlapSentences: Int = 1) {
        precondition(maximumWords >= 1, "passages of \(maximumWords) words hold nothing")
        precondition(overlapSentences >= 0, "an overlap of \(overlapSentences) sentences makes no sense")
        self.maximumWords = maximumWords
        self.overlapSentences = overlapSentences
    }

    /// The passages of a document in order; at least one, also when the text is empty (the title can still be found).
    ///
    /// - Complexity: O(UTF-8 bytes of the text), times the overlap.
    public func passages(of document: Document) -> [Passage] {
        let heading = document.title.isEmpty ? document.headings.last : document.title
        let bytes = Array(document.text.utf8)
        guard maximumWords < .max, WordCounter.count(bytes, 0..<bytes.count) > maximumWords else {
            return [
                Passage(
                    id: document.id, documentID: document.id, ordinal: 0, text: document.text,
                    utf8Range: 0..<bytes.count,
                    heading: heading)
            ]
        }
        let ranges = packed(pieces(of: document.text, bytes))
        return ranges.enumerated().map { ordinal, range in
            Passage(
                id: ranges.count == 1 ? document.id : "\(document.id)#\(ordinal)", documentID: document.id,
                ordinal: ordinal, text: String(decoding: bytes[range], as: UTF8.self), utf8Range: range,
                heading: heading)
        }
    }

    private struct Piece {
        var range: Range<Int>
        var words: Int
    }

    /// Sentences, long ones cut to the limit.
    private func pieces(of text: String, _ bytes: [UInt8]) -> [Piece] {
        SentenceSplitter.sentences(of: text).flatMap { sentence in
            let words = WordCounter.count(bytes, sentence)
            guard words > maximumWords else { return [Piece(range: sentence, words: words)] }
            return WordCounter.split(bytes, sentence, every: maximumWords).map {
                Piece(range: $0, words: WordCounter.count(bytes, $0))
            }
        }
    }

    /// As many pieces as fit into each passage; the next one starts some pieces before the end of the last.
    private func packed(_ pieces: [Piece]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var first = 0
        while first < pieces.count {
            var end = first
            var words = 0
            while end < pieces.count, end == first || words + pieces[end].words <= maximumWords {
                words += pieces[end].words
                end += 1
            }
            ranges.append(pieces[first].range.lowerBound..<pieces[end - 1].range.upperBound)
            guard end < pieces.count else { break }
            first = overlapStart(pieces, first: first, end: end)
        }
        return ranges
    }

    /// Where the next passage begins: as far back as asked, but so that the new piece `end` still fits.
    private func overlapStart(_ pieces: [Piece], first: Int, end: Int) -> Int {
        var start = end
        var words = pieces[end].words
        while start - 1 > first, end - start < overlapSentences, words + pieces[start - 1].words <= maximumWords {
            start -= 1
            words += pieces[start].words
        }
        return start
    }
}

/// Counts words as `Chunker.maximumWords` describes it.
enum WordCounter {
    /// The number of words in `bytes[range]`.
    static func count(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        var count = 0
        forEachWordStart(bytes, range) { _ in count += 1 }
        return count
    }

    /// `range` cut before every `size`-th word, trimmed.
    static func split(_ bytes: [UInt8], _ range: Range<Int>, every size: Int) -> [Range<Int>] {
        var starts: [Int] = []
        var count = 0
        forEachWordStart(bytes, range) { position in
            if count % size == 0 { starts.append(position) }
            count += 1
        }
        return starts.indices.map { index in
            var end = index + 1 < starts.count ? starts[index + 1] : range.upperBound
            while end > starts[index], bytes[end - 1] <= 0x20 { end -= 1 }
            return starts[index]..<end
        }
    }

    /// Calls `body` with the position of each word. Characters of scripts without spaces each start a word, and one
    /// that follows them does too.
    private static func forEachWordStart(_ bytes: [UInt8], _ range: Range<Int>, _ body: (Int) -> Void) {
        var position = range.lowerBound
        var isInWord = false
        while position < range.upperBound {
            let start = position
            if bytes[start] < 0x80 {
                position += 1
                let isSpace = bytes[start] <= 0x20
                if !isSpace && !isInWord { body(start) }
                isInWord = !isSpace
            } else if WordSegmenter.kind(in: bytes, at: &position) == .unspaced {
                body(start)
                isInWord = false
            } else {
                if !isInWord { body(start) }
                isInWord = true
            }
        }
    }
}
