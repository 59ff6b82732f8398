import AttarStorage

/// Which document each passage of a segment belongs to, and the ids of the documents: `documents.map` of a segment.
///
/// A run over many queries needs nothing else of the documents, so it never touches SQLite.
public final class SegmentMap: Sendable {
    static let fileName = "documents.map"
    private static let kind = "documents"
    private static let version = 1

    /// The document ordinal of each passage; ascending.
    private let documents: MappedArray<UInt32>
    /// Where each id starts in `identifierBytes`; one more than documents.
    private let offsets: MappedArray<UInt64>
    private let identifierBytes: MappedArray<UInt8>

    /// The number of documents.
    public var documentCount: Int { offsets.count - 1 }
    /// The number of passages.
    public var passageCount: Int { documents.count }

    /// Opens the file; counts must be those of the manifest, nil where there is none.
    init(path: String, documentCount: Int? = nil, passageCount: Int? = nil) throws {
        let file = try SectionFile(path: path, kind: Self.kind, newestVersion: Self.version)
        documents = try file.array("passage-documents", count: passageCount)
        offsets = try file.array("identifier-offsets", count: documentCount.map { $0 + 1 })
        guard offsets.count > 0 else { throw CollectionError.corrupt(path, "it has no places of ids") }
        identifierBytes = try file.array("identifiers")
    }

    /// The document ordinal of a passage, both within the segment.
    ///
    /// - Complexity: O(1), without allocation.
    public func document(ofPassage passage: Int) -> Int { Int(documents[passage]) }

    /// The passages of a document, both by their ordinals within the segment.
    ///
    /// - Complexity: O(log(passages)).
    public func passages(of document: Int) -> Range<Int> {
        let start = documents.firstPlace(of: UInt32(document))
        return start..<documents.firstPlace(of: UInt32(document) + 1)
    }

    /// The id of a document, by its ordinal within the segment; empty when the file is damaged there.
    public func identifier(of document: Int) -> String {
        let (start, end) = (offsets[document], offsets[document + 1])
        guard start <= end, end <= UInt64(identifierBytes.count) else { return "" }
        return identifierBytes.withUnsafeBufferPointer {
            String(decoding: UnsafeBufferPointer(rebasing: $0[Int(start)..<Int(end)]), as: UTF8.self)
        }
    }

    /// What is wrong inside the file, if anything.
    func firstProblem() -> String? {
        let count = documentCount
        for passage in 0..<passageCount {
            if documents[passage] >= count { return "passage \(passage) belongs to no document" }
            if passage > 0, documents[passage] < documents[passage - 1] { return "passage \(passage) is out of order" }
        }
        for document in 0..<count where offsets[document] > offsets[document + 1] {
            return "the id of document \(document) has a negative length"
        }
        if offsets[0] != 0 || offsets[count] != UInt64(identifierBytes.count) {
            return "the ids do not fill their section"
        }
        return nil
    }
}

/// Gathers what becomes a `SegmentMap`.
struct SegmentMapBuilder {
    private var documents: [UInt32] = []
    private var offsets: [UInt64] = [0]
    private var identifiers: [UInt8] = []

    var documentCount: Int { offsets.count - 1 }
    var passageCount: Int { documents.count }

    /// The passages of a document.
    func passages(of document: Int) -> Range<Int> {
        let start = documents.firstPlace(of: UInt32(document))
        return start..<documents.firstPlace(of: UInt32(document) + 1)
    }

    mutating func add(document id: String, passages: Int) {
        documents.append(contentsOf: repeatElement(UInt32(documentCount), count: passages))
        identifiers.append(contentsOf: id.utf8)
        offsets.append(UInt64(identifiers.count))
    }

    func write(to path: String, on fileSystem: any FileSystem) throws {
        let writer = try SectionFileWriter(path: path, kind: "documents", version: 1, on: fileSystem)
        try writer.add("passage-documents", documents)
        try writer.add("identifier-offsets", offsets)
        try writer.add("identifiers", identifiers)
        try writer.finish()
    }
}

extension RandomAccessCollection where Element == UInt32, Index == Int {
    /// The first place with a number that is not below the given one; numbers ascend.
    fileprivate func firstPlace(of number: UInt32) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
