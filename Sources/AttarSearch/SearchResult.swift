import AttarEvidence

/// A document that a pipeline found, by its ordinals in the collection.
public struct DocumentHit: Sendable, Equatable {
    /// The document.
    public let document: UInt32
    /// Its best passage, whose score is the document's.
    public let passage: UInt32
    /// The score; higher is better.
    public let score: Double

    /// A hit.
    public init(document: UInt32, passage: UInt32, score: Double) {
        self.document = document
        self.passage = passage
        self.score = score
    }
}

/// The documents that a pipeline found, and what it took.
public struct DocumentHits: Sendable, Equatable {
    /// The best first.
    public var hits: [DocumentHit] = []
    /// How many documents were asked for.
    public var requested: Int
    /// How many vectors and postings of words were scored, in all indexes of the pipeline.
    public var scanned = 0

    /// How many were found: as many as asked for, unless fewer match.
    public var returned: Int { hits.count }
}

/// What a query found, and what it took.
public struct SearchResponse: Sendable, Codable, Equatable {
    /// How many documents were asked for.
    public let requested: Int
    /// How many were found: as many as asked for, unless fewer match.
    public let returned: Int
    /// How many vectors and postings of words were scored, in all indexes of the pipeline.
    public let scanned: Int
    /// How many documents the filter lets through; nil without a filter.
    public let allowed: Int?
    /// The best first.
    public let results: [SearchResult]
}

/// A document that was found, with what is shown of it.
public struct SearchResult: Sendable, Codable, Equatable {
    /// Its place in the list, from 1.
    public let rank: Int
    /// The id of the document.
    public let documentID: String
    /// Its title; may be empty.
    public let title: String
    /// The innermost heading above the passage, if there is one.
    public let heading: String?
    /// Where a reader finds the original.
    public let url: String?
    /// The score; higher is better. Scores of different pipelines or queries cannot be compared.
    public let score: Double
    /// The ordinal of its best passage.
    public let passage: Int
    /// The sentences of that passage that say most about the query.
    public let snippet: String
    /// The words of the query in the passage's text, as it is stored: bytes in UTF-8.
    public let highlights: [ByteRange]
    /// The same in the snippet.
    public let snippetHighlights: [ByteRange]
    /// How the score came about, if it was asked for.
    public let explanation: Explanation?
}

/// What a pipeline returned for many queries, and how long each took.
public struct BatchResult: Sendable {
    /// The documents for each query.
    public let run: Run
    /// The time of each query in nanoseconds, in the order of the queries: analysis or encoding, search, fusion,
    /// without reading texts. Fit for reports only when the batch ran on one thread.
    public let nanoseconds: [UInt64]
}
