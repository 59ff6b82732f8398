/// Byte strings of tokens as one tree, written down in the order of a walk through it: a byte and a depth for each
/// node, and where the walk goes on when a subtree is left out.
struct VocabularyTrie: Sendable {
    private var bytes: [UInt8] = []
    private var depths: [UInt16] = []
    /// The node behind a node's subtree.
    private var ends: [Int32] = []
    /// The first token of a node in `tokens`; one more than there are nodes.
    private var firsts: [Int32] = [0]
    private var tokens: [Int32] = []

    /// Longer tokens are left out: no vocabulary has any, and depths stay small numbers.
    private static let longest = 4096

    /// - Parameter strings: `[tokens]`; those that are empty have no place in the tree.
    /// - Complexity: O(bytes + tokens · log(tokens)).
    init(_ strings: [(token: Int32, bytes: [UInt8])]) {
        let sorted = strings.filter { (1...Self.longest).contains($0.bytes.count) }
            .sorted { Self.precedes($0.bytes, $1.bytes) }
        var open: [Int32] = []
        var previous: [UInt8] = []
        for (token, string) in sorted {
            let shared = zip(previous, string).prefix { $0 == $1 }.count
            close(&open, to: shared)
            for position in shared..<string.count {
                open.append(Int32(bytes.count))
                bytes.append(string[position])
                depths.append(UInt16(position))
                ends.append(0)
                firsts.append(Int32(tokens.count))
            }
            // Equal strings follow one another, so the node at the end of the list is theirs.
            tokens.append(token)
            firsts[firsts.count - 1] = Int32(tokens.count)
            previous = string
        }
        close(&open, to: 0)
    }

    private mutating func close(_ open: inout [Int32], to depth: Int) {
        while open.count > depth { ends[Int(open.removeLast())] = Int32(bytes.count) }
    }

    private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in a.lexicographicallyPrecedes(b) }
        }
    }

    /// Walks through the tree, and leaves out what the automaton refuses.
    ///
    /// - Parameters:
    ///   - start: where the text stands before the first byte.
    ///   - levels: buffers, kept from walk to walk.
    ///   - found: called for each token whose bytes may all stand there.
    /// - Complexity: O(nodes whose bytes are looked at).
    func walk(
        _ automaton: inout GrammarAutomaton, from start: GrammarAutomaton.Configuration,
        levels: inout [[GrammarAutomaton.Configuration]], _ found: (Int32) -> Void
    ) {
        var node = 0
        while node < bytes.count {
            let depth = Int(depths[node])
            while levels.count < depth + 2 { levels.append([]) }
            if depth == 0 { levels[0] = [start] }
            var next = levels[depth + 1]
            levels[depth + 1] = []
            automaton.step(levels[depth], bytes[node], into: &next)
            let goesOn = !next.isEmpty
            levels[depth + 1] = next
            guard goesOn else {
                node = Int(ends[node])
                continue
            }
            for place in Int(firsts[node])..<Int(firsts[node + 1]) { found(tokens[place]) }
            node += 1
        }
    }
}

/// A vocabulary as constraints see it: which bytes a token stands for, and what it does within a JSON string.
final class ConstraintVocabulary: Sendable {
    /// The bytes of each token; empty for special tokens and ids without a token, which never may come.
    let bytes: [[UInt8]]
    /// All tokens.
    let trie: VocabularyTrie
    /// For each token, the characters that begin in it when it stands wholly within a string, from one character's end
    /// on; -1 when it does not.
    let charactersInside: [Int16]
    /// The tokens that stand wholly within a string, whatever their characters.
    let inside: TokenSet
    /// The tokens that end a string and perhaps go on behind it.
    let closing: VocabularyTrie

    /// - Parameters:
    ///   - bytes: `[tokens]`.
    init(bytes: [[UInt8]]) {
        self.bytes = bytes
        var characters = Array(repeating: Int16(-1), count: bytes.count)
        var inside = TokenSet(count: bytes.count)
        var closing: [(token: Int32, bytes: [UInt8])] = []
        for (token, string) in bytes.enumerated() where !string.isEmpty {
            var state = JSONStringStates.normal, count = 0
            for byte in string where state > 0 {
                if state == JSONStringStates.normal { count += 1 }
                state = JSONStringStates.next(state, byte)
            }
            if state == JSONStringStates.closed {
                closing.append((Int32(token), string))
            } else if state > 0 {
                characters[token] = Int16(clamping: count)
                inside.insert(Int32(token))
            }
        }
        charactersInside = characters
        self.inside = inside
        self.closing = VocabularyTrie(closing)
        trie = VocabularyTrie(bytes.enumerated().map { (Int32($0), $1) })
    }
}

/// A set of tokens, one bit each.
struct TokenSet: Sendable, Equatable {
    private(set) var words: [UInt64]

    /// An empty set of tokens below `count`.
    init(count: Int) {
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    mutating func insert(_ token: Int32) { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }

    func contains(_ token: Int32) -> Bool {
        Int(token) >> 6 < words.count && words[Int(token) >> 6] >> UInt64(token & 63) & 1 == 1
    }

    mutating func formUnion(_ other: TokenSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    /// Sets the logits of all tokens that are not in the set to −infinity.
    func mask(_ logits: UnsafeMutableBufferPointer<Float>) {
        for (index, word) in words.enumerated() where word != .max {
            for bit in 0..<64 where word >> UInt64(bit) & 1 == 0 {
                let token = index * 64 + bit
                if token < logits.count { logits[token] = -.infinity }
            }
        }
        for token in min(logits.count, words.count * 64)..<logits.count { logits[token] = -.infinity }
    }
}
