import AttarStorage

/// The sorted terms of an index: front-coded blocks of 16, found by binary search over the blocks' first eight bytes.
struct TermDictionary: Sendable {
    private let keys: MappedArray<UInt64>
    private let places: MappedArray<UInt64>
    private let terms: MappedArray<UInt8>
    /// The number of terms.
    let count: Int

    /// The dictionary of a file.
    ///
    /// - Throws: `corrupt` when the sections' lengths do not belong together.
    init(_ file: SectionFile, count: Int) throws {
        let blocks = (count + InvertedFormat.dictionaryBlock - 1) / InvertedFormat.dictionaryBlock
        keys = try file.array("keys", count: blocks)
        places = try file.array("places", count: blocks + 1)
        terms = try file.array("terms")
        self.count = count
    }

    /// The term's number in sorted order, or nil.
    ///
    /// - Complexity: O(log(terms) + 16).
    func number(of term: UnsafeBufferPointer<UInt8>) -> Int? {
        let target = UnsafeRawBufferPointer(term)
        return lastBlock(notAbove: term).flatMap { scan($0, for: target) }
    }

    /// The last block whose first term is not above the given one; nil when there is none.
    private func lastBlock(notAbove term: UnsafeBufferPointer<UInt8>) -> Int? {
        let target = UnsafeRawBufferPointer(term)
        let key = Self.key(of: term)
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key || (keys[middle] == key && !block(middle, startsAbove: target)) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low == 0 ? nil : low - 1
    }

    /// Whether the block's first term is above the target.
    private func block(_ block: Int, startsAbove target: UnsafeRawBufferPointer) -> Bool {
        let bytes = bytes(of: block)
        var position = 0
        guard let (_, suffix) = Self.entry(bytes, &position) else { return true }
        return target.lexicographicallyPrecedes(bytes[suffix])
    }

    /// Looks for the target in a block whose first term is not above it, comparing each byte once: `common` is how many
    /// bytes the target shares with the term before.
    private func scan(_ block: Int, for target: UnsafeRawBufferPointer) -> Int? {
        let bytes = bytes(of: block)
        let first = block * InvertedFormat.dictionaryBlock
        var (position, common) = (0, 0)
        for number in first..<min(first + InvertedFormat.dictionaryBlock, count) {
            guard let (shared, suffix) = Self.entry(bytes, &position) else { return nil }
            if shared > common { continue }
            if shared < common { return nil }
            var index = suffix.lowerBound
            while index < suffix.upperBound, common < target.count, bytes[index] == target[common] {
                (index, common) = (index + 1, common + 1)
            }
            if index == suffix.upperBound, common == target.count { return number }
            if common == target.count { return nil }
            if index < suffix.upperBound, bytes[index] > target[common] { return nil }
        }
        return nil
    }

    /// Calls `body` with every term from the first on, until it returns false.
    ///
    /// - Returns: false when the bytes of a block make no sense.
    func forEach(_ body: (Int, [UInt8]) throws -> Bool) rethrows -> Bool {
        var cursor = TermCursor(self)
        while cursor.number < count {
            guard cursor.read() else { return false }
            guard try body(cursor.number, cursor.term) else { return true }
            cursor.advance()
        }
        return true
    }

    /// Calls `body` with each term that begins with the given bytes.
    ///
    /// - Returns: false when the bytes of a block make no sense.
    /// - Complexity: O(log(terms) + terms found).
    func forEach(beginningWith prefix: [UInt8], _ body: ([UInt8]) throws -> Void) rethrows -> Bool {
        var cursor = TermCursor(self, block: prefix.withUnsafeBufferPointer { lastBlock(notAbove: $0) } ?? 0)
        while cursor.number < count {
            guard cursor.read() else { return false }
            if cursor.term.starts(with: prefix) {
                try body(cursor.term)
            } else if prefix.lexicographicallyPrecedes(cursor.term) {
                return true
            }
            cursor.advance()
        }
        return true
    }

    /// The bytes of a block; none when its place lies outside of the section.
    fileprivate func bytes(of block: Int) -> UnsafeRawBufferPointer {
        let (start, end) = (places[block], places[block + 1])
        guard start <= end, end <= UInt64(terms.count) else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let all = UnsafeRawBufferPointer(terms.elements)
        return UnsafeRawBufferPointer(rebasing: all[Int(start)..<Int(end)])
    }

    fileprivate static func entry(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) -> (shared: Int, suffix: Range<Int>)? {
        guard let shared = PostingBlock.varint(bytes, &position), shared <= UInt64(UInt32.max),
            let length = PostingBlock.varint(bytes, &position), length <= UInt64(bytes.count - position)
        else { return nil }
        let start = position
        position += Int(length)
        return (Int(shared), start..<position)
    }

    /// The first eight bytes as a number that orders as they do.
    static func key(of term: some Collection<UInt8>) -> UInt64 {
        var key: UInt64 = 0
        for byte in term.prefix(8) { key = key << 8 | UInt64(byte) }
        return term.count >= 8 ? key : key << UInt64(8 * (8 - term.count))
    }
}

/// Walks the terms of a dictionary, ascending: `read` before looking at `term`, `advance` to go on.
struct TermCursor {
    private let dictionary: TermDictionary
    /// The number of the term; the dictionary's count behind the last one.
    private(set) var number = 0
    /// The bytes of the term that was read last.
    private(set) var term: [UInt8] = []
    private var position = 0

    /// - Parameter block: where to start.
    init(_ dictionary: TermDictionary, block: Int = 0) {
        self.dictionary = dictionary
        number = block * InvertedFormat.dictionaryBlock
    }

    /// Reads the term that the cursor stands at; to be called once for each.
    ///
    /// - Returns: false when the bytes make no sense.
    /// - Precondition: the cursor stands at a term.
    mutating func read() -> Bool {
        let bytes = dictionary.bytes(of: number / InvertedFormat.dictionaryBlock)
        if number % InvertedFormat.dictionaryBlock == 0 {
            position = 0
            term.removeAll(keepingCapacity: true)
        }
        guard let (shared, suffix) = TermDictionary.entry(bytes, &position), shared <= term.count else { return false }
        term.removeLast(term.count - shared)
        term.append(contentsOf: bytes[suffix])
        return true
    }

    /// Goes on to the next term.
    mutating func advance() { number += 1 }
}

/// Gathers the three sections of a dictionary from terms that come in ascending order.
struct TermDictionaryWriter {
    /// The number of terms so far.
    private(set) var count = 0
    private var keys: [UInt64] = []
    private var places: [UInt64] = []
    private var bytes: [UInt8] = []
    private var previous: [UInt8] = []

    /// Adds a term, which must be above the one before.
    mutating func add(_ term: some Collection<UInt8>) {
        if count % InvertedFormat.dictionaryBlock == 0 {
            keys.append(TermDictionary.key(of: term))
            places.append(UInt64(bytes.count))
            previous.removeAll(keepingCapacity: true)
        }
        let shared = zip(previous, term).prefix { $0 == $1 }.count
        PostingBlock.appendVarint(UInt64(shared), to: &bytes)
        PostingBlock.appendVarint(UInt64(term.count - shared), to: &bytes)
        bytes.append(contentsOf: term.dropFirst(shared))
        previous.removeLast(previous.count - shared)
        previous.append(contentsOf: term.dropFirst(shared))
        count += 1
    }

    /// Writes the sections.
    func write(to writer: SectionFileWriter) throws {
        try writer.add("keys", keys)
        try writer.add("places", places + [UInt64(bytes.count)])
        try writer.add("terms", bytes)
    }
}
