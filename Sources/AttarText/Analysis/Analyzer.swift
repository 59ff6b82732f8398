import Foundation

/// Turns text into the terms of an inverted index: words, lowercased, without stop words, as stems.
///
/// ```swift
/// Analyzer.english.terms("The cat's 3.5 houses")     // ["cat", "3.5", "hous"]
/// ```
/// What a word is, and how scripts without spaces are cut, is written at `WordSegmenter`. The steps per word, in order:
/// English possessive `'s` off; lowercase and compatibility forms (full width, ligatures) unified; stop words out;
/// Snowball stem; accents folded if asked. Documents and queries must go through equal configurations.
public struct Analyzer: Sendable {
    /// What decides which terms come out; stored with an index, so that queries are analysed like its documents.
    public struct Configuration: Codable, Hashable, Sendable {
        /// ISO 639-1 code, or `none` for words as they are (lowercased).
        public var language: String
        /// Words that are left out, lowercased; nil means the language's own list (see `StopWords`).
        public var stopWords: [String]?
        /// Whether words become Snowball stems, where the language has a stemmer.
        public var stems: Bool
        /// Whether accents are taken off the stems (`café` and `cafe` meet).
        public var foldsAccents: Bool

        /// English with the standard list and stems, unless said otherwise.
        public init(language: String = "en", stopWords: [String]? = nil, stems: Bool = true, foldsAccents: Bool = false)
        {
            self.language = language
            self.stopWords = stopWords
            self.stems = stems
            self.foldsAccents = foldsAccents
        }
    }

    /// A term and where it stood.
    public struct Token: Sendable, Hashable {
        /// What is looked up in the index.
        public var term: String
        /// The word's place in the UTF-8 bytes of the text, for highlighting.
        public var utf8Range: Range<Int>
        /// The number of words before it, stop words included.
        public var position: Int
    }

    /// English: Lucene's 33 stop words, Snowball stems.
    public static let english = Analyzer(checked: Configuration())

    /// What decides which terms come out.
    public let configuration: Configuration
    private let stopWords: Set<String>
    private let segmenter: WordSegmenter
    private let normalizer: TermNormalizer
    private let stemmers: StemmerPool?

    /// An analyzer for a configuration.
    ///
    /// - Throws: `TextError.unsupported` for a language that Attar does not know.
    public init(_ configuration: Configuration) throws {
        guard Language.isKnown(configuration.language) else {
            throw TextError(
                .unsupported, problem: "The language \"\(configuration.language)\" is not known to the analyzer.",
                mend: "Use one of \(Language.codes.joined(separator: ", ")), or none.")
        }
        self.init(checked: configuration)
    }

    /// An analyzer for a language by ISO 639-1 code, with its standard settings.
    public init(language: String) throws {
        try self.init(Configuration(language: language))
    }

    private init(checked configuration: Configuration) {
        self.configuration = configuration
        let language = configuration.language
        stopWords = Set(configuration.stopWords ?? StopWords.standard(for: language))
        segmenter = WordSegmenter(joinsApostrophes: language == "en")
        normalizer = TermNormalizer(isTurkish: language == "tr", stripsPossessive: language == "en")
        stemmers = configuration.stems ? Language.stemmer(for: language).map { StemmerPool(algorithm: $0) } : nil
    }

    /// The terms of a text in order, repetitions included.
    ///
    /// - Complexity: O(UTF-8 bytes of `text`).
    public func terms(_ text: String) -> [String] {
        var terms: [String] = []
        forEachToken(of: text) { terms.append($0.term) }
        return terms
    }

    /// The terms of a text with their places.
    public func tokens(_ text: String) -> [Token] {
        var tokens: [Token] = []
        forEachToken(of: text) { tokens.append($0) }
        return tokens
    }

    /// Calls `body` with each term of a text in order.
    public func forEachToken(of text: String, _ body: (Token) -> Void) {
        let bytes = Array(text.utf8)
        let stemmer = stemmers?.take()
        var position = 0
        var word: [UInt8] = []
        segmenter.forEachWord(in: bytes) { range, isASCII in
            defer { position += 1 }
            let term =
                isASCII
                ? normalizer.asciiTerm(bytes, range, &word) : normalizer.term(bytes, range)
            guard !term.isEmpty, !stopWords.contains(term) else { return }
            var result = stemmer?.stem(term) ?? term
            if configuration.foldsAccents && !isASCII { result = AccentFolding.fold(result) }
            body(Token(term: result, utf8Range: range, position: position))
        }
        if let stemmer { stemmers?.giveBack(stemmer) }
    }
}
