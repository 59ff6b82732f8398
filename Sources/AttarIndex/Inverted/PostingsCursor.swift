import AttarStorage

/// What all cursors of one search read. Pointers are valid only inside `InvertedIndex.withReader`.
struct PostingsReader {
    let postings: UnsafeRawBufferPointer
    let blocks: UnsafeBufferPointer<BlockRecord>
    /// Every ordinal must be below this.
    let passages: UInt32
    /// 1 / norm of each passage.
    let inverseNorms: UnsafePointer<Float>?
    let grid: ScoreGrid
    /// For messages; `withReader` keeps it alive.
    unowned(unsafe) let index: InvertedIndex

    /// What a posting adds to the passage's score.
    @inline(__always)
    func score(weight: Float, frequency: Float, ordinal: UInt32) -> Float {
        let inverse = inverseNorms.map { $0[Int(ordinal)] } ?? 1
        return grid.rounded(BM25.contribution(weight: weight, frequency: frequency, inverseNorm: inverse))
    }
}

/// Walks the postings of one term, ascending, block by block; only blocks that are needed are unpacked.
///
/// The bytes are not trusted: an unpacked block's ordinals ascend and are below the number of passages, or `corrupt` is
/// thrown.
struct PostingsCursor {
    /// What `seek` returns behind the last posting.
    static let end = UInt32.max

    /// The term's weight: inverse document frequency times its weight in the query.
    let weight: Float
    let record: TermRecord
    let blockCount: Int
    private let buffers: PostingBuffers
    private var block = 0
    private var loaded = -1
    private var scored = false
    private var position = 0
    private var count = 0
    /// The frequencies of a loaded full block; nil for a last block, whose frequencies were read with its ordinals.
    private var packedFrequencies: UnsafeRawPointer?
    private var frequencyBits = 0

    init(record: TermRecord, weight: Float, buffers: PostingBuffers) {
        self.record = record
        self.weight = weight
        self.buffers = buffers
        blockCount = (Int(record.documentFrequency) + PostingBlock.size - 1) / PostingBlock.size
    }

    // ------------------------------------------------------------------------------------------------------- blocks

    /// Throws when the list's records do not lie in the file: to be called before anything else.
    func validate(_ reader: PostingsReader) throws {
        let inside = blockCount <= 1 || Int(record.firstBlock) + blockCount <= reader.blocks.count
        guard inside, record.offset <= UInt64(reader.postings.count) else { throw reader.index.corrupt("a list") }
    }

    /// The last ordinal of a block; unknown, thus the largest, for a list of one block.
    @inline(__always)
    private func last(_ block: Int, _ reader: PostingsReader) -> UInt32 {
        blockCount <= 1 ? Self.end - 1 : reader.blocks[Int(record.firstBlock) + block].last
    }

    /// Skips postings before `ordinal`, without unpacking anything.
    ///
    /// - Returns: the smallest ordinal, at or behind `ordinal`, that may come next; `end` behind the list.
    @inline(__always)
    mutating func skip(to ordinal: UInt32, _ reader: PostingsReader) -> UInt32 {
        while block < blockCount {
            if last(block, reader) >= ordinal {
                guard loaded == block else { return block == 0 ? ordinal : max(ordinal, last(block - 1, reader) &+ 1) }
                position = lowerBound(of: ordinal)
                if position < count { return buffers.ordinals[position] }
            }
            block += 1
        }
        return Self.end
    }

    /// The largest score of the postings in the blocks from the current one that reach below `limit`.
    func bound(below limit: UInt32, _ reader: PostingsReader, _ score: (ImpactBound, Float) -> Float) -> Float {
        if blockCount == 1 { return score(record.bound, weight) }
        var largest: Float = 0
        var index = block
        while index < blockCount {
            let entry = reader.blocks[Int(record.firstBlock) + index]
            largest = max(largest, score(entry.bound, weight))
            if entry.last >= limit - 1 { break }
            index += 1
        }
        return largest
    }

    /// Unpacks the ordinals of the current block.
    private mutating func load(_ reader: PostingsReader) throws {
        let packed = block < Int(record.documentFrequency) / PostingBlock.size && blockCount > 1
        let first = block == 0 ? 0 : last(block - 1, reader) &+ 1
        if packed { try loadPacked(first, reader) } else { try loadTail(first, reader) }
        loaded = block
        position = 0
    }

    private mutating func loadPacked(_ first: UInt32, _ reader: PostingsReader) throws {
        let entry = reader.blocks[Int(record.firstBlock) + block]
        let start = Int(record.offset) + Int(entry.offset)
        let bytes = 16 * (Int(entry.ordinalBits) + Int(entry.frequencyBits))
        guard entry.ordinalBits <= 32, entry.frequencyBits <= 32, start + bytes <= reader.postings.count,
            entry.last < reader.passages, let base = reader.postings.baseAddress,
            PostingBlock.unpackOrdinals(
                base + start, bits: Int(entry.ordinalBits), first: first, last: entry.last, into: buffers.ordinals)
        else { throw reader.index.corrupt("a block of postings") }
        count = PostingBlock.size
        scored = false
        packedFrequencies = base + start + 16 * Int(entry.ordinalBits)
        frequencyBits = Int(entry.frequencyBits)
    }

    private mutating func loadTail(_ first: UInt32, _ reader: PostingsReader) throws {
        let offset = blockCount <= 1 ? 0 : Int(reader.blocks[Int(record.firstBlock) + block].offset)
        let start = Int(record.offset) + offset
        count = Int(record.documentFrequency) - block * PostingBlock.size
        guard start <= reader.postings.count,
            PostingBlock.readTail(
                UnsafeRawBufferPointer(rebasing: reader.postings[start...]), count: count, first: first,
                limit: reader.passages, ordinals: buffers.ordinals, frequencies: buffers.scores) != nil
        else { throw reader.index.corrupt("a block of postings") }
        scored = false
        packedFrequencies = nil
    }

    // ----------------------------------------------------------------------------------------------------- postings

    /// Moves to the first posting at or behind `ordinal`; never backwards.
    ///
    /// - Returns: its ordinal, or `end`.
    @inline(__always)
    mutating func seek(_ ordinal: UInt32, _ reader: PostingsReader) throws -> UInt32 {
        if loaded == block, position < count, buffers.ordinals[position] >= ordinal {
            return buffers.ordinals[position]
        }
        return try advance(to: ordinal, reader)
    }

    private mutating func advance(to ordinal: UInt32, _ reader: PostingsReader) throws -> UInt32 {
        while true {
            while block < blockCount, last(block, reader) < ordinal { block += 1 }
            guard block < blockCount else { return Self.end }
            if loaded != block { try load(reader) }
            position = lowerBound(of: ordinal)
            if position < count { return buffers.ordinals[position] }
            block += 1
        }
    }

    private func lowerBound(of ordinal: UInt32) -> Int {
        var (low, high) = (position, count)
        while low < high {
            let middle = (low + high) / 2
            if buffers.ordinals[middle] < ordinal { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The frequency of the posting that `seek` found.
    func frequency(_ reader: PostingsReader) -> Float {
        precondition(!scored, "frequencies were replaced by scores")
        guard let packedFrequencies else { return buffers.scores[position] }
        return PostingBlock.frequency(position, at: packedFrequencies, bits: frequencyBits)
    }

    /// The score of the posting that `seek` found.
    func score(_ reader: PostingsReader) -> Float {
        if scored { return buffers.scores[position] }
        return reader.score(weight: weight, frequency: frequency(reader), ordinal: buffers.ordinals[position])
    }

    /// Adds the scores of all postings below `end` to the window that begins at `start`, and moves behind them.
    ///
    /// - Parameter start: where the cursor was last skipped to.
    mutating func accumulate(
        from start: UInt32, below end: UInt32, into window: ScoreWindow, _ reader: PostingsReader
    ) throws {
        while block < blockCount {
            if loaded != block {
                if block > 0, last(block - 1, reader) >= end - 1 { return }
                try load(reader)
                position = lowerBound(of: start)
            }
            if !scored { scoreBlock(reader) }
            let whole = count > 0 && buffers.ordinals[count - 1] < end
            let limit = whole ? count : lowerBound(of: end)
            let (ordinals, scores) = (buffers.ordinals, buffers.scores)
            for index in position..<limit { window.add(Int(ordinals[index] &- start), scores[index]) }
            position = limit
            if !whole { return }
            block += 1
        }
    }

    /// Replaces the block's frequencies by scores.
    private mutating func scoreBlock(_ reader: PostingsReader) {
        let scores = buffers.scores
        if let packedFrequencies {
            PostingBlock.unpackFrequencies(packedFrequencies, bits: frequencyBits, into: scores)
        }
        let weights = SIMD4<Float>(repeating: weight)
        let norms = reader.inverseNorms
        let ordinals = buffers.ordinals
        let target = UnsafeMutableRawPointer(scores)
        var index = 0
        while index + 4 <= count, let norms {
            let frequencies = target.load(fromByteOffset: 4 * index, as: SIMD4<Float>.self)
            let inverse = SIMD4<Float>(
                norms[Int(ordinals[index])], norms[Int(ordinals[index + 1])], norms[Int(ordinals[index + 2])],
                norms[Int(ordinals[index + 3])])
            // The same operations as `BM25.contribution`, four at a time.
            let contributions = weights - weights / (1 + frequencies * inverse)
            target.storeBytes(of: reader.grid.rounded(contributions), toByteOffset: 4 * index, as: SIMD4<Float>.self)
            index += 4
        }
        while index < count {
            scores[index] = reader.score(weight: weight, frequency: scores[index], ordinal: ordinals[index])
            index += 1
        }
        scored = true
    }
}
