/// The Common Index File Format: how Lucene (Anserini), Terrier, PISA and JASS give inverted indexes to each other.
///
/// A file, plain or gzip, is a sequence of Protocol Buffers messages, each behind its length: a `Header`, a
/// `PostingsList` a term, by ascending terms, a `DocRecord` a document. The identifier of a posting is the difference
/// to the one before it in the list.
///
/// Lin et al. 2020, "Supporting Interoperability Between Open-Source Search Engines with the Common Index File Format".
enum CIFF {
    static let version = 1
    /// The fields of each message, by number.
    enum Header {
        static let version = 1, lists = 2, documents = 3, totalLists = 4, totalDocuments = 5, totalTerms = 6
        static let averageLength = 7, description = 8
    }
    enum List { static let term = 1, documentFrequency = 2, collectionFrequency = 3, posting = 4 }
    enum Posting { static let document = 1, frequency = 2 }
    enum Document { static let ordinal = 1, identifier = 2, length = 3 }
    /// Longer terms and identifiers are refused.
    static let largestText = 1 << 16
}
