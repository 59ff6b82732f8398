import AttarModels
import AttarTensor
import AttarText

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
/// LEAF (Vujanic & Rueckstiess 2025) trains on document-like and query-like texts, and on a vocabulary set of single
/// terms, because a student that has seen only passages is poor on three-word queries. Here the query-like ones are
/// titles, keyphrases, spans, bags of telling words, these with words of the teacher's vocabulary strewn in, and
/// questions made of them.
public struct TrainingTexts: Sendable {
    /// The texts to train on, all different, in random order.
    public let training: [TrainingText]
    /// Texts kept apart, to decide when to stop: the same mixture, none of them in `training`.
    public let heldOut: [TrainingText]

    /// Draws texts from a corpus.
    ///
    /// - Parameters:
    ///   - vocabulary: whole words of the teacher's vocabulary, the common ones first.
    ///   - openings: how questions begin; without any, no questions are made.
    ///   - heldOutShare: the share of texts kept apart, at most `heldOutLimit` of them.
    /// - Throws: `DistillError.tooFewTexts` when fewer than 8 different texts are found.
    /// - Complexity: O(characters of the corpus).
    public init(
        corpus: [CorpusPassage], vocabulary: [String], openings: [String] = [], mixture: TextMixture,
        heldOutShare: Double = 0.05, heldOutLimit: Int = 512, seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var queries = QueryLikeTexts(corpus: corpus, vocabulary: vocabulary, openings: openings)
        var seen: Set<String> = []
        var drawn: [TrainingText] = []
        for kind in TrainingText.Kind.allCases {
            let limit = mixture.limit(of: kind)
            let candidates = limit == 0
                ? [] : Self.candidates(kind, corpus, limit, &queries, &generator)
            var taken = 0
            for text in candidates where taken < limit && !text.isEmpty && seen.insert(text).inserted {
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

    /// Texts of one kind in random order, some more than wanted because some will be alike.
    private static func candidates(
        _ kind: TrainingText.Kind, _ corpus: [CorpusPassage], _ limit: Int, _ queries: inout QueryLikeTexts,
        _ generator: inout SeededGenerator
    ) -> [String] {
        switch kind {
        case .passage: corpus.map(\.encodedText).shuffled(using: &generator)
        case .sentence: corpus.flatMap { sentences(of: $0.text) }.shuffled(using: &generator)
        case .title: corpus.flatMap { [$0.title, $0.heading ?? ""] }.shuffled(using: &generator)
        case .keyphrase: keyphrases(of: corpus, limit: limit).shuffled(using: &generator)
        case .span, .bag, .mixed, .vocabulary, .question:
            (0..<(limit + limit / 4)).map { _ in queries.draw(kind, &generator) }
        }
    }

    private static func sentences(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        return SentenceSplitter.sentences(of: text).compactMap { range in
            range.count >= 12 ? String(decoding: bytes[range], as: UTF8.self) : nil
        }
    }

    /// The most telling phrases of each passage, at least twice as many in all as are wanted, where there are so many.
    private static func keyphrases(of corpus: [CorpusPassage], limit: Int) -> [String] {
        let documents = corpus.map { passage in
            Document(id: "", title: passage.title, text: passage.text, headings: [passage.heading].compactMap { $0 })
        }
        var extractor = KeyphraseExtractor()
        for document in documents { extractor.add(document) }
        let each = min(20, max(3, 2 * limit / max(1, corpus.count)))
        return documents.flatMap { extractor.phrases(of: $0, count: each).map(\.text) }
    }
}
