import AttarStorage

/// Turns lists of postings into blocks, bytes and records.
struct PostingsWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var records: [TermRecord] = []
    private(set) var blocks: [BlockRecord] = []
    private var flushed = 0
    private let lengths: [UInt32]
    private let averageLength: Double
    private var listFrontier = ImpactFrontier()
    private var blockFrontier = ImpactFrontier()
    private var best = BestPostings()

    /// - Parameter lengths: a passage each; empty when numbers stand for themselves, as learned weights do.
    init(lengths: [UInt32], averageLength: Double) {
        self.lengths = lengths
        self.averageLength = averageLength
    }

    /// Writes lists as the sections "postings", "records" and "blocks"; memory holds a megabyte of postings at a time.
    ///
    /// - Parameters:
    ///   - count: how often `addLists` is called.
    ///   - addLists: adds the next list, or the next ones that belong together.
    mutating func write(
        to writer: SectionFileWriter, count: Int, addLists: (_ index: Int, _ lists: inout PostingsWriter) throws -> Void
    ) throws {
        try writer.add("postings") { section in
            for index in 0..<count {
                try addLists(index, &self)
                if bytes.count > 1 << 20 { try flush(to: section) }
            }
            try flush(to: section)
        }
        try writer.add("records", records)
        try writer.add("blocks", blocks)
    }

    /// Hands the bytes made so far to the file.
    private mutating func flush(to section: SectionFileWriter.Sink) throws {
        try section.append(bytes)
        flushed += bytes.count
        bytes.removeAll(keepingCapacity: true)
    }

    /// Adds the list of the next term; of none, when it has no postings.
    mutating func add(ordinals: ArraySlice<UInt32>, frequencies: ArraySlice<UInt32>) {
        let start = flushed + bytes.count
        let firstBlock = blocks.count
        let single = ordinals.count <= InvertedFormat.blockSize
        var next: UInt32 = 0
        listFrontier.reset()
        best.reset()
        var position = ordinals.startIndex
        while position < ordinals.endIndex {
            let range = position..<min(position + InvertedFormat.blockSize, ordinals.endIndex)
            let block = addBlock(ordinals[range], frequencies[range], from: next, listStart: start, packed: !single)
            if !single { blocks.append(block) }
            next = block.last + 1
            position = range.upperBound
        }
        records.append(
            TermRecord(
                offset: UInt64(start), documentFrequency: UInt32(ordinals.count),
                firstBlock: single ? 0 : UInt32(firstBlock), bound: listFrontier.bound(averageLength: averageLength),
                floor: best.floor(isCode: lengths.isEmpty)))
    }

    private mutating func addBlock(
        _ ordinals: ArraySlice<UInt32>, _ frequencies: ArraySlice<UInt32>, from first: UInt32, listStart: Int,
        packed: Bool
    ) -> BlockRecord {
        let offset = flushed + bytes.count - listStart
        blockFrontier.reset()
        var gaps: [UInt32] = []
        var next = first
        for (ordinal, frequency) in zip(ordinals, frequencies) {
            gaps.append(ordinal - next)
            next = ordinal + 1
            let length = lengths.isEmpty ? 0 : lengths[Int(ordinal)]
            blockFrontier.add(frequency: frequency, length: length)
            best.add(frequency: frequency, length: length, averageLength: averageLength)
        }
        listFrontier.add(blockFrontier)
        let counts = frequencies.map { $0 - 1 }
        let full = packed && gaps.count == InvertedFormat.blockSize
        let bits = full ? (PostingBlock.bits(gaps), PostingBlock.bits(counts)) : (0, 0)
        if full {
            PostingBlock.pack(gaps, bits: bits.0, into: &bytes)
            PostingBlock.pack(counts, bits: bits.1, into: &bytes)
        } else {
            for (gap, count) in zip(gaps, counts) { appendTail(gap: gap, count: count) }
        }
        return BlockRecord(
            last: next - 1, offset: UInt32(clamping: offset), bound: blockFrontier.bound(averageLength: averageLength),
            ordinalBits: UInt8(bits.0), frequencyBits: UInt8(bits.1))
    }

    private mutating func appendTail(gap: UInt32, count: UInt32) {
        PostingBlock.appendVarint(UInt64(gap) << 1 | (count == 0 ? 1 : 0), to: &bytes)
        if count > 0 { PostingBlock.appendVarint(UInt64(count) + 1, to: &bytes) }
    }
}
