import AttarStorage

/// Which passages hold which terms, how often, and how long the passages are: a mapped, immutable file.
///
/// Search goes through a `BM25Searcher`, which holds the parameters and what follows from them.
///
///     let index = try InvertedIndex(path: "text.inv")
///     let searcher = BM25Searcher(index)
///     let hits = try searcher.search(["vector", "search"], k: 10)
public final class InvertedIndex: Sendable {
    let file: SectionFile
    let dictionary: TermDictionary
    let lengths: MappedArray<UInt32>
    let records: MappedArray<TermRecord>
    let blocks: MappedArray<BlockRecord>
    let postings: MappedArray<UInt8>
    /// Nil when the file keeps no positions.
    let positions: PositionSections?
    let header: InvertedHeader

    /// Opens an index.
    ///
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws.
    public init(path: String) throws {
        file = try SectionFile(path: path, kind: InvertedFormat.kind, newestVersion: InvertedFormat.version)
        header = try file.header()
        guard header.payload == "frequency" else {
            throw StorageError(
                .corrupt, path: path, "the postings hold \"\(header.payload)\", frequencies were expected.")
        }
        lengths = try file.array("lengths", count: header.passages)
        records = try file.array("records", count: header.terms)
        blocks = try file.array("blocks")
        postings = try file.array("postings")
        dictionary = try TermDictionary(file, count: header.terms)
        positions = header.positions == true
            ? try PositionSections(file, terms: header.terms, blockRecords: blocks.count) : nil
    }

    /// The path of the file.
    public var path: String { file.path }
    /// The size of the file in bytes.
    public var byteCount: Int { file.byteCount }
    /// The number of passages; ordinals are below it.
    public var passages: Int { header.passages }
    /// The number of different terms.
    public var terms: Int { header.terms }
    /// The number of (term, passage) pairs.
    public var postingCount: Int { header.postings }
    /// Whether it says where terms stand in their passages, which phrases need.
    public var hasPositions: Bool { positions != nil }
    /// What the builder was told to keep.
    public var attributes: [String: String] { header.attributes }
    /// The corpus, as BM25 sees it.
    public var statistics: CorpusStatistics {
        CorpusStatistics(passages: header.nonEmptyPassages, totalLength: header.totalLength)
    }

    /// In how many passages the term occurs.
    ///
    /// - Complexity: O(log(terms)).
    public func documentFrequency(of term: String) -> Int {
        record(of: term).map { Int($0.documentFrequency) } ?? 0
    }

    /// The passage's number of term occurrences.
    ///
    /// - Precondition: the ordinal is below `passages`.
    public func length(of ordinal: UInt32) -> Int { Int(lengths[Int(ordinal)]) }

    /// Calls `body` with every term, by ascending bytes, and the number of passages that hold it.
    public func forEachTerm(_ body: (String, Int) throws -> Void) throws {
        let whole = try dictionary.forEach { number, bytes in
            try body(String(decoding: bytes, as: UTF8.self), Int(records[number].documentFrequency))
            return true
        }
        guard whole else { throw corrupt("the dictionary") }
    }

    /// Calls `body` with every term that begins so, by ascending bytes.
    ///
    /// - Complexity: O(log(terms) + terms found).
    public func forEachTerm(beginningWith prefix: String, _ body: (String) throws -> Void) throws {
        let whole = try dictionary.forEach(beginningWith: Array(prefix.utf8)) { bytes in
            try body(String(decoding: bytes, as: UTF8.self))
        }
        guard whole else { throw corrupt("the dictionary") }
    }

    /// The term's number in the dictionary; nil when no passage holds it.
    func number(of term: String) -> Int? {
        var term = term
        return term.withUTF8 { dictionary.number(of: $0) }
    }

    func record(of term: String) -> TermRecord? {
        number(of: term).map { records[$0] }
    }

    func corrupt(_ what: String) -> StorageError {
        .altered(what, of: path)
    }

    /// Reads every byte: all checksums, then every list, against the counts of the header.
    ///
    /// - Throws: `corrupt` naming what was altered.
    /// - Complexity: O(bytes of the file).
    public func verify() throws {
        try file.verify()
        var total = 0
        var occurrences = 0.0
        var previous: [UInt8]?
        let scratch = SearchScratch()
        let whole = try dictionary.forEach { number, term in
            guard previous.map({ $0.lexicographicallyPrecedes(term) }) ?? true else { return false }
            previous = term
            let counted = try countPostings(of: number, scratch)
            guard counted.postings == Int(records[number].documentFrequency) else { throw corrupt("a list") }
            total += counted.postings
            occurrences += counted.occurrences
            return true
        }
        guard whole else { throw corrupt("the dictionary") }
        let length = lengths.reduce(0) { $0 + Int($1) }
        guard total == postingCount, length == header.totalLength,
            header.lengthsAreGiven == true || occurrences == Double(length)
        else { throw corrupt("the number of postings") }
    }

    private func countPostings(
        of number: Int, _ scratch: SearchScratch
    ) throws -> (postings: Int, occurrences: Double) {
        var (postings, occurrences) = (0, 0.0)
        try forEachBlock(of: records[number], scratch) { ordinals, frequencies in
            postings += ordinals.count
            occurrences += frequencies.reduce(0.0) { $0 + Double($1) }
        }
        if hasPositions { try forEachBlock(ofPositions: number, scratch) { _, _, _ in } }
        return (postings, occurrences)
    }

    /// Calls `body` with the ordinals and frequencies of a list, ascending, in pieces of up to 128, and with the
    /// positions of these postings, one posting behind the other.
    ///
    /// - Throws: `corrupt` when positions do not lie in the file or do not ascend; what `body` throws.
    /// - Precondition: the index has positions.
    func forEachBlock(
        ofPositions number: Int, _ scratch: SearchScratch,
        _ body: (UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<Float>, [UInt32]) throws -> Void
    ) throws {
        guard let positions, let list = positions.list(of: number) else { throw corrupt("a list of positions") }
        let record = records[number]
        var block = 0
        var decoded: [UInt32] = []
        try forEachBlock(of: record, scratch) { ordinals, frequencies in
            let counts = frequencies.map(PositionsCursor.count)
            let reader = positions.reader
            guard let place = reader.block(block, of: record, list, count: counts.reduce(0, +)) else {
                throw corrupt("a block of positions")
            }
            decoded.removeAll(keepingCapacity: true)
            var bit = place.bit
            for count in counts {
                var occurrences = Occurrences(reader.bytes, bit: bit, width: place.width, count: count)
                for index in 0..<count where occurrences.next() {
                    guard index == 0 || occurrences.position > decoded[decoded.count - 1] else {
                        throw corrupt("a list of positions")
                    }
                    decoded.append(occurrences.position)
                }
                bit += count * place.width
            }
            block += 1
            try body(ordinals, frequencies, decoded)
        }
    }

    /// Calls `body` with the ordinals and frequencies of a list, ascending, in pieces of up to 128.
    func forEachBlock(
        of record: TermRecord, _ scratch: SearchScratch,
        _ body: (UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let unbounded = UnsafeBufferPointer<Float>(start: nil, count: 0)
        try withReader(.linear, strengths: unbounded, grid: ScoreGrid(totalWeight: 1, terms: 1)) { reader in
            try reader.forEachBlock(of: record, scratch, body)
        }
    }

    /// Calls `body` with the bytes that cursors read, kept alive meanwhile.
    ///
    /// - Parameter strengths: a bound for each block; may be empty where no `PostingsCursor.bound` is asked for.
    func withReader<Result>(
        _ function: PostingFunction, strengths: UnsafeBufferPointer<Float>, grid: ScoreGrid,
        _ body: (PostingsReader) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(self) {
            try body(
                PostingsReader(
                    postings: UnsafeRawBufferPointer(postings.elements), blocks: blocks.elements, strengths: strengths,
                    passages: UInt32(passages), function: function, grid: grid, path: path))
        }
    }
}
