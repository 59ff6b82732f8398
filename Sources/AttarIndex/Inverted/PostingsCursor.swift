import AttarStorage
import CAttarKernels

/// Walks the postings of one term, ascending, block by block; only blocks that are needed are unpacked.
///
/// The bytes are not trusted: an unpacked block's ordinals ascend and are below the number of passages, or `corrupt` is
/// thrown.
struct PostingsCursor {
    /// What `seek` returns behind the last posting.
    static let end = UInt32.max

    /// The term's weight.
    let weight: Float
    let record: TermRecord
    let blockCount: Int
    /// The largest strength of the list.
    private let strength: Float
    /// How many postings were added to windows.
    private(set) var added = 0
    private let buffers: PostingBuffers
    private var block = 0
    private var loaded = -1
    private var scored = false
    /// The block whose scores were written elsewhere: see `seek(_:above:through:scores:_:)`.
    private var rated = -1
    private var position = 0
    private var count = 0
    /// The numbers of a loaded full block; nil for a last block, whose numbers were read with its ordinals.
    private var packedNumbers: UnsafePointer<UInt8>?
    private var numberBits = 0

    init(_ term: PlannedTerm, buffers: PostingBuffers) {
        record = term.record
        weight = term.weight
        strength = term.strength
        self.buffers = buffers
        blockCount = (Int(record.documentFrequency) + PostingBlock.size - 1) / PostingBlock.size
    }

    // ------------------------------------------------------------------------------------------------------- blocks

    /// Throws when the list's records do not lie in the file: to be called before anything else.
    func validate(_ reader: PostingsReader) throws {
        let inside = blockCount <= 1 || Int(record.firstBlock) + blockCount <= reader.blocks.count
        guard inside, record.offset <= UInt64(reader.postings.count) else { throw reader.corrupt("a list") }
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

    /// The most that a posting in the blocks from the current one that reach below `limit` can score.
    @inline(__always)
    func bound(below limit: UInt32, _ reader: PostingsReader) -> Float {
        if blockCount <= 1 { return reader.score(weight: weight, strength: strength) }
        var largest: Float = 0
        var index = Int(record.firstBlock) + block
        let end = Int(record.firstBlock) + blockCount
        while index < end {
            largest = max(largest, reader.strengths[index])
            if reader.blocks[index].last >= limit - 1 { break }
            index += 1
        }
        return reader.score(weight: weight, strength: largest)
    }

    /// The most that a posting in the block where `ordinal` would stand can score; nil when that block is unpacked, or
    /// is the list's only one. Moves to the block.
    @inline(__always)
    mutating func boundUnlessLoaded(at ordinal: UInt32, _ reader: PostingsReader) -> Float? {
        guard blockCount > 1 else { return nil }
        let first = Int(record.firstBlock)
        moveToBlock(reaching: ordinal, reader)
        guard block < blockCount else { return 0 }
        return loaded == block ? nil : reader.score(weight: weight, strength: reader.strengths[first + block])
    }

    /// The most that a posting at or behind `ordinal` in its block can score, and the last ordinal for which that
    /// holds. Moves to the block.
    @inline(__always)
    mutating func bound(at ordinal: UInt32, _ reader: PostingsReader) -> (score: Float, last: UInt32) {
        guard blockCount > 1 else { return (reader.score(weight: weight, strength: strength), Self.end - 1) }
        let first = Int(record.firstBlock)
        moveToBlock(reaching: ordinal, reader)
        guard block < blockCount else { return (0, Self.end - 1) }
        return (
            reader.score(weight: weight, strength: reader.strengths[first + block]), reader.blocks[first + block].last
        )
    }

    /// Moves to the first block that ends at or behind `ordinal`, by steps that double (Bentley & Yao 1976).
    ///
    /// - Precondition: the list has several blocks.
    @inline(__always)
    private mutating func moveToBlock(reaching ordinal: UInt32, _ reader: PostingsReader) {
        let first = Int(record.firstBlock)
        guard block < blockCount, reader.blocks[first + block].last < ordinal else { return }
        var (low, step) = (block, 1)
        while low + step < blockCount, reader.blocks[first + low + step].last < ordinal {
            low += step
            step *= 2
        }
        var high = min(low + step, blockCount)
        while high - low > 1 {
            let middle = (low + high) / 2
            if reader.blocks[first + middle].last < ordinal { low = middle } else { high = middle }
        }
        block = high
    }

    /// Unpacks the ordinals of the current block.
    private mutating func load(_ reader: PostingsReader) throws {
        let packed = block < Int(record.documentFrequency) / PostingBlock.size && blockCount > 1
        let first = block == 0 ? 0 : last(block - 1, reader) &+ 1
        if packed { try loadPacked(first, reader) } else { try loadTail(first, reader) }
        loaded = block
        position = 0
        scored = false
    }

    private mutating func loadPacked(_ first: UInt32, _ reader: PostingsReader) throws {
        let entry = reader.blocks[Int(record.firstBlock) + block]
        let start = Int(record.offset) + Int(entry.offset)
        let bytes = 16 * (Int(entry.ordinalBits) + Int(entry.frequencyBits))
        guard entry.ordinalBits <= 32, entry.frequencyBits <= 32, start + bytes <= reader.postings.count,
            entry.last < reader.passages, let base = reader.postings.baseAddress,
            PostingBlock.unpackOrdinals(
                base + start, bits: Int(entry.ordinalBits), first: first, last: entry.last, into: buffers.ordinals)
        else { throw reader.corrupt("a block of postings") }
        count = PostingBlock.size
        packedNumbers = (base + start + 16 * Int(entry.ordinalBits)).assumingMemoryBound(to: UInt8.self)
        numberBits = Int(entry.frequencyBits)
    }

    private mutating func loadTail(_ first: UInt32, _ reader: PostingsReader) throws {
        let offset = blockCount <= 1 ? 0 : Int(reader.blocks[Int(record.firstBlock) + block].offset)
        let start = Int(record.offset) + offset
        count = Int(record.documentFrequency) - block * PostingBlock.size
        guard start <= reader.postings.count,
            PostingBlock.readTail(
                UnsafeRawBufferPointer(rebasing: reader.postings[start...]), count: count, first: first,
                limit: reader.passages, ordinals: buffers.ordinals, numbers: buffers.scores) != nil
        else { throw reader.corrupt("a block of postings") }
        packedNumbers = nil
        // The last group of ordinals is whole: see `lowerBound`.
        for place in count..<(count + PostingBlock.groupSize - 1) / PostingBlock.groupSize * PostingBlock.groupSize {
            buffers.ordinals[place] = Self.end
        }
    }

    /// Calls `body` with the ordinals and the numbers of each block from the current one on.
    mutating func forEachBlock(
        _ reader: PostingsReader, _ body: (UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        while block < blockCount {
            try load(reader)
            if let packedNumbers { attar_unpack_counts(packedNumbers, UInt32(numberBits), buffers.scores) }
            packedNumbers = nil
            try body(
                UnsafeBufferPointer(start: buffers.ordinals, count: count),
                UnsafeBufferPointer(start: buffers.scores, count: count))
            block += 1
        }
    }

    // ----------------------------------------------------------------------------------------------------- postings

    /// Moves to the first posting at or behind `ordinal`; never backwards.
    ///
    /// - Returns: its ordinal, or `end`.
    @inline(__always)
    mutating func seek(_ ordinal: UInt32, _ reader: PostingsReader) throws -> UInt32 {
        if loaded == block {
            if position < count, buffers.ordinals[position] >= ordinal { return buffers.ordinals[position] }
            // A list that leads goes on to its next posting most of the time.
            if position + 1 < count, buffers.ordinals[position + 1] >= ordinal {
                position += 1
                return buffers.ordinals[position]
            }
        }
        return try advance(to: ordinal, reader)
    }

    private mutating func advance(to ordinal: UInt32, _ reader: PostingsReader) throws -> UInt32 {
        if loaded == block, isNear(ordinal) { return buffers.ordinals[position] }
        while true {
            if blockCount > 1 { moveToBlock(reaching: ordinal, reader) } else if ordinal == Self.end { block = 1 }
            guard block < blockCount else { return Self.end }
            if loaded != block { try load(reader) }
            position = lowerBound(of: ordinal)
            if position < count { return buffers.ordinals[position] }
            block += 1
        }
    }

    /// Moves to the first posting at or behind `ordinal` that scores above `limit`, but not behind `last`.
    ///
    /// - Parameters:
    ///   - last: not behind the end of the block where `ordinal` would stand.
    ///   - scores: room for a block, for this cursor alone.
    /// - Returns: its ordinal; one behind `last`, to which the cursor has not moved, when there is none.
    mutating func seek(
        _ ordinal: UInt32, above limit: Float, through last: UInt32, scores: UnsafeMutablePointer<Float>,
        _ reader: PostingsReader
    ) throws -> UInt32 {
        let found = try seek(ordinal, reader)
        guard found <= last else { return found }
        if rated != block {
            rateBlock(into: scores, reader)
            rated = block
        }
        while position < count, buffers.ordinals[position] <= last {
            if scores[position] > limit { return buffers.ordinals[position] }
            position += 1
        }
        return last + 1
    }

    /// Moves to the ordinal when it stands among the next 16, where that of a list some times as long mostly does.
    @inline(__always)
    private mutating func isNear(_ ordinal: UInt32) -> Bool {
        let group = PostingBlock.groupSize
        // The last group is whole: see `loadTail`.
        let near = buffers.ordinals + min(position, (count + group - 1) / group * group - group)
        guard count > 0, near[group - 1] >= ordinal else { return false }
        position = near - buffers.ordinals + Int(attar_count_below_16(near, ordinal))
        return position < count
    }

    /// The first place in the block whose ordinal is not below the given one.
    ///
    /// Counts the groups that end below it, then within a group: no branch and no load depends on the one before.
    @inline(__always)
    private func lowerBound(of ordinal: UInt32) -> Int {
        let group = PostingBlock.groupSize
        var first = 0
        var end = group - 1
        while end < count - 1 {
            first &+= buffers.ordinals[end] < ordinal ? group : 0
            end &+= group
        }
        return first &+ Int(attar_count_below_16(buffers.ordinals + first, ordinal))
    }

    /// The number of the posting that `seek` found.
    func number(_ reader: PostingsReader) -> Float {
        precondition(!scored, "numbers were replaced by scores")
        guard let packedNumbers else { return buffers.scores[position] }
        return PostingBlock.number(position, at: packedNumbers, bits: numberBits)
    }

    /// The block of the posting that `seek` found, and the posting's place in it.
    var place: (block: Int, index: Int) { (loaded, position) }

    /// Adds up the numbers of the loaded block: those before each posting.
    ///
    /// - Parameter sums: room for 129 numbers.
    /// - Returns: the sum of all; nil when they are larger than any frequency.
    func sumNumbers(into sums: UnsafeMutablePointer<UInt32>) -> Int? {
        precondition(!scored, "numbers were replaced by scores")
        if let packedNumbers {
            // Numbers are packed as gaps are, which come back as their sums: ordinal i is one less than the sum of the
            // first i + 1 numbers. 128 numbers of 24 bits cannot wrap around.
            guard numberBits <= 24 else { return nil }
            sums[0] = 0
            attar_unpack_ordinals(packedNumbers, UInt32(numberBits), 1, sums + 1)
            return Int(sums[PostingBlock.size])
        }
        var sum = 0
        for index in 0..<count {
            sums[index] = UInt32(truncatingIfNeeded: sum)
            sum += PositionsCursor.count(buffers.scores[index])
        }
        return sum
    }

    /// The score of the posting that `seek` found.
    func score(_ reader: PostingsReader) -> Float {
        if scored { return buffers.scores[position] }
        return reader.score(weight: weight, number: number(reader), ordinal: buffers.ordinals[position])
    }

    /// The same, out of the scores of its block where `seek(_:above:through:scores:_:)` has written them.
    func score(rated scores: UnsafeMutablePointer<Float>, _ reader: PostingsReader) -> Float {
        rated == loaded ? scores[position] : score(reader)
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
            window.add(buffers.ordinals + position, buffers.scores + position, count: limit - position, start: start)
            added += limit - position
            position = limit
            if !whole { return }
            block += 1
        }
    }

    /// Replaces the block's numbers by scores.
    private mutating func scoreBlock(_ reader: PostingsReader) {
        rateBlock(into: buffers.scores, reader)
        scored = true
    }

    /// Writes the scores of the block's postings.
    private func rateBlock(into scores: UnsafeMutablePointer<Float>, _ reader: PostingsReader) {
        if let packedNumbers {
            attar_unpack_counts(packedNumbers, UInt32(numberBits), scores)
        } else if scores != buffers.scores {
            scores.update(from: buffers.scores, count: count)
        }
        switch reader.function {
        case .linear: attar_linear_scores(count, weight, reader.grid.step, scores)
        case .saturating(let norms?):
            attar_saturated_scores(buffers.ordinals, norms, count, weight, reader.grid.step, scores)
        case .saturating(nil):
            for index in 0..<count { scores[index] = reader.score(weight: weight, strength: scores[index]) }
        }
    }
}
