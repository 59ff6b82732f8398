import AttarIndex
import AttarStorage
import AttarText
import Synchronization

/// What of a collection a search may find.
public struct Selection: Sendable, Equatable {
    /// For each segment the documents, by their ordinals in it.
    public let documents: [OrdinalSet]
    /// For each segment the passages of these documents, by their ordinals in it.
    public let passages: [OrdinalSet]
    /// How many documents.
    public let documentCount: Int
    /// How many passages.
    public let passageCount: Int
    /// Whether no filter chose: all documents are in it that are not deleted.
    public let isEverything: Bool

    /// The passages for each segment; nil when these are all of the documents that are not deleted.
    public var chosenPassages: [OrdinalSet]? { isEverything ? nil : passages }

    /// The documents that are not deleted; nil when none is.
    init?(live segments: [Segment]) {
        guard segments.contains(where: { $0.deleted != nil }) else { return nil }
        self.init(
            documents: segments.map {
                $0.deleted?.complement ?? OrdinalSet(capacity: $0.record.documentCount, full: true)
            },
            passages: segments.map { $0.live ?? OrdinalSet(capacity: $0.record.passageCount, full: true) },
            isEverything: true)
    }

    init(documents: [OrdinalSet], passages: [OrdinalSet], isEverything: Bool = false) {
        self.isEverything = isEverything
        self.documents = documents
        self.passages = passages
        documentCount = documents.reduce(0) { $0 + $1.count }
        passageCount = passages.reduce(0) { $0 + $1.count }
    }
}

/// The selections that filters made lately, for one snapshot.
final class SelectionCache: Sendable {
    /// A selection takes a bit for each document and each passage.
    private static let capacity = 64
    private let kept = Mutex<(order: [MetadataFilter], selections: [MetadataFilter: Selection])>(([], [:]))

    subscript(filter: MetadataFilter) -> Selection? { kept.withLock { $0.selections[filter] } }

    func keep(_ selection: Selection, of filter: MetadataFilter) {
        kept.withLock { kept in
            if kept.selections.updateValue(selection, forKey: filter) == nil { kept.order.append(filter) }
            if kept.order.count > Self.capacity { kept.selections[kept.order.removeFirst()] = nil }
        }
    }
}

extension Collection {
    /// The documents and passages that a filter lets through; deleted ones are not among them.
    ///
    /// Made once a filter and snapshot: the last ones are kept.
    ///
    /// - Throws: `StorageError.corrupt`, `CollectionError`.
    /// - Complexity: O(documents that meet a condition + passages / 64), and O(passages) where documents have several;
    ///   for segments of collections that were made before metadata was indexed, O(documents) rows of the database.
    public func selection(_ filter: MetadataFilter) throws -> Selection {
        if let known = selections[filter] { return known }
        let documents = try segments.map { segment in
            var found = try FilterEvaluation(segment: segment, store: store).documents(filter)
            if let deleted = segment.deleted { found.formIntersection(deleted.complement) }
            return found
        }
        let passages = zip(segments, documents).map { $0.passages(of: $1) }
        let selection = Selection(documents: documents, passages: passages)
        selections.keep(selection, of: filter)
        return selection
    }
}

extension Segment {
    /// The passages of some documents.
    func passages(of documents: OrdinalSet) -> OrdinalSet {
        if record.passageCount == record.documentCount {
            return OrdinalSet(capacity: record.passageCount, words: documents.words)
        }
        var passages = OrdinalSet(capacity: record.passageCount)
        for passage in 0..<record.passageCount where documents.contains(UInt32(map.document(ofPassage: passage))) {
            passages.insert(UInt32(passage))
        }
        return passages
    }
}

/// A filter over the documents of one segment.
struct FilterEvaluation {
    let segment: Segment
    let store: DocumentStore

    private var empty: OrdinalSet { OrdinalSet(capacity: segment.record.documentCount) }

    func documents(_ filter: MetadataFilter) throws -> OrdinalSet {
        guard let index = segment.metadata else { return try scanned(filter) }
        return try evaluated(filter, index)
    }

    private func evaluated(_ filter: MetadataFilter, _ index: MetadataIndex) throws -> OrdinalSet {
        switch filter {
        case .value(let field, let condition): return try documents(field, condition, index)
        case .and(let parts):
            var all = OrdinalSet(capacity: segment.record.documentCount, full: true)
            for part in parts { all.formIntersection(try evaluated(part, index)) }
            return all
        case .or(let parts):
            var any = empty
            for part in parts { any.formUnion(try evaluated(part, index)) }
            return any
        case .not(let part): return try evaluated(part, index).complement
        }
    }

    private func documents(
        _ field: String, _ condition: MetadataFilter.Condition, _ index: MetadataIndex
    ) throws -> OrdinalSet {
        var (found, unsure) = (empty, empty)
        try index.add(field, condition, to: &found, unsure: &unsure)
        try unsure.forEach { ordinal in
            let key = RowKey(segment: segment.record.number, ordinal: Int(ordinal))
            if segment.deleted?.contains(ordinal) ?? false { return }
            guard let metadata = try store.document(key)?.metadata else {
                throw CollectionError.corrupt(store.path, "document \(ordinal) is missing")
            }
            if metadata[field].map(condition.isMet) ?? false { found.insert(ordinal) }
        }
        return found
    }

    /// For segments without an index.
    private func scanned(_ filter: MetadataFilter) throws -> OrdinalSet {
        var found = empty
        try store.forEachMetadata(ofSegment: segment.record.number) { key, metadata in
            guard key.ordinal < found.capacity else {
                throw CollectionError.corrupt(store.path, "document \(key.ordinal) is not in the manifest")
            }
            if filter.matches(metadata) { found.insert(UInt32(key.ordinal)) }
        }
        return found
    }
}
