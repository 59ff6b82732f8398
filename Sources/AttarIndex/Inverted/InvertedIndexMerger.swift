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
        for (index, _) in sources {
            if let first = sources.first?.index, first.attributes != index.attributes {
                throw IndexError.otherAttributes(first.path, index.path)
            }
        }
        indexes = sources.map(\.index)
        lives = sources.map(\.live)
        passages = try PassagePlaces.count(sources.map { ($0.index.passages, $0.live) })
    }

    /// Writes the merged index.
    ///
    /// Positions are kept when all indexes have them.
    ///
    /// - Parameter order: which passage becomes passage 0, 1, 2 …, where the passages that stay are numbered through
    ///   all indexes; nil leaves them in that order.
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`: `corrupt` naming an index that was altered, or what says that the file cannot be
    ///   written; nothing is left behind then.
    /// - Precondition: `order` holds each number below `passages` once.
    /// - Complexity: O(terms · indexes + postings), and of lists that change their order O(n · log(n)).
    @discardableResult
    public func write(
        to path: String, order: [UInt32]? = nil, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Int {
        let places = PassagePlaces(Array(zip(indexes.map(\.passages), lives)), order: order)
        var lists = MergedLists(indexes, places, reordered: order != nil)
        var dictionary = TermDictionaryWriter()
        var postings = 0
        while try lists.next() {
            dictionary.add(lists.term)
            postings += lists.ordinals.count
        }
        let parts = InvertedIndexParts(
            lengths: lengths(places), dictionary: dictionary, postings: postings,
            attributes: indexes.first?.attributes ?? [:],
            lengthsAreGiven: indexes.contains { $0.header.lengthsAreGiven ?? false })
        lists = MergedLists(indexes, places, reordered: order != nil)
        // A passage without positions could not be told from one that does not hold the phrase.
        let withPositions = !indexes.isEmpty && indexes.allSatisfy(\.hasPositions)
        var positioned = MergedLists(indexes, places, reordered: order != nil, withPositions: withPositions)
        return try parts.write(
            to: path, on: fileSystem,
            addList: { _, target in
                if try lists.next() { target.add(ordinals: lists.ordinals[...], frequencies: lists.frequencies[...]) }
            },
            addPositions: !withPositions ? nil : { _, target in
                if try positioned.next() {
                    target.add(frequencies: positioned.frequencies[...], positions: positioned.positions[...])
                }
            })
    }

    private func lengths(_ places: PassagePlaces) -> [UInt32] {
        var lengths = [UInt32](repeating: 0, count: places.count)
        for (index, ordinals) in zip(indexes, places.ordinals) {
            for (length, ordinal) in zip(index.lengths, ordinals) where ordinal != PassagePlaces.gone {
                lengths[Int(ordinal)] = length
            }
        }
        return lengths
    }
}
