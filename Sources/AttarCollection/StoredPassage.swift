import AttarIndex
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
        let numbered = Dictionary(uniqueKeysWithValues: segments.map { ($0.record.number, $0) })
        let key = try store.keys(ofDocument: id).first { key in
            guard let segment = numbered[key.segment] else { return false }
            return !(segment.deleted?.contains(UInt32(key.ordinal)) ?? false)
        }
        return try key.flatMap(store.document)
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

    /// The passages with ordinals in a range, in order, without those of deleted documents. All are in memory at once:
    /// see `forEachPassageBatch`.
    public func passages(_ range: Range<Int>) throws -> [StoredPassage] {
        precondition(range.lowerBound >= 0 && range.upperBound <= passageCount, "passages \(range) of \(passageCount)")
        var found: [StoredPassage] = []
        found.reserveCapacity(range.count)
        var next = range.lowerBound
        while next < range.upperBound {
            let batch = try batch(from: next, count: range.upperBound - next)
            found += batch.passages
            next = batch.next
        }
        return found
    }

    /// Calls `body` with all passages of documents that are not deleted in order, some at a time: at most `size`, and
    /// about 8 MB of text.
    ///
    /// Memory is bounded by one batch and its longest document.
    public func forEachPassageBatch(size: Int = 512, _ body: ([StoredPassage]) throws -> Void) throws {
        precondition(size > 0, "a batch of \(size) passages")
        var next = 0
        while next < passageCount {
            let batch = try batch(from: next, count: size)
            if !batch.passages.isEmpty { try body(batch.passages) }
            next = batch.next
        }
    }

    /// Calls `body` with each passage in order; memory is bounded as in `forEachPassageBatch`.
    public func forEachPassage(_ body: (StoredPassage) throws -> Void) throws {
        try forEachPassageBatch { try $0.forEach(body) }
    }

    /// Passages of documents that are not deleted, from one segment: those with at most `count` ordinals from `start`.
    ///
    /// - Returns: the passages, which may be none, and the ordinal behind the last one that was looked at.
    func batch(from start: Int, count: Int) throws -> (passages: [StoredPassage], next: Int) {
        let (segment, first) = locate(passage: start)
        let rows = try store.passages(
            from: RowKey(segment: segment.record.number, ordinal: first), count: count, maximumBytes: 1 << 23)
        let last = rows.last?.key.ordinal ?? segment.record.passageCount - 1
        guard last < segment.record.passageCount else {
            throw CollectionError.corrupt(store.path, "passage \(segment.firstPassage + last) is not in the manifest")
        }
        var found: [StoredPassage] = []
        found.reserveCapacity(rows.count)
        var place = 0
        // Rows of deleted documents may be there or not.
        for ordinal in first...last where segment.live?.contains(UInt32(ordinal)) ?? true {
            while place < rows.count, rows[place].key.ordinal < ordinal { place += 1 }
            guard place < rows.count, rows[place].key.ordinal == ordinal else {
                throw CollectionError.corrupt(
                    store.path, "passage \(segment.firstPassage + ordinal) is missing")
            }
            found.append(StoredPassage(rows[place], in: segment))
        }
        return (found, segment.firstPassage + last + 1)
    }

    /// Every so many passages of documents that are not deleted, by their ordinals.
    ///
    /// - Precondition: `step` is above 0.
    public func passageOrdinals(every step: Int) -> [Int] {
        precondition(step > 0, "every \(step) passages")
        var ordinals: [Int] = []
        var count = 0
        for segment in segments {
            for ordinal in 0..<segment.record.passageCount where segment.live?.contains(UInt32(ordinal)) ?? true {
                if count % step == 0 { ordinals.append(segment.firstPassage + ordinal) }
                count += 1
            }
        }
        return ordinals
    }
}
