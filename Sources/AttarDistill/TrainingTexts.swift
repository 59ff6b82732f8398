import AttarModels
import AttarTensor
import AttarText

/// One text that the teacher is asked about, in the role it will play in search.
public struct TrainingText: Hashable, Sendable {
    /// Where a training text comes from.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A whole passage.
        case passage
        /// One sentence of a passage.
        case sentence
        /// A title or a heading.
        case title
        /// A phrase that stands for what a passage is about.
        case keyphrase
        /// A few words in a row out of a sentence, as long as a query.
        case span
    }

    /// The text.
    public let text: String
    /// Where it comes from.
    public let kind: Kind

    /// The role the encoders see it in: what is as short as a query is encoded as one.
    public var role: TextRole {
        switch kind {
        case .passage, .sentence: .passage
        case .title, .keyphrase, .span: .query
        }
    }
}

/// How many texts of each kind to take, at most.
public struct TextMixture: Codable, Sendable, Equatable {
    /// Whole passages.
    public var passages: Int
    /// Sentences.
    public var sentences: Int
    /// Titles and headings.
    public var titles: Int
    /// Keyphrases.
    public var keyphrases: Int
    /// Spans of 2 to 10 words.
    public var spans: Int

    /// A mixture.
    public init(passages: Int, sentences: Int, titles: Int, keyphrases: Int, spans: Int) {
        self.passages = passages
        self.sentences = sentences
        self.titles = titles
        self.keyphrases = keyphrases
        self.spans = spans
    }

    func limit(of kind: TrainingText.Kind) -> Int {
        switch kind {
        case .passage: passages
        case .sentence: sentences
        case .title: titles
        case .keyphrase: keyphrases
        case .span: spans
        }
    }
}

/// A passage as training sees it.
public struct CorpusPassage: Sendable {
    /// The title of its document; may be empty.
    public let title: String
    /// Its heading, where it has one that is not the title.
    public let heading: String?
    /// Its own text.
    public let text: String
    /// The text that search encodes for it.
    public let encodedText: String

    /// A passage.
    public init(title: String, heading: String?, text: String, encodedText: String) {
        self.title = title
        self.heading = heading
        self.text = text
        self.encodedText = encodedText
    }
}

/// The unlabelled texts that a student learns from, drawn from the user's own corpus.
///
/// LEAF (Vujanic & Rueckstiess 2025) trains on both document-like and query-like texts, because a student that has seen
/// only passages is poor on three-word queries. Here the query-like ones are titles, headings, keyphrases and spans.
public struct TrainingTexts: Sendable {
    /// The texts to train on, all different, in random order.
    public let training: [TrainingText]
    /// Texts kept apart, to decide when to stop: the same mixture, none of them in `training`.
    public let heldOut: [TrainingText]

    /// Draws texts from a corpus.
    ///
    /// - Parameters:
    ///   - heldOutShare: the share of texts kept apart, at most `heldOutLimit` of them.
    /// - Throws: `DistillError.tooFewTexts` when fewer than 8 different texts are found.
    /// - Complexity: O(characters of the corpus).
    public init(
        corpus: [CorpusPassage], mixture: TextMixture, heldOutShare: Double = 0.05, heldOutLimit: Int = 512,
        seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let candidates = Self.candidates(in: corpus, mixture, &generator)
        var seen: Set<String> = []
        var drawn: [TrainingText] = []
        for kind in TrainingText.Kind.allCases {
            let limit = mixture.limit(of: kind)
            var taken = 0
            for text in candidates[kind, default: []].shuffled(using: &generator) where taken < limit {
                guard seen.insert(text).inserted else { continue }
                drawn.append(TrainingText(text: text, kind: kind))
                taken += 1
            }
        }
        guard drawn.count >= 8 else { throw DistillError.tooFewTexts(found: drawn.count, needed: 8) }
        drawn.shuffle(using: &generator)
        let held = min(heldOutLimit, max(1, Int(Double(drawn.count) * heldOutShare)))
        heldOut = Array(drawn.prefix(held))
        training = Array(drawn.dropFirst(held))
    }

    private static func candidates(
        in corpus: [CorpusPassage], _ mixture: TextMixture, _ generator: inout SeededGenerator
    ) -> [TrainingText.Kind: [String]] {
        var found: [TrainingText.Kind: [String]] = [:]
        for passage in corpus {
            found[.passage, default: []].append(passage.encodedText)
            found[.title, default: []] += [passage.title, passage.heading ?? ""].filter { !$0.isEmpty }
            let sentences = Self.sentences(of: passage.text)
            found[.sentence, default: []] += sentences
            for sentence in sentences {
                if let span = Self.span(of: sentence, &generator) { found[.span, default: []].append(span) }
            }
        }
        found[.keyphrase] = mixture.keyphrases == 0 ? [] : keyphrases(of: corpus, limit: mixture.keyphrases)
        return found
    }

    private static func sentences(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        return SentenceSplitter.sentences(of: text).compactMap { range in
            let sentence = String(decoding: bytes[range], as: UTF8.self)
            return sentence.utf8.count >= 12 ? sentence : nil
        }
    }

    /// 2 to 10 words in a row, drawn uniformly; nil when the sentence has fewer than 4.
    private static func span(of sentence: String, _ generator: inout SeededGenerator) -> String? {
        let words = sentence.split(whereSeparator: \.isWhitespace)
        guard words.count >= 4 else { return nil }
        let length = Int.random(in: 2...min(10, words.count - 1), using: &generator)
        let start = Int.random(in: 0...(words.count - length), using: &generator)
        return words[start..<(start + length)].joined(separator: " ")
    }
}
