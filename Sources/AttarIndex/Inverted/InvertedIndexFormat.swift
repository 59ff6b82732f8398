import AttarStorage

/// The layout of an inverted index file, kind "inverted", version 1.
///
/// Sections:
///
///     header    JSON `InvertedHeader`
///     lengths   u32 a passage: its number of term occurrences
///     keys      u64 a dictionary block: the first eight bytes of its first term, big-endian
///     places    u64 a dictionary block, and one more: where its terms start in `terms`
///     terms     dictionary blocks of 16 terms, front-coded: shared prefix length, suffix length (varints), suffix
///     records   `TermRecord` a term, in the order of their UTF-8 bytes
///     blocks    `BlockRecord` a block, for lists of more than one block
///     postings  the blocks' bytes (see `PostingBlock`)
enum InvertedFormat {
    static let kind = "inverted"
    static let version = 1
    /// Passages in a full block.
    static let blockSize = 128
    /// Terms in a block of the dictionary.
    static let dictionaryBlock = 16
}

/// What the file says of itself.
struct InvertedHeader: Codable {
    var passages: Int
    var nonEmptyPassages: Int
    var totalLength: Int
    var terms: Int
    var postings: Int
    /// What the numbers beside the ordinals are; learned-sparse impacts can come later without a new layout.
    var payload = "frequency"
    /// Free facts of the writer, such as the analyzer's configuration.
    var attributes: [String: String] = [:]
}

/// Upper bound of what postings can contribute, for any BM25 parameters and corpus statistics: no posting has at once a
/// frequency above and a length below that of both points.
struct ImpactBound: BitwiseCopyable, Equatable {
    var shortLength: UInt32
    var longLength: UInt32
    /// Frequencies of the two points; the largest value stands for any frequency.
    var shortFrequency: UInt16
    var longFrequency: UInt16
}

/// A term's place. 32 bytes.
struct TermRecord: BitwiseCopyable {
    /// Where its postings start in section `postings`.
    var offset: UInt64
    /// How many passages hold it.
    var documentFrequency: UInt32
    /// Its first record in section `blocks`; lists of up to 128 postings have none.
    var firstBlock: UInt32
    var bound: ImpactBound
    var reserved: UInt32 = 0
}

/// A block's place in a list of more than 128 postings. 24 bytes.
struct BlockRecord: BitwiseCopyable {
    /// The ordinal of its last posting.
    var last: UInt32
    /// Where it starts, from the start of the list.
    var offset: UInt32
    var bound: ImpactBound
    /// Bits of an ordinal's delta and of a frequency; both 0 and unused in the last, shorter block.
    var ordinalBits: UInt8
    var frequencyBits: UInt8
    var reserved: UInt16 = 0
}
