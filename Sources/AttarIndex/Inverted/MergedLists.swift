import AttarStorage

/// The lists of the merged index, one term after the other.
struct MergedLists {
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
