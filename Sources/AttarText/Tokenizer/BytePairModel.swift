/// Byte-level byte-pair encoding: a word starts as its bytes; again and again the pair that the model learned first is
/// joined, the leftmost one among equals, until no pair is left that the model knows.
///
/// Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016).
struct BytePairModel: Sendable {
    /// The vocabulary in the characters of `ByteAlphabet`.
    let trie: ByteTrie
    /// The id of each byte's character, -1 where the vocabulary holds none.
    let byteIDs: [Int32]
    /// The pairs that are joined.
    let merges: MergeTable
    /// Whether a word that the vocabulary holds is one token, whatever the merges say.
    let ignoresMerges: Bool
    /// What stands for a byte that the vocabulary does not hold; without it such a byte disappears.
    let unknownID: Int32?
    /// Whether unknown bytes side by side become one token.
    let fusesUnknown: Bool

    /// Up to so many symbols, looking through all pairs is faster than keeping them in a heap.
    private static let scanLimit = 48

    /// A word's symbols, kept from word to word so that nothing is allocated.
    struct Word {
        fileprivate var symbols: [Int32] = []
        /// For each symbol, the rank of the pair that it begins and what it becomes; `MergeTable.none` without one.
        fileprivate var pairs: [MergeTable.Merge] = []
        fileprivate var next: [Int32] = []
        fileprivate var previous: [Int32] = []
        fileprivate var heap = MinHeap()
    }

    /// Appends the ids of the word `bytes[range]`.
    ///
    /// - Complexity: O(n²) table look-ups for short words, O(n log n) for words of more than 48 bytes.
    func append(_ bytes: [UInt8], _ range: Range<Int>, word: inout Word, to ids: inout [Int32]) {
        if ignoresMerges, let id = wholeWord(bytes, range) { return ids.append(id) }
        start(bytes, range, &word.symbols)
        if word.symbols.count > Self.scanLimit {
            mergeWithHeap(&word, to: &ids)
        } else {
            mergeByScanning(&word)
            ids.append(contentsOf: word.symbols)
        }
    }

    private func wholeWord(_ bytes: [UInt8], _ range: Range<Int>) -> Int32? {
        let encodings = ByteAlphabet.encodings
        var node = ByteTrie.root
        for position in range {
            let encoding = encodings[Int(bytes[position])]
            node = trie.child(of: node, by: encoding.first)
            if node != ByteTrie.root, encoding.second != 0 { node = trie.child(of: node, by: encoding.second) }
            if node == ByteTrie.root { return nil }
        }
        let id = trie.values[Int(node)]
        return id < 0 ? nil : id
    }

    /// Fills `symbols` with the ids of the bytes.
    private func start(_ bytes: [UInt8], _ range: Range<Int>, _ symbols: inout [Int32]) {
        symbols.removeAll(keepingCapacity: true)
        var wasUnknown = false
        for position in range {
            let id = byteIDs[Int(bytes[position])]
            if id >= 0 {
                symbols.append(id)
                wasUnknown = false
            } else if let unknownID {
                if !(wasUnknown && fusesUnknown) { symbols.append(unknownID) }
                wasUnknown = true
            }
        }
    }

    /// Joins pairs until none is left; the best one is looked for among all.
    private func mergeByScanning(_ word: inout Word) {
        guard word.symbols.count > 1 else { return }
        word.pairs.removeAll(keepingCapacity: true)
        for index in 1..<word.symbols.count {
            word.pairs.append(merges[word.symbols[index &- 1], word.symbols[index]])
        }
        while true {
            var best = 0
            var rank = MergeTable.none.rank
            for index in word.pairs.indices where word.pairs[index].rank < rank {
                rank = word.pairs[index].rank
                best = index
            }
            if rank == MergeTable.none.rank { return }
            word.symbols[best] = word.pairs[best].id
            word.symbols.remove(at: best + 1)
            word.pairs.remove(at: best)
            if best > 0 { word.pairs[best - 1] = merges[word.symbols[best - 1], word.symbols[best]] }
            if best < word.pairs.count { word.pairs[best] = merges[word.symbols[best], word.symbols[best + 1]] }
        }
    }

    /// Joins pairs until none is left; a heap holds them by rank and place. Entries whose pair has changed since are
    /// passed over.
    private func mergeWithHeap(_ word: inout Word, to ids: inout [Int32]) {
        let count = word.symbols.count
        word.next = (0..<count).map { $0 + 1 < count ? Int32($0 + 1) : -1 }
        word.previous = (0..<count).map { Int32($0 - 1) }
        word.pairs = Array(repeating: MergeTable.none, count: count)
        word.heap.removeAll()
        for index in 0..<count { enter(index, &word) }
        while let key = word.heap.popMin() {
            let index = Int(key & 0xFFFF_FFFF)
            let merge = word.pairs[index]
            guard merge.rank == UInt32(key >> 32), merge.rank != MergeTable.none.rank else { continue }
            let joined = Int(word.next[index])
            word.symbols[index] = merge.id
            word.pairs[joined] = MergeTable.none
            word.next[index] = word.next[joined]
            if word.next[index] >= 0 { word.previous[Int(word.next[index])] = Int32(index) }
            enter(index, &word)
            if word.previous[index] >= 0 { enter(Int(word.previous[index]), &word) }
        }
        var index = 0
        while index >= 0 {
            ids.append(word.symbols[index])
            index = Int(word.next[index])
        }
    }

    /// Notes the pair that begins at `index`.
    private func enter(_ index: Int, _ word: inout Word) {
        let next = Int(word.next[index])
        guard next >= 0 else {
            word.pairs[index] = MergeTable.none
            return
        }
        let merge = merges[word.symbols[index], word.symbols[next]]
        word.pairs[index] = merge
        if merge.rank != MergeTable.none.rank { word.heap.insert(UInt64(merge.rank) << 32 | UInt64(index)) }
    }
}
