import AttarText

/// Finds out how a collection cuts and analyses texts, by doing it with some of its documents and comparing.
struct ConfigurationGuess {
    /// A document, how it was cut, and the words of its passages that the index has.
    struct Sample {
        let document: Document
        let passages: [PassageRecord]
        /// For each passage, the number of its words in the index.
        let lengths: [Int]
        /// Whether a word is in the index.
        let hasTerm: (String) -> Bool
    }

    let samples: [Sample]
    private(set) var guesses: [String] = []

    init(_ samples: [Sample]) { self.samples = samples }

    /// The configuration that explains what is there.
    ///
    /// - Parameters:
    ///   - known: what a damaged manifest says; it is taken when it explains the samples.
    ///   - positions: whether the word indexes say where words stand.
    mutating func configuration(_ known: CollectionConfiguration?, positions: Bool) -> CollectionConfiguration {
        if let known, known.positions == positions, explains(known.chunking), explains(known.analyzer) {
            return known
        }
        return CollectionConfiguration(chunking: chunking(), analyzer: analyzer(), positions: positions)
    }

    // -------------------------------------------------------------------------------------------------------- cutting

    private mutating func chunking() -> Chunking {
        let words = samples.flatMap { sample in
            sample.passages.map { Self.wordCount(of: sample.document.text, $0.start..<$0.end) }
        }
        let largest = max(words.max() ?? 1, 1)
        var candidates = [Chunking.whole, .standard]
        for maximum in largest..<(largest + 64) {
            candidates += (0...3).map { .sentences(maximumWords: maximum, overlap: $0) }
        }
        let fitting = candidates.filter(explains)
        guard let first = fitting.first else {
            guesses.append(
                "How documents are cut into passages could not be found out; new ones are cut as \(Self.name(.standard)).")
            return .standard
        }
        guesses.append(
            "Documents are cut as \(Self.name(first)), which fits all of \(samples.count) that were looked at"
                + (fitting.count > 1 ? ", as do \(fitting.count - 1) other ways." : "."))
        return first
    }

    private static func name(_ chunking: Chunking) -> String {
        switch chunking {
        case .whole: "whole"
        case .sentences(let words, let overlap): "sentences of up to \(words) words, \(overlap) of them said again"
        }
    }

    private static func wordCount(of text: String, _ range: Range<Int>) -> Int {
        text.utf8.dropFirst(range.lowerBound).prefix(range.count).split(whereSeparator: { $0 <= 0x20 }).count
    }

    private func explains(_ chunking: Chunking) -> Bool {
        samples.allSatisfy { sample in
            var passages = chunking.passages(of: sample.document)
            if passages.isEmpty { passages = Chunking.whole.passages(of: sample.document) }
            return passages.count == sample.passages.count
                && zip(passages, sample.passages).allSatisfy {
                    $0.utf8Range == $1.start..<$1.end && $0.heading == $1.heading
                }
        }
    }

    // ------------------------------------------------------------------------------------------------------- analysing

    private mutating func analyzer() -> Analyzer.Configuration {
        var candidates: [Analyzer.Configuration] = []
        for language in ["en", "none"] + Language.codes where language != "en" || candidates.isEmpty {
            for (stems, stopWords) in [(true, nil), (false, nil), (true, []), (false, [])] as [(Bool, [String]?)] {
                candidates += [false, true].map {
                    Analyzer.Configuration(language: language, stopWords: stopWords, stems: stems, foldsAccents: $0)
                }
            }
        }
        let fitting = candidates.filter(explains)
        guard let first = fitting.first else {
            guesses.append(
                "How words were analysed could not be found out; English is taken. Searches may miss words: to be sure, "
                    + "ingest the documents into a new collection.")
            return Analyzer.Configuration()
        }
        guesses.append(
            "Words are analysed as \"\(first.language)\"" + (first.stems ? "" : ", without stems")
                + (first.stopWords == nil ? "" : ", without stop words") + (first.foldsAccents ? ", accents folded" : "")
                + ", which gives the words of the index in all of \(samples.count) documents that were looked at"
                + (fitting.count > 1 ? ", as do \(fitting.count - 1) other ways." : "."))
        return first
    }

    private func explains(_ configuration: Analyzer.Configuration) -> Bool {
        guard let analyzer = try? Analyzer(configuration) else { return false }
        return samples.allSatisfy { sample in
            zip(sample.passages, sample.lengths).allSatisfy { passage, length in
                let text = String(
                    decoding: sample.document.text.utf8.dropFirst(passage.start).prefix(passage.end - passage.start),
                    as: UTF8.self)
                let headings = StoredPassage.headings(of: sample.document, passage: passage.heading)
                let terms = PassageText.parts(headings: headings, title: sample.document.title, text: text)
                    .flatMap { analyzer.terms($0) }
                return terms.count == length && terms.allSatisfy(sample.hasTerm)
            }
        }
    }
}
