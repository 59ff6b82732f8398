import AttarStorage

/// The lists of the merged index, one term after the other.
struct MergedLists {
    /// The bytes of the term.
    var term: [UInt8] { union.term }
    /// The passages that stay and hold it, ascending, and how often they do.
    private(set) var ordinals: [UInt32] = []
    private(set) var frequencies: [UInt32] = []
    /// The positions of these postings, one posting behind the other; none unless they were asked for.
    private(set) var positions: [UInt32] = []
    private var union: TermUnion
    private let indexes: [InvertedIndex]
    private let places: PassagePlaces
    private let reordered: Bool
    private let withPositions: Bool
    private let scratch = SearchScratch()

    /// - Parameter withPositions: whether positions are read too, which all indexes must have then.
    init(_ indexes: [InvertedIndex], _ places: PassagePlaces, reordered: Bool, withPositions: Bool = false) {
        self.withPositions = withPositions
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
            positions.removeAll(keepingCapacity: true)
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
        guard withPositions else {
            try index.forEachBlock(of: index.records[holder.number], scratch) { ordinals, frequencies in
                for (old, frequency) in zip(ordinals, frequencies) {
                    _ = try append(places[Int(old)], frequency, of: index)
                }
            }
            return
        }
        try index.forEachBlock(ofPositions: holder.number, scratch) { ordinals, frequencies, found in
            var start = 0
            for (old, frequency) in zip(ordinals, frequencies) {
                let end = start + PositionsCursor.count(frequency)
                if try append(places[Int(old)], frequency, of: index) { positions += found[start..<end] }
                start = end
            }
        }
    }

    /// Adds a posting, unless its passage is gone.
    ///
    /// - Returns: whether it was added.
    private mutating func append(_ new: UInt32, _ frequency: Float, of index: InvertedIndex) throws -> Bool {
        guard new != PassagePlaces.gone else { return false }
        guard frequency >= 1 else { throw index.corrupt("a list") }
        ordinals.append(new)
        frequencies.append(UInt32(min(frequency, Float(InvertedFormat.largestFrequency))))
        return true
    }

    private mutating func sort() {
        var starts: [Int] = []
        var sum = 0
        if withPositions {
            for frequency in frequencies {
                starts.append(sum)
                sum += Int(frequency)
            }
        }
        let order = ordinals.indices.sorted { ordinals[$0] < ordinals[$1] }
        let (old, unsorted) = (frequencies, positions)
        ordinals = order.map { ordinals[$0] }
        frequencies = order.map { old[$0] }
        guard withPositions else { return }
        positions.removeAll(keepingCapacity: true)
        for place in order { positions += unsorted[starts[place]..<(starts[place] + Int(old[place]))] }
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
