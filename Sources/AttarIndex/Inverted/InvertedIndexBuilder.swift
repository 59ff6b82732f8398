import AttarStorage

/// Collects the terms of passages in memory and writes them as an inverted index.
///
///     var builder = InvertedIndexBuilder()
///     for terms in analyzedPassages { try builder.add(terms: terms) }
///     try builder.finish(to: "text.inv")
///
/// Memory: 8 bytes for each distinct term of each passage while adding, 16 while finishing, and the vocabulary.
public struct InvertedIndexBuilder {
    private var table = TermTable()
    private var lengths: [UInt32] = []
    /// Term number and frequency of each posting, passage by passage, and where each passage's postings end.
    private var entries: [(term: UInt32, frequency: UInt32)] = []
    private var ends: [Int] = []
    /// For each term, where its posting of the current passage stands in `entries`; older places lie below its start.
    private var places: [Int] = []
    /// The positions of each posting's occurrences, in the order of `entries`; nil when none are kept.
    private var positions: [UInt32]?
    /// Of the passage under way: the posting of each occurrence, and its position.
    private var occurrences: [(entry: Int, position: UInt32)] = []
    private let attributes: [String: String]

    /// An empty index.
    ///
    /// - Parameters:
    ///   - attributes: facts to keep in the file, such as the analyzer's configuration as JSON.
    ///   - keepsPositions: whether the index says where terms stand, which phrases need. Costs 4 bytes an occurrence of
    ///     memory while adding, 8 while finishing.
    public init(attributes: [String: String] = [:], keepsPositions: Bool = false) {
        self.attributes = attributes
        if keepsPositions { positions = [] }
    }

    /// The number of passages so far.
    public var passages: Int { lengths.count }

    /// Adds the next passage; its ordinal is the number of those added before.
    ///
    /// - Parameters:
    ///   - terms: the passage's terms in order, repeated as often as they occur.
    ///   - places: the position of each term in the passage, ascending, with gaps where words were left out; nil when
    ///     there are no gaps.
    /// - Complexity: O(bytes of the terms).
    @discardableResult
    public mutating func add(terms: [String], positions places: [UInt32]? = nil) throws -> UInt32 {
        precondition(places.map { $0.count == terms.count } ?? true, "\(terms.count) terms, not as many positions")
        let ordinal = try beginPassage()
        let start = entries.count
        var length = 0
        for (index, term) in terms.enumerated() {
            let counted = count(term, frequency: 1, from: start)
            length += counted.added
            if positions != nil, counted.added == 1 {
                occurrences.append((counted.entry, places?[index] ?? UInt32(truncatingIfNeeded: index)))
            }
        }
        if positions != nil { sortOccurrences(from: start) }
        endPassage(length: length)
        return ordinal
    }

    /// Appends the positions of the passage under way by posting; those of one posting stay in their order.
    private mutating func sortOccurrences(from start: Int) {
        let base = positions?.count ?? 0
        var next: [Int] = []
        next.reserveCapacity(entries.count - start)
        var sum = base
        for entry in entries[start...] {
            next.append(sum)
            sum += Int(entry.frequency)
        }
        positions?.append(contentsOf: repeatElement(0, count: sum - base))
        for (entry, position) in occurrences {
            positions?[next[entry - start]] = position
            next[entry - start] += 1
        }
        occurrences.removeAll(keepingCapacity: true)
    }

    /// Adds the next passage by its terms' frequencies; frequencies below 1 are left out, those above 2²⁴, the last
    /// whole number up to which a Float holds each one, are cut to it.
    ///
    /// - Precondition: the index keeps no positions, which frequencies do not tell.
    @discardableResult
    public mutating func add(frequencies: [(term: String, frequency: Int)]) throws -> UInt32 {
        precondition(positions == nil, "an index with positions was given frequencies alone")
        let ordinal = try beginPassage()
        let start = entries.count
        var length = 0
        for (term, frequency) in frequencies where frequency > 0 {
            length += count(term, frequency: UInt32(clamping: frequency), from: start).added
        }
        endPassage(length: length)
        return ordinal
    }

    private func beginPassage() throws -> UInt32 {
        // The largest ordinal stays free.
        guard lengths.count < Int(UInt32.max) - 1 else { throw IndexError.tooManyPassages(lengths.count + 1) }
        return UInt32(lengths.count)
    }

    private mutating func endPassage(length: Int) {
        lengths.append(UInt32(clamping: length))
        ends.append(entries.count)
    }

    /// Counts occurrences of a term in the passage that begins at `start`.
    ///
    /// - Returns: the term's posting, and how many were counted.
    private mutating func count(
        _ term: String, frequency: UInt32, from start: Int
    ) -> (entry: Int, added: Int) {
        var term = term
        let number = term.withUTF8 { table.number(of: $0) }
        if number == places.count { places.append(-1) }
        if places[number] < start {
            places[number] = entries.count
            entries.append((UInt32(number), 0))
        }
        let place = places[number]
        let added = min(frequency, InvertedFormat.largestFrequency - entries[place].frequency)
        entries[place].frequency += added
        return (place, Int(added))
    }

    /// Writes the index.
    ///
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError` when the file cannot be written; nothing is left behind then.
    /// - Complexity: O(postings + vocabulary · log(vocabulary)).
    @discardableResult
    public func finish(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Int {
        let order = table.sorted()
        var dictionary = TermDictionaryWriter()
        for number in order { dictionary.add(table.bytes(number)) }
        let sorted = entriesByTerm()
        let parts = InvertedIndexParts(
            lengths: lengths, dictionary: dictionary, postings: entries.count, attributes: attributes)
        let positions = positionsByTerm()
        return try parts.write(
            to: path, on: fileSystem,
            addList: { place, lists in
                let range = sorted.starts[order[place]]..<sorted.starts[order[place] + 1]
                lists.add(ordinals: sorted.ordinals[range], frequencies: sorted.frequencies[range])
            },
            addPositions: positions.map { positions in
                { place, lists in
                    let term = order[place]
                    lists.add(
                        frequencies: sorted.frequencies[sorted.starts[term]..<sorted.starts[term + 1]],
                        positions: positions.sorted[positions.starts[term]..<positions.starts[term + 1]])
                }
            })
    }

    /// All positions by term, then passage, by counting sort; nil when none are kept.
    private func positionsByTerm() -> (starts: [Int], sorted: [UInt32])? {
        guard let positions else { return nil }
        var starts = [Int](repeating: 0, count: table.count + 1)
        for entry in entries { starts[Int(entry.term) + 1] += Int(entry.frequency) }
        for term in 0..<table.count { starts[term + 1] += starts[term] }
        var next = starts
        var sorted = [UInt32](repeating: 0, count: positions.count)
        var position = 0
        for entry in entries {
            for _ in 0..<entry.frequency {
                sorted[next[Int(entry.term)]] = positions[position]
                next[Int(entry.term)] += 1
                position += 1
            }
        }
        return (starts, sorted)
    }

    /// All postings by term, then ordinal, by counting sort.
    private func entriesByTerm() -> (starts: [Int], ordinals: [UInt32], frequencies: [UInt32]) {
        var starts = [Int](repeating: 0, count: table.count + 1)
        for entry in entries { starts[Int(entry.term) + 1] += 1 }
        for term in 0..<table.count { starts[term + 1] += starts[term] }
        var next = starts
        var ordinals = [UInt32](repeating: 0, count: entries.count)
        var frequencies = ordinals
        var begin = 0
        for (ordinal, end) in ends.enumerated() {
            for entry in entries[begin..<end] {
                let place = next[Int(entry.term)]
                ordinals[place] = UInt32(ordinal)
                frequencies[place] = entry.frequency
                next[Int(entry.term)] = place + 1
            }
            begin = end
        }
        return (starts, ordinals, frequencies)
    }
}
