import AttarStorage

/// Reads a file in the Common Index File Format, as Anserini, Terrier and PISA write it, and makes an index of it.
///
///     let file = try CIFFImport(path: "robust04.ciff.gz")
///     try file.writeIndex(to: "robust04.inv")
///     let hits = try BM25Searcher(InvertedIndex(path: "robust04.inv")).search(["hubble"], k: 10)
///     file.identifiers[Int(hits[0].ordinal)]          // "FT941-9999"
///
/// The file holds no texts, so no collection can be made of it. Terms must ascend by their bytes, as Lucene's do.
///
/// The file is read twice. Memory: the vocabulary, the identifiers, 4 bytes a document, and the longest list.
public struct CIFFImport {
    /// What the exporter wrote about the collection.
    public let description: String
    /// The names of the documents, by ordinal.
    public let identifiers: [String]
    private let path: String
    private let parts: InvertedIndexParts

    /// Reads the vocabulary and the documents.
    ///
    /// - Throws: `StorageError`: `corrupt` saying where, and what `ByteReader` throws.
    /// - Complexity: O(bytes).
    public init(path: String) throws {
        self.path = path
        var reader = try CIFFReader(path: path)
        var dictionary = TermDictionaryWriter()
        var (previous, postings) = ([UInt8](), 0)
        while try reader.nextList() {
            guard dictionary.count == 0 || previous.lexicographicallyPrecedes(reader.term) else {
                throw reader.stream.corrupt("the terms do not ascend by their bytes")
            }
            dictionary.add(reader.term)
            previous = reader.term
            postings += reader.ordinals.count
        }
        let documents = try reader.documents()
        identifiers = documents.identifiers
        description = reader.header.description
        parts = InvertedIndexParts(
            lengths: documents.lengths, dictionary: dictionary, postings: postings,
            attributes: ["source": "CIFF"], lengthsAreGiven: true)
    }

    /// The number of documents.
    public var count: Int { identifiers.count }

    /// Writes the index.
    ///
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`; nothing is left behind then.
    @discardableResult
    public func writeIndex(to target: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Int {
        var reader = try CIFFReader(path: path)
        return try parts.write(to: target, on: fileSystem) { _, lists in
            guard try reader.nextList(), Int(reader.ordinals.last ?? 0) < count else {
                throw StorageError(.corrupt, path: path, "the file changed while it was read; run the command again.")
            }
            lists.add(ordinals: reader.ordinals[...], frequencies: reader.frequencies[...])
        }
    }
}

/// The messages of a CIFF file, one after the other.
struct CIFFReader {
    struct Header {
        var (version, lists, documents) = (0, 0, 0)
        var description = ""
    }

    let stream: ProtobufStream
    let header: Header
    /// The list that was read last.
    private(set) var term: [UInt8] = []
    private(set) var ordinals: [UInt32] = []
    private(set) var frequencies: [UInt32] = []
    private var listsRead = 0

    init(path: String) throws {
        stream = try ProtobufStream(path: path)
        header = try Self.header(stream)
    }

    private static func header(_ stream: ProtobufStream) throws -> Header {
        var header = Header()
        let end = try stream.messageEnd()
        while let field = try stream.field(before: end) {
            switch field.number {
            case CIFF.Header.version: header.version = try stream.number(field)
            case CIFF.Header.lists: header.lists = try stream.number(field)
            case CIFF.Header.documents: header.documents = try stream.number(field)
            case CIFF.Header.description:
                header.description = String(decoding: try stream.text(field, limit: CIFF.largestText), as: UTF8.self)
            default: try stream.skip(field, before: end)
            }
        }
        guard header.version == CIFF.version else {
            throw stream.corrupt("it has version \(header.version), \(CIFF.version) was expected")
        }
        return header
    }

    /// Reads the next list.
    ///
    /// - Returns: false behind the last one.
    mutating func nextList() throws -> Bool {
        guard listsRead < header.lists else { return false }
        listsRead += 1
        term.removeAll(keepingCapacity: true)
        ordinals.removeAll(keepingCapacity: true)
        frequencies.removeAll(keepingCapacity: true)
        var announced: Int?
        let end = try stream.messageEnd()
        while let field = try stream.field(before: end) {
            switch field.number {
            case CIFF.List.term: term = try stream.text(field, limit: CIFF.largestText)
            case CIFF.List.documentFrequency: announced = try stream.number(field)
            case CIFF.List.posting where field.wire == .bytes: try appendPosting(before: end)
            default: try stream.skip(field, before: end)
            }
        }
        guard announced ?? ordinals.count == ordinals.count, !ordinals.isEmpty else {
            throw stream.corrupt("a list has \(ordinals.count) postings where \(announced ?? 1) were announced")
        }
        return true
    }

    private mutating func appendPosting(before limit: Int) throws {
        var (gap, frequency) = (0, 0)
        let end = try stream.messageEnd(within: limit)
        while let field = try stream.field(before: end) {
            switch field.number {
            case CIFF.Posting.document: gap = try stream.number(field)
            case CIFF.Posting.frequency: frequency = try stream.number(field)
            default: try stream.skip(field, before: end)
            }
        }
        let ordinal = Int(ordinals.last ?? 0) + gap
        guard ordinal < header.documents, gap > 0 || ordinals.isEmpty, frequency > 0 else {
            throw stream.corrupt("a posting does not follow the one before, or is none")
        }
        ordinals.append(UInt32(ordinal))
        frequencies.append(min(UInt32(frequency), InvertedFormat.largestFrequency))
    }

    /// Reads what follows the lists.
    func documents() throws -> (identifiers: [String], lengths: [UInt32]) {
        var (identifiers, lengths): ([String], [UInt32]) = ([], [])
        for expected in 0..<header.documents {
            var (ordinal, identifier, length) = (0, [UInt8](), 0)
            let end = try stream.messageEnd()
            while let field = try stream.field(before: end) {
                switch field.number {
                case CIFF.Document.ordinal: ordinal = try stream.number(field)
                case CIFF.Document.identifier: identifier = try stream.text(field, limit: CIFF.largestText)
                case CIFF.Document.length: length = try stream.number(field)
                default: try stream.skip(field, before: end)
                }
            }
            guard ordinal == expected else { throw stream.corrupt("document \(ordinal) stands in place \(expected)") }
            identifiers.append(String(decoding: identifier, as: UTF8.self))
            lengths.append(UInt32(length))
        }
        guard try stream.isAtEnd() else { throw stream.corrupt("something follows the last document") }
        return (identifiers, lengths)
    }
}
