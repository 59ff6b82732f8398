/// Unigram: a word becomes the sequence of pieces whose scores add up to the most, found by Viterbi's algorithm.
///
/// Source: Kudo, "Subword Regularization" (2018), section 3; ties as in `encode_optimized` of Hugging Face
/// `tokenizers`: the path that was found first stays.
struct UnigramModel: Sendable {
    /// The pieces.
    let trie: ByteTrie
    /// The logarithmic probability of each piece, by id.
    let scores: [Double]
    /// What stands for a run of characters that no piece spells.
    let unknownID: Int32
    /// The score of such a character.
    let unknownScore: Double
    /// With `byte_fallback`, the id of the piece `<0xNN>` for each byte, -1 where there is none; else empty.
    let byteIDs: [Int32]

    /// What an unknown character costs more than the least likely piece.
    static let unknownPenalty = 10.0

    /// The best way to each byte of a word, kept from word to word so that nothing is allocated.
    struct Lattice {
        fileprivate var scores: [Double] = []
        fileprivate var starts: [Int32] = []
        fileprivate var ids: [Int32] = []

        /// Makes room for `count` bytes, none of them reached.
        fileprivate mutating func reset(_ count: Int) {
            if starts.count <= count {
                scores = Array(repeating: 0, count: count + 1)
                starts = Array(repeating: -1, count: count + 1)
                ids = Array(repeating: 0, count: count + 1)
                return
            }
            for index in 0...count { starts[index] = -1 }
        }
    }

    /// Appends the ids of the word `bytes[range]`, which must be valid UTF-8.
    ///
    /// - Complexity: O(`range.count` · longest piece).
    func append(_ bytes: [UInt8], _ range: Range<Int>, lattice: inout Lattice, to ids: inout [Int32]) {
        guard !range.isEmpty else { return }
        lattice.reset(range.count)
        lattice.scores[0] = 0
        var start = range.lowerBound
        while start < range.upperBound {
            let length = min(UTF8Bytes.length(startingWith: bytes[start]), range.upperBound - start)
            extend(from: start, scalarLength: length, bytes, range, &lattice)
            start &+= length
        }
        let first = ids.count
        var end = range.count
        while end > 0 {
            var begin = Int(lattice.starts[end])
            let id = lattice.ids[end]
            if id == unknownID {
                // Unknown characters side by side become one (`fuse_unk`).
                while begin > 0 && lattice.ids[begin] == unknownID { begin = Int(lattice.starts[begin]) }
                appendUnknown(bytes, range.lowerBound + begin..<range.lowerBound + end, to: &ids)
            } else {
                ids.append(id)
            }
            end = begin
        }
        ids[first...].reverse()
    }

    /// Tries all pieces that begin at `start`, and the unknown one when none is a single character.
    @inline(__always)
    private func extend(
        from start: Int, scalarLength: Int, _ bytes: [UInt8], _ range: Range<Int>, _ lattice: inout Lattice
    ) {
        let origin = start &- range.lowerBound
        let here = lattice.scores[origin]
        var hasSingle = false
        var node = ByteTrie.root
        var position = start
        while position < range.upperBound {
            node = trie.child(of: node, by: bytes[position])
            if node == ByteTrie.root { break }
            position &+= 1
            let id = trie.values[Int(node)]
            if id < 0 { continue }
            if position &- start == scalarLength { hasSingle = true }
            lattice.offer(id, scores[Int(id)] + here, from: origin, to: position &- range.lowerBound)
        }
        if !hasSingle {
            lattice.offer(unknownID, unknownScore + here, from: origin, to: origin &+ scalarLength)
        }
    }

    /// Appends, last first, what stands for characters that no piece spells: the piece that has their text after all,
    /// the pieces of their bytes, or the unknown id.
    private func appendUnknown(_ bytes: [UInt8], _ range: Range<Int>, to ids: inout [Int32]) {
        if let id = trie.value(of: bytes[range]) { return ids.append(id) }
        if !byteIDs.isEmpty, bytes[range].allSatisfy({ byteIDs[Int($0)] >= 0 }) {
            for byte in bytes[range].reversed() { ids.append(byteIDs[Int(byte)]) }
        } else {
            ids.append(unknownID)
        }
    }
}

extension UnigramModel.Lattice {
    /// Takes a way to the byte `end` if it is the first or better than the best so far.
    @inline(__always)
    fileprivate mutating func offer(_ id: Int32, _ score: Double, from start: Int, to end: Int) {
        guard starts[end] < 0 || score > scores[end] else { return }
        scores[end] = score
        starts[end] = Int32(truncatingIfNeeded: start)
        ids[end] = id
    }
}
