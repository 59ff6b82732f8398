import AttarStorage
import AttarText

/// A passage as it stands in a collection, with what is needed to encode or show it.
public struct StoredPassage: Sendable, Equatable {
    /// Its ordinal in the collection: the row of its vectors when there is one segment.
    public let ordinal: Int
    /// The ordinal of its document.
    public let documentOrdinal: Int
    /// The id of its document.
    public let documentID: String
    /// The title of its document; may be empty.
    public let title: String
    /// The headings above it, outermost first, without the title.
    public let headings: [String]
    /// Where a reader finds the original.
    public let url: String?
    /// Its own text.
    public let text: String
    /// Where it stands in the UTF-8 bytes of the document's text.
    public let utf8Range: Range<Int>

    /// The heading it is shown with: the innermost one, or nil.
    public var heading: String? { headings.last }

    /// What encoders and the word index read: see `PassageText`.
    public var embeddingText: String { PassageText.embedding(headings: headings, title: title, text: text) }

    /// The headings of a document with that of one of its passages below them.
    static func headings(of document: Document, passage: String?) -> [String] {
        guard let passage, !passage.isEmpty, passage != document.title, passage != document.headings.last else {
            return document.headings
        }
        return document.headings + [passage]
    }

    init(_ row: PassageRow, in segment: Segment) {
        ordinal = segment.firstPassage + row.key.ordinal
        documentOrdinal = segment.firstDocument + row.documentOrdinal
        documentID = row.document.id
        title = row.document.title
        headings = Self.headings(of: row.document, passage: row.heading)
        url = row.document.url
        text = row.text
        utf8Range = row.utf8Range
    }
}

extension Collection {
    /// A document by its ordinal.
    ///
    /// - Precondition: `ordinal` is below `documentCount`.
    public func document(at ordinal: Int) throws -> Document {
        let (segment, local) = locate(document: ordinal)
        guard let document = try store.document(RowKey(segment: segment.record.number, ordinal: local)) else {
            throw CollectionError.corrupt(store.path, "document \(ordinal) is missing")
        }
        return document
    }

    /// A document by its id; nil when there is none.
    public func document(id: String) throws -> Document? {
        let live = Set(segments.map(\.record.number))
        guard let key = try store.keys(ofDocument: id).first(where: { live.contains($0.segment) }) else { return nil }
        return try store.document(key)
    }

    /// A passage by its ordinal.
    ///
    /// - Precondition: `ordinal` is below `passageCount`.
    public func passage(at ordinal: Int) throws -> StoredPassage {
        guard let passage = try passages(ordinal..<(ordinal + 1)).first else {
            throw CollectionError.corrupt(store.path, "passage \(ordinal) is missing")
        }
        return passage
    }

    /// The passages with ordinals in a range, in order. All are in memory at once: see `forEachPassageBatch`.
    public func passages(_ range: Range<Int>) throws -> [StoredPassage] {
        precondition(range.lowerBound >= 0 && range.upperBound <= passageCount, "passages \(range) of \(passageCount)")
        var found: [StoredPassage] = []
        found.reserveCapacity(range.count)
        while found.count < range.count {
            found += try batch(from: range.lowerBound + found.count, count: range.count - found.count)
        }
        return found
    }

    /// Calls `body` with all passages in order, some at a time: at most `size`, and about 8 MB of text.
    ///
    /// Memory is bounded by one batch and its longest document.
    public func forEachPassageBatch(size: Int = 512, _ body: ([StoredPassage]) throws -> Void) throws {
        precondition(size > 0, "a batch of \(size) passages")
        var next = 0
        while next < passageCount {
            let passages = try batch(from: next, count: size)
            try body(passages)
            next += passages.count
        }
    }

    /// Calls `body` with each passage in order; memory is bounded as in `forEachPassageBatch`.
    public func forEachPassage(_ body: (StoredPassage) throws -> Void) throws {
        try forEachPassageBatch { try $0.forEach(body) }
    }

    /// At least one passage and at most `count`, from one segment.
    func batch(from start: Int, count: Int) throws -> [StoredPassage] {
        let (segment, ordinal) = locate(passage: start)
        let rows = try store.passages(
            from: RowKey(segment: segment.record.number, ordinal: ordinal), count: count, maximumBytes: 1 << 23)
        for (offset, row) in rows.enumerated() where row.key.ordinal != ordinal + offset {
            throw CollectionError.corrupt(store.path, "passage \(start + offset) is missing")
        }
        guard !rows.isEmpty else { throw CollectionError.corrupt(store.path, "passage \(start) is missing") }
        return rows.map { StoredPassage($0, in: segment) }
    }
}
