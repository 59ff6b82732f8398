import AttarStorage

/// The optional sections that say where in its passages a term stands; whoever searches without phrases reads none.
///
///     position-places   u64 a dictionary block, and one more: where the entries of its terms start in `positions`
///     position-blocks   u64 a record of `blocks`: where the block's bits start in `positions`, shifted by 8, and their
///                       width
///     positions         an entry a term, in the order of the dictionary, then 8 zeros so that words can be loaded
///
/// An entry begins with the varint of its length in bytes, shifted by 6, and the width of the bits of a list of one
/// block. The positions of a block's postings stand one behind the other at one width, lowest bit first, so that those
/// of one posting are found by the frequencies before it and read alone. Each block begins at a byte. The first
/// position of a posting is kept as it is, a further one as its distance from the one before, less one.
struct PositionSections: Sendable {
    private let places: MappedArray<UInt64>
    private let blocks: MappedArray<UInt64>
    private let bytes: MappedArray<UInt8>
    /// Bytes behind the last entry.
    static let padding = 8

    /// The sections of a file.
    ///
    /// - Throws: `corrupt` when their lengths do not belong together.
    init(_ file: SectionFile, terms: Int, blockRecords: Int) throws {
        let dictionaryBlocks = (terms + InvertedFormat.dictionaryBlock - 1) / InvertedFormat.dictionaryBlock
        places = try file.array("position-places", count: dictionaryBlocks + 1)
        blocks = try file.array("position-blocks", count: blockRecords)
        bytes = try file.array("positions")
        guard bytes.count >= Self.padding else { throw StorageError.altered("the section of positions", of: file.path) }
    }

    /// What cursors read; valid only while the file is mapped.
    var reader: PositionsReader {
        PositionsReader(bytes: UnsafeRawBufferPointer(bytes.elements), blocks: blocks.elements)
    }

    /// The entry of the term of a number; nil when the bytes make no sense.
    ///
    /// - Complexity: O(16).
    func list(of number: Int) -> PositionList? {
        let block = number / InvertedFormat.dictionaryBlock
        let (start, end) = (places[block], places[block + 1])
        guard start <= end, end <= UInt64(bytes.count - Self.padding) else { return nil }
        let entries = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes.elements)[..<Int(end)])
        var position = Int(start)
        for term in (block * InvertedFormat.dictionaryBlock)...number {
            guard let head = PostingBlock.varint(entries, &position), head >> 6 <= UInt64(entries.count - position)
            else { return nil }
            if term == number { return PositionList(start: position, width: Int(head & 63)) }
            position += Int(head >> 6)
        }
        return nil
    }
}

/// Where the positions of one term start, and the width of their bits if its list has one block.
struct PositionList {
    let start: Int
    let width: Int
}

/// The bytes of positions, which are not trusted. Pointers are valid only while the index lives.
struct PositionsReader {
    let bytes: UnsafeRawBufferPointer
    let blocks: UnsafeBufferPointer<UInt64>

    /// The first bit and the width of a block of positions; nil when `count` of them do not lie in the section.
    func block(_ block: Int, of record: TermRecord, _ list: PositionList, count: Int) -> (bit: Int, width: Int)? {
        var (start, width) = (list.start, list.width)
        if Int(record.documentFrequency) > PostingBlock.size {
            let index = Int(record.firstBlock) + block
            guard index < blocks.count, blocks[index] >> 8 <= UInt64(bytes.count) else { return nil }
            (start, width) = (Int(blocks[index] >> 8), Int(blocks[index] & 0xFF))
        }
        guard width <= 32, (count * width + 7) / 8 <= bytes.count - PositionSections.padding - start else { return nil }
        return (8 * start, width)
    }
}

/// The positions of one posting, ascending: `next` before looking at `position`.
struct Occurrences {
    private let bytes: UnsafeRawBufferPointer
    private var bit: Int
    private let width: Int
    private var rest: Int
    /// The position that was reached.
    private(set) var position = UInt32.max

    /// - Precondition: as many numbers of that width, and 8 bytes behind them, are in bounds.
    init(_ bytes: UnsafeRawBufferPointer, bit: Int, width: Int, count: Int) {
        self.bytes = bytes
        self.bit = bit
        self.width = width
        rest = count
    }

    /// Goes on to the next position.
    ///
    /// - Returns: false behind the last one.
    @inline(__always)
    mutating func next() -> Bool {
        guard rest > 0 else { return false }
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self))
        let gap = (word >> UInt64(bit & 7)) & ((1 << UInt64(width)) - 1)
        // Altered bytes may wrap around; who reads counts positions and does not trust their order.
        position = position &+ 1 &+ UInt32(truncatingIfNeeded: gap)
        bit += width
        rest -= 1
        return true
    }
}

/// Finds the positions of the posting at which a `PostingsCursor` stands.
struct PositionsCursor {
    private let list: PositionList
    /// How many positions the block's postings before each one have.
    private let starts: UnsafeMutablePointer<UInt32>
    private var loaded = -1
    private var bit = 0
    private var width = 0

    /// - Parameter starts: room for the numbers of one block.
    init(_ list: PositionList, starts: UnsafeMutablePointer<UInt32>) {
        self.list = list
        self.starts = starts
    }

    /// The positions of the posting that the cursor's `seek` found.
    mutating func occurrences(
        of cursor: PostingsCursor, _ reader: PostingsReader, _ positions: PositionsReader
    ) throws -> Occurrences {
        let (block, index) = cursor.place
        if loaded != block {
            guard let total = cursor.sumNumbers(into: starts) else { throw reader.corrupt("a block of postings") }
            guard let found = positions.block(block, of: cursor.record, list, count: total) else {
                throw reader.corrupt("a block of positions")
            }
            (bit, width) = found
            loaded = block
        }
        let count = PositionsCursor.count(cursor.number(reader))
        return Occurrences(positions.bytes, bit: bit + Int(starts[index]) * width, width: width, count: count)
    }

    /// A frequency as a count; what no writer writes is cut.
    @inline(__always)
    static func count(_ frequency: Float) -> Int { Int(min(frequency, Float(InvertedFormat.largestFrequency))) }
}

/// Writes the sections of positions.
struct PositionsWriter {
    private var places: [UInt64] = []
    private var blocks: [UInt64] = []
    private var bytes: [UInt8] = []
    private var flushed = 0
    private var terms = 0

    /// Writes the sections; memory holds a megabyte of positions, or one list, at a time.
    ///
    /// - Parameter addList: adds the list of each term in turn.
    static func write(
        to writer: SectionFileWriter, count: Int, addList: (_ term: Int, _ lists: inout PositionsWriter) throws -> Void
    ) throws {
        var lists = PositionsWriter()
        try writer.add("positions") { section in
            for term in 0..<count {
                try addList(term, &lists)
                if lists.bytes.count > 1 << 20 { try lists.flush(to: section) }
            }
            lists.places.append(UInt64(lists.flushed + lists.bytes.count))
            lists.bytes += [UInt8](repeating: 0, count: PositionSections.padding)
            try lists.flush(to: section)
        }
        try writer.add("position-places", lists.places)
        try writer.add("position-blocks", lists.blocks)
    }

    private mutating func flush(to section: SectionFileWriter.Sink) throws {
        try section.append(bytes)
        flushed += bytes.count
        bytes.removeAll(keepingCapacity: true)
    }

    /// Adds the positions of a term's postings, one posting behind the other, ascending within each.
    mutating func add(frequencies: ArraySlice<UInt32>, positions: ArraySlice<UInt32>) {
        if terms % InvertedFormat.dictionaryBlock == 0 { places.append(UInt64(flushed + bytes.count)) }
        terms += 1
        let (gaps, ends) = Self.gaps(frequencies, positions)
        let widths = ends.indices.map { block in
            PostingBlock.bits(Array(gaps[(block == 0 ? 0 : ends[block - 1])..<ends[block]]))
        }
        var length = 0
        for (block, end) in ends.enumerated() { length += ((end - (block == 0 ? 0 : ends[block - 1])) * widths[block] + 7) / 8 }
        let single = ends.count <= 1
        PostingBlock.appendVarint(UInt64(length) << 6 | UInt64(single ? widths.first ?? 0 : 0), to: &bytes)
        var start = 0
        for (end, width) in zip(ends, widths) {
            if !single { blocks.append(UInt64(flushed + bytes.count) << 8 | UInt64(width)) }
            pack(gaps[start..<end], width: width)
            start = end
        }
    }

    /// What is kept of each position, and where the positions of each block of postings end.
    private static func gaps(
        _ frequencies: ArraySlice<UInt32>, _ positions: ArraySlice<UInt32>
    ) -> (gaps: [UInt32], ends: [Int]) {
        var gaps: [UInt32] = []
        gaps.reserveCapacity(positions.count)
        var ends: [Int] = []
        var next = positions.startIndex
        for (index, frequency) in frequencies.enumerated() {
            var lowest: UInt32 = 0
            for position in positions[next..<(next + Int(frequency))] {
                precondition(position >= lowest, "position \(position) of a term does not ascend")
                gaps.append(position - lowest)
                lowest = position &+ 1
            }
            next += Int(frequency)
            if (index + 1) % PostingBlock.size == 0 || index + 1 == frequencies.count { ends.append(gaps.count) }
        }
        return (gaps, ends)
    }

    private mutating func pack(_ values: ArraySlice<UInt32>, width: Int) {
        guard width > 0 else { return }
        var (word, filled) = (UInt64(0), 0)
        for value in values {
            word |= UInt64(value) << UInt64(filled)
            filled += width
            while filled >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
                filled -= 8
            }
        }
        if filled > 0 { bytes.append(UInt8(truncatingIfNeeded: word)) }
    }
}
