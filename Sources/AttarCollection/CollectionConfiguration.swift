import AttarText

/// How documents are cut into passages.
public enum Chunking: Codable, Sendable, Equatable {
    /// Each document is one passage: for corpora that come in pieces of the right size, as BEIR's do.
    case whole
    /// Sentences are gathered up to a number of words; the last `overlap` sentences begin the next passage.
    case sentences(maximumWords: Int, overlap: Int)

    /// Passages of about the length that encoders read whole.
    public static let standard = Chunking.sentences(maximumWords: 180, overlap: 1)

    /// Whether the numbers make sense; a chunker stops the program otherwise.
    var isValid: Bool {
        switch self {
        case .whole: true
        case .sentences(let maximumWords, let overlap): maximumWords >= 1 && overlap >= 0
        }
    }

    /// The passages of a document, in order.
    ///
    /// - Returns: at least one passage, unless the document has no text and no title.
    public func passages(of document: Document) -> [Passage] {
        switch self {
        case .whole:
            [
                Passage(
                    id: document.id, documentID: document.id, ordinal: 0, text: document.text,
                    utf8Range: 0..<document.text.utf8.count)
            ]
        case .sentences(let maximumWords, let overlap):
            Chunker(maximumWords: maximumWords, overlapSentences: overlap).passages(of: document)
        }
    }
}

/// What is decided once, when a collection is made.
public struct CollectionConfiguration: Codable, Sendable, Equatable {
    /// How documents are cut.
    public var chunking: Chunking
    /// How texts and queries become terms of the word index.
    public var analyzer: Analyzer.Configuration

    /// Whether word indexes say where words stand, which phrases need.
    public var positions: Bool

    /// A configuration.
    public init(chunking: Chunking = .whole, analyzer: Analyzer.Configuration = .init(), positions: Bool = true) {
        self.chunking = chunking
        self.analyzer = analyzer
        self.positions = positions
    }

    /// Reads a configuration; one of before positions were kept keeps none, so that all segments are alike.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        chunking = try container.decode(Chunking.self, forKey: .chunking)
        analyzer = try container.decode(Analyzer.Configuration.self, forKey: .analyzer)
        positions = try container.decodeIfPresent(Bool.self, forKey: .positions) ?? false
    }
}
