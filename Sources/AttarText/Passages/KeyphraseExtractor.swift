import Foundation

/// Finds what a text is about, as short phrases: training texts that look like queries, without any labels.
///
/// Candidates are runs of words between stop words and punctuation (as in RAKE, Rose et al. 2010), up to four words;
/// longer runs give all their four-word windows. Code identifiers such as `readCSVFile` and `read_csv_file` are split
/// into their words, because people search for "read csv file". A candidate's score is
/// `(1 + ln f) · Σ idf(word) / √n`, where `f` counts it in the text (three times in the title, twice in headings), and
/// `n` is its number of words: rare words count, long phrases are not favoured for their length alone.
public struct KeyphraseExtractor: Sendable {
    /// In how many texts of the corpus each word occurs.
    public struct Statistics: Sendable, Equatable {
        /// The number of texts.
        public var texts = 0
        /// The number of texts with each word.
        public var frequencies: [String: Int] = [:]

        /// No texts yet.
        public init() {}
    }

    /// A phrase and how much it says.
    public struct Keyphrase: Sendable, Hashable {
        /// Lowercased words with single spaces between them.
        public var text: String
        /// Higher is more telling; comparable inside one text.
        public var score: Double
    }

    /// The most words of a phrase.
    public let maximumWords: Int
    /// What is known of the corpus.
    public private(set) var statistics = Statistics()
    private let stopWords: Set<String>

    /// An extractor that knows no corpus yet: then every word counts the same.
    ///
    /// - Precondition: `maximumWords` ≥ 1.
    public init(language: String = "en", maximumWords: Int = 4) {
        precondition(maximumWords >= 1, "phrases of \(maximumWords) words hold nothing")
        self.maximumWords = maximumWords
        stopWords = Set(StopWords.standard(for: language)).union(language == "en" ? Self.englishFillers : [])
    }

    /// Words that Lucene's short list keeps, but that begin or end no good phrase.
    private static let englishFillers: Set<String> = [
        "about", "all", "also", "am", "any", "been", "can", "could", "did", "do", "does", "each", "from", "had", "has",
        "have",
        "he", "her", "his", "how", "i", "its", "may", "me", "might", "more", "most", "must", "my", "one", "only",
        "other",
        "our", "own", "she", "should", "so", "some", "than", "them", "those", "too", "us", "very", "we", "were", "what",
        "when", "where", "which", "while", "who", "whom", "why", "would", "you", "your",
    ]

    /// Counts the words of one text of the corpus.
    ///
    /// - Complexity: O(words).
    public mutating func add(_ document: Document) {
        statistics.texts += 1
        var words: Set<String> = []
        for field in [document.title, document.text] {
            for run in PhraseRuns.runs(of: field, stopWords: stopWords) { words.formUnion(run) }
        }
        for word in words { statistics.frequencies[word, default: 0] += 1 }
    }

    /// The best phrases of a document: score descending, then text ascending.
    ///
    /// - Complexity: O(words · maximumWords).
    public func phrases(of document: Document, count: Int = 10) -> [Keyphrase] {
        var frequencies: [[String]: Int] = [:]
        collect(document.title, weight: 3, &frequencies)
        for heading in document.headings { collect(heading, weight: 2, &frequencies) }
        collect(document.text, weight: 1, &frequencies)
        var phrases = frequencies.map { words, frequency in
            Keyphrase(text: words.joined(separator: " "), score: score(words, frequency: frequency))
        }
        phrases.sort { $0.score != $1.score ? $0.score > $1.score : $0.text < $1.text }
        return distinct(phrases, count: count)
    }

    /// The inverse document frequency of a word, as BM25 has it: never negative.
    func inverseFrequency(_ word: String) -> Double {
        let (texts, containing) = (Double(statistics.texts), Double(statistics.frequencies[word] ?? 0))
        return log(1 + (max(texts, containing) - containing + 0.5) / (containing + 0.5))
    }

    private func score(_ words: [String], frequency: Int) -> Double {
        let weight = words.reduce(0) { $0 + inverseFrequency($1) }
        return (1 + log(Double(frequency))) * weight / Double(words.count).squareRoot()
    }

    private func collect(_ text: String, weight: Int, _ frequencies: inout [[String]: Int]) {
        for run in PhraseRuns.runs(of: text, stopWords: stopWords) {
            let length = min(run.count, maximumWords)
            for start in 0...(run.count - length) {
                let words = Array(run[start..<start + length])
                if words.count > 1 || words[0].utf8.count > 2 { frequencies[words, default: 0] += weight }
            }
        }
    }

    /// Of windows of one long run, only those that share less than half of their words with a better one.
    private func distinct(_ phrases: [Keyphrase], count: Int) -> [Keyphrase] {
        var kept: [Keyphrase] = []
        var keptWords: [Set<Substring>] = []
        for phrase in phrases where kept.count < count {
            let words = Set(phrase.text.split(separator: " "))
            if keptWords.contains(where: { $0.intersection(words).count * 2 > words.count }) { continue }
            kept.append(phrase)
            keptWords.append(words)
        }
        return kept
    }
}

/// Runs of words that no stop word and no punctuation interrupts. Text without spaces gives its clauses as words,
/// unless they are longer than anything that people search for.
enum PhraseRuns {
    private static let maximumWordBytes = 60
    private static let segmenter = WordSegmenter(joinsApostrophes: true, pairsUnspaced: false)
    private static let normalizer = TermNormalizer(isTurkish: false, stripsPossessive: true)

    /// The runs of a text, words lowercased, identifiers split; numbers alone make no run.
    static func runs(of text: String, stopWords: Set<String>) -> [[String]] {
        let bytes = Array(text.utf8)
        var runs: [[String]] = []
        var run: [String] = []
        var end = 0
        var scratch: [UInt8] = []
        func close() {
            if run.contains(where: { $0.utf8.contains { $0 | 0x20 >= 0x61 } }) { runs.append(run) }
            run.removeAll()
        }
        segmenter.forEachWord(in: bytes) { range, isASCII in
            if !joins(bytes, end..<range.lowerBound) { close() }
            end = range.upperBound
            for part in isASCII ? identifierParts(bytes, range) : [range] {
                let word = isASCII ? normalizer.asciiTerm(bytes, part, &scratch) : normalizer.term(bytes, part)
                if stopWords.contains(word) || !(1...maximumWordBytes ~= word.utf8.count) {
                    close()
                } else {
                    run.append(word)
                }
            }
        }
        close()
        return runs
    }

    /// Whether what stands between two words keeps them together: one space, a hyphen, underscores.
    private static func joins(_ bytes: [UInt8], _ gap: Range<Int>) -> Bool {
        if gap.isEmpty { return true }
        let isUnderscores = bytes[gap].allSatisfy { $0 == UInt8(ascii: "_") }
        let isSingle = gap.count == 1 && (bytes[gap.lowerBound] == 0x20 || bytes[gap.lowerBound] == UInt8(ascii: "-"))
        return isUnderscores || isSingle
    }

    /// `readCSVFile` into `read`, `CSV`, `File`: before a capital that follows a lowercase letter or a digit, and
    /// before the last capital of a run when a lowercase letter follows.
    static func identifierParts(_ bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        func isUpper(_ index: Int) -> Bool { 0x41...0x5A ~= bytes[index] }
        func isLower(_ index: Int) -> Bool { 0x61...0x7A ~= bytes[index] }
        var parts: [Range<Int>] = []
        var start = range.lowerBound
        for index in range.dropFirst() where isUpper(index) {
            let followsSmall = !isUpper(index - 1) && bytes[index - 1] != UInt8(ascii: "'")
            let leadsSmall = isUpper(index - 1) && index + 1 < range.upperBound && isLower(index + 1)
            if followsSmall || leadsSmall {
                parts.append(start..<index)
                start = index
            }
        }
        return parts + [start..<range.upperBound]
    }
}
