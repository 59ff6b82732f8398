import AttarStorage

/// Makes one inverted index of several, without the passages that were deleted.
///
///     let merger = try InvertedIndexMerger([(old, live), (new, nil)])
///     try merger.write(to: "text.inv")
///
/// The file has the bytes that `InvertedIndexBuilder` would write for the same passages, so that nothing tells a merged
/// index from one built anew: block maxima and bounds are as tight, terms of deleted passages are gone.
///
/// Memory: 8 bytes a passage, the vocabulary with 32 bytes a term, and the longest list of one term; the postings stay
/// on the disk.
public struct InvertedIndexMerger {
    /// An index, and its passages that stay; nil when all do.
    public typealias Source = (index: InvertedIndex, live: OrdinalSet?)

    /// The number of passages that stay.
    public let passages: Int
    private let indexes: [InvertedIndex]
    private let lives: [OrdinalSet?]

    /// A merge of indexes in the order of their passages.
    ///
    /// - Throws: `IndexError` when there are too many passages for one index, and when the attributes of the indexes
    ///   differ: their terms were made in different ways then.
    /// - Precondition: each set has the capacity of its index.
    public init(_ sources: [Source]) throws {
        for (index, live) in sources {
            precondition(
                live.map { $0.capacity == index.passages } ?? true,
                "a set of \(live?.capacity ?? 0) ordinals for \(index.passages) passages")
            if let first = sources.first?.index, first.attributes != index.attributes {
                throw IndexError.otherAttributes(first.path, index.path)
            }
        }
        indexes = sources.map(\.index)
        lives = sources.map(\.live)
        passages = sources.reduce(0) { $0 + ($1.live?.count ?? $1.index.passages) }
        guard passages < Int(UInt32.max) else { throw IndexError.tooManyPassages(passages) }
    }

    /// Writes the merged index.
    ///
    /// - Parameter order: which passage becomes passage 0, 1, 2 …, where the passages that stay are numbered through
    ///   all indexes; nil leaves them in that order.
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`: `corrupt` naming an index that was altered, or that the file cannot be written; nothing
    ///   is left behind then.
    /// - Precondition: `order` holds each number below `passages` once.
    /// - Complexity: O(terms · indexes + postings), and of lists that change their order O(n · log(n)).
    @discardableResult
    public func write(
        to path: String, order: [UInt32]? = nil, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Int {
        let places = PassagePlaces(indexes, lives, order: order)
        var lists = MergedLists(indexes, places, reordered: order != nil)
        var dictionary = TermDictionaryWriter()
        var postings = 0
        while try lists.next() {
            dictionary.add(lists.term)
            postings += lists.ordinals.count
        }
        let writer = try SectionFileWriter(
            path: path, kind: InvertedFormat.kind, version: InvertedFormat.version, on: fileSystem)
        let lengths = places.lengths
        let statistics = CorpusStatistics(
            passages: lengths.count { $0 > 0 }, totalLength: lengths.reduce(0) { $0 + Int($1) })
        let header = InvertedHeader(
            passages: passages, nonEmptyPassages: statistics.passages, totalLength: statistics.totalLength,
            terms: dictionary.count, postings: postings, attributes: indexes.first?.attributes ?? [:])
        try writer.add("header", json: header)
        try writer.add("lengths", lengths)
        try dictionary.write(to: writer)
        lists = MergedLists(indexes, places, reordered: order != nil)
        var target = PostingsWriter(lengths: lengths, averageLength: statistics.averageLength)
        try target.write(to: writer, count: dictionary.count) { _, target in
            if try lists.next() { target.add(ordinals: lists.ordinals[...], frequencies: lists.frequencies[...]) }
        }
        return try writer.finish()
    }
}

/// Where each passage of several indexes comes to stand in the merged one, and how long the passages are there.
private struct PassagePlaces {
    /// The place of a passage that does not stay.
    static let gone = UInt32.max
    /// For each index, the new ordinal of each of its passages.
    let ordinals: [[UInt32]]
    /// The number of term occurrences of each passage that stays, by its new ordinal.
    private(set) var lengths: [UInt32]

    init(_ indexes: [InvertedIndex], _ lives: [OrdinalSet?], order: [UInt32]?) {
        var next: UInt32 = 0
        let numbered = zip(indexes, lives).map { index, live in
            (0..<UInt32(index.passages)).map { ordinal -> UInt32 in
                guard live?.contains(ordinal) ?? true else { return Self.gone }
                next += 1
                return next - 1
            }
        }
        let inverse = order.map { Self.inverse(of: $0, count: Int(next)) }
        ordinals = inverse.map { inverse in
            numbered.map { $0.map { $0 == Self.gone ? $0 : inverse[Int($0)] } }
        } ?? numbered
        lengths = [UInt32](repeating: 0, count: Int(next))
        for (index, ordinals) in zip(indexes, ordinals) {
            for (length, ordinal) in zip(index.lengths, ordinals) where ordinal != Self.gone {
                lengths[Int(ordinal)] = length
            }
        }
    }

    private static func inverse(of order: [UInt32], count: Int) -> [UInt32] {
        precondition(order.count == count, "an order of \(order.count) passages for \(count)")
        var inverse = [UInt32](repeating: gone, count: count)
        for (place, passage) in order.enumerated() {
            precondition(Int(passage) < count && inverse[Int(passage)] == gone, "\(passage) is no passage, or twice")
            inverse[Int(passage)] = UInt32(place)
        }
        return inverse
    }
}

/// The lists of the merged index, one term after the other.
private struct MergedLists {
    /// The bytes of the term.
    var term: [UInt8] { union.term }
    /// The passages that stay and hold it, ascending, and how often they do.
    private(set) var ordinals: [UInt32] = []
    private(set) var frequencies: [UInt32] = []
    private var union: TermUnion
    private let indexes: [InvertedIndex]
    private let places: PassagePlaces
    private let reordered: Bool
    private let scratch = SearchScratch()

    init(_ indexes: [InvertedIndex], _ places: PassagePlaces, reordered: Bool) {
        self.indexes = indexes
        self.places = places
        self.reordered = reordered
        union = TermUnion(indexes)
    }

    /// Goes on to the next term that a passage holds which stays.
    ///
    /// - Returns: false behind the last one.
    mutating func next() throws -> Bool {
        while try union.next() {
            ordinals.removeAll(keepingCapacity: true)
            frequencies.removeAll(keepingCapacity: true)
            for holder in union.holders { try append(holder) }
            guard !ordinals.isEmpty else { continue }
            if reordered { sort() }
            return true
        }
        return false
    }

    private mutating func append(_ holder: TermUnion.Holder) throws {
        let index = indexes[holder.index]
        let places = places.ordinals[holder.index]
        try index.forEachBlock(of: index.records[holder.number], scratch) { ordinals, frequencies in
            for (old, frequency) in zip(ordinals, frequencies) {
                let new = places[Int(old)]
                guard new != PassagePlaces.gone else { continue }
                guard frequency >= 1 else { throw index.corrupt("a list") }
                self.ordinals.append(new)
                self.frequencies.append(UInt32(min(frequency, Float(InvertedFormat.largestFrequency))))
            }
        }
    }

    private mutating func sort() {
        let sorted = zip(ordinals, frequencies).map { UInt64($0) << 32 | UInt64($1) }.sorted()
        for (place, posting) in sorted.enumerated() {
            ordinals[place] = UInt32(posting >> 32)
            frequencies[place] = UInt32(truncatingIfNeeded: posting)
        }
    }
}

/// The terms of several indexes, ascending, each once.
private struct TermUnion {
    /// An index that holds a term, and the term's number there.
    typealias Holder = (index: Int, number: Int)

    /// The term that was reached.
    private(set) var term: [UInt8] = []
    /// Who holds it, by ascending index.
    private(set) var holders: [Holder] = []
    private let indexes: [InvertedIndex]
    private var cursors: [TermCursor]
    /// Whether each cursor's term has been read; those of `holders` are moved on at the next step.
    private var started = false

    init(_ indexes: [InvertedIndex]) {
        self.indexes = indexes
        cursors = indexes.map { TermCursor($0.dictionary) }
    }

    /// Goes on to the next term.
    ///
    /// - Returns: false behind the last one.
    /// - Throws: `corrupt` when the terms of an index do not ascend.
    mutating func next() throws -> Bool {
        if started {
            for holder in holders { try advance(holder.index) }
        } else {
            started = true
            for index in cursors.indices { try read(index) }
        }
        holders.removeAll(keepingCapacity: true)
        for index in cursors.indices where cursors[index].number < indexes[index].terms {
            let found = cursors[index].term
            if holders.isEmpty || found.lexicographicallyPrecedes(term) {
                term = found
                holders.removeAll(keepingCapacity: true)
                holders.append((index, cursors[index].number))
            } else if found == term {
                holders.append((index, cursors[index].number))
            }
        }
        return !holders.isEmpty
    }

    private mutating func advance(_ index: Int) throws {
        cursors[index].advance()
        try read(index)
        guard cursors[index].number == indexes[index].terms || term.lexicographicallyPrecedes(cursors[index].term)
        else { throw indexes[index].corrupt("the dictionary") }
    }

    private mutating func read(_ index: Int) throws {
        guard cursors[index].number < indexes[index].terms else { return }
        guard cursors[index].read() else { throw indexes[index].corrupt("the dictionary") }
    }
}
