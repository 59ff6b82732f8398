import AttarStorage

/// The layout of an inverted index file, kind "inverted", version 2; version 1, which is written where there are no
/// positions, has none.
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
///
/// and, where positions are kept, those of `PositionSections`.
enum InvertedFormat {
    static let kind = "inverted"
    /// The newest version.
    static let version = 2
    /// The version of a file without positions, which older programs can read.
    static let versionWithoutPositions = 1
    /// Passages in a full block.
    static let blockSize = 128
    /// No posting has a higher one: so many are told apart as Floats.
    static let largestFrequency: UInt32 = 1 << 24
    /// Terms in a block of the dictionary.
    static let dictionaryBlock = 16
}

/// What the file says of itself.
struct InvertedHeader: Codable, IndexHeader {
    var passages: Int
    var nonEmptyPassages: Int
    var totalLength: Int
    var terms: Int
    var postings: Int
    /// What the numbers beside the ordinals are.
    var payload = "frequency"
    /// Free facts of the writer, such as the analyzer's configuration.
    var attributes: [String: String] = [:]
    /// True when lengths were given by another tool, which may have rounded them; otherwise each is the sum of its
    /// passage's frequencies, and the key is absent.
    var lengthsAreGiven: Bool?
    /// True when the sections of positions are there; otherwise the key is absent.
    var positions: Bool?

    var isPlausible: Bool {
        passages >= 0 && passages < UInt32.max && terms >= 0 && terms < UInt32.max
            && (0...passages).contains(nonEmptyPassages) && totalLength >= 0 && postings >= 0
    }
}

/// What is written before the postings of an inverted index.
struct InvertedIndexParts {
    /// The number of term occurrences of each passage.
    var lengths: [UInt32]
    /// The terms; each will get a list.
    var dictionary: TermDictionaryWriter
    /// The number of postings in all lists.
    var postings: Int
    var attributes: [String: String] = [:]
    var lengthsAreGiven = false

    /// Writes the file, whoever makes the lists: for each term of the dictionary in turn `addList` adds one.
    ///
    /// - Parameter addPositions: adds the positions of each term in turn, after all lists; nil for none.
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`, and what `addList` and `addPositions` throw; nothing is left behind then.
    func write(
        to path: String, on fileSystem: any FileSystem,
        addList: (_ term: Int, _ lists: inout PostingsWriter) throws -> Void,
        addPositions: ((_ term: Int, _ lists: inout PositionsWriter) throws -> Void)? = nil
    ) throws -> Int {
        let statistics = CorpusStatistics(
            passages: lengths.count { $0 > 0 }, totalLength: lengths.reduce(0) { $0 + Int($1) })
        let writer = try SectionFileWriter(
            path: path, kind: InvertedFormat.kind,
            version: addPositions == nil ? InvertedFormat.versionWithoutPositions : InvertedFormat.version,
            on: fileSystem)
        let header = InvertedHeader(
            passages: lengths.count, nonEmptyPassages: statistics.passages, totalLength: statistics.totalLength,
            terms: dictionary.count, postings: postings, attributes: attributes,
            lengthsAreGiven: lengthsAreGiven ? true : nil, positions: addPositions == nil ? nil : true)
        try writer.add("header", json: header)
        try writer.add("lengths", lengths)
        try dictionary.write(to: writer)
        var lists = PostingsWriter(lengths: lengths, averageLength: statistics.averageLength)
        try lists.write(to: writer, count: dictionary.count, addLists: addList)
        if let addPositions {
            try PositionsWriter.write(to: writer, count: dictionary.count, addList: addPositions)
        }
        return try writer.finish()
    }
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
    var floor: ImpactFloor
}

/// Lower bound of what the ten best postings of a list contribute, for any BM25 parameters and corpus statistics: ten
/// postings have at least this frequency in a passage of at most this length. A search for ten passages or fewer need
/// not look at what scores less.
struct ImpactFloor: BitwiseCopyable, Equatable {
    /// The length in the lower 24 bits, above it the frequency; 0 stands for nothing known,
    /// as in files of Attar before 0.2.
    private let bits: UInt32

    /// For how many passages it holds.
    static let passages = 10
    /// Nothing known, as of a list of fewer postings.
    static let none = ImpactFloor(frequency: 0, length: 0)

    init(frequency: UInt32, length: UInt32) {
        bits = length >> 24 == 0 ? min(frequency, 255) << 24 | length : 0
    }

    /// The same for learned weights: ten postings have at least this code, which is below 2²⁴.
    init(code: UInt32) { self.init(frequency: 1, length: code) }

    /// The least code of ten postings; 0 when nothing is known.
    var code: UInt32 { bits & 0xFF_FFFF }

    /// The frequency and the length; nil when nothing is known.
    var posting: (frequency: UInt32, length: UInt32)? { bits >> 24 == 0 ? nil : (bits >> 24, bits & 0xFF_FFFF) }
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
