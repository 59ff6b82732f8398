/// WordPiece: a word becomes the longest piece that starts it, then the longest that continues it, and so on; a word
/// that cannot be spelled to its end becomes one unknown token.
struct WordPieceModel: Sendable {
    /// The pieces, continuing ones with their prefix.
    let trie: ByteTrie
    /// The node behind the continuing prefix (`##`), or the root when no piece continues a word.
    let continuation: UInt32
    /// Whether any piece can continue a word.
    let hasContinuation: Bool
    /// What stands for a word that cannot be spelled.
    let unknownID: Int32
    /// Longer words are unknown without a try; counted in Unicode scalars.
    let maximumScalars: Int

    init(trie: ByteTrie, continuingPrefix: String, unknownID: Int32, maximumScalars: Int) {
        self.trie = trie
        self.unknownID = unknownID
        self.maximumScalars = maximumScalars
        let node = trie.node(of: continuingPrefix.utf8)
        continuation = node ?? ByteTrie.root
        hasContinuation = node != nil
    }

    /// Appends the ids of the word `bytes[range]`, which has `scalarCount` scalars.
    ///
    /// - Complexity: O(`range.count` · longest piece) at worst, O(`range.count`) for most words.
    @inline(__always)
    func append(_ bytes: [UInt8], _ range: Range<Int>, scalarCount: Int, to ids: inout [Int32]) {
        guard scalarCount <= maximumScalars else { return ids.append(unknownID) }
        let firstID = ids.count
        var start = range.lowerBound
        var root = ByteTrie.root
        while start < range.upperBound {
            var node = root
            var best: Int32 = -1
            var end = start
            var position = start
            while position < range.upperBound {
                node = trie.child(of: node, by: bytes[position])
                if node == ByteTrie.root { break }
                position &+= 1
                let value = trie.values[Int(node)]
                if value >= 0 {
                    best = value
                    end = position
                }
            }
            guard best >= 0, start == range.lowerBound || hasContinuation else {
                ids.removeSubrange(firstID...)
                return ids.append(unknownID)
            }
            ids.append(best)
            start = end
            root = continuation
        }
    }
}
