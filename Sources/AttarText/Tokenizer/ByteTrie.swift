/// A dictionary of byte strings that answers "which is the longest key that starts here?" in one walk.
///
/// The edges stand in one open-addressed table keyed by (node, byte): flat, without objects or strings, and for the
/// thirty thousand pieces of BERT small enough for the second-level cache.
struct ByteTrie: Sendable {
    /// The node of the empty key.
    static let root: UInt32 = 0
    /// A node takes 24 bits of an edge's key.
    static let maximumNodes = 1 << 24

    /// Key (node << 8 | byte) in the upper half, child in the lower; all ones when free.
    private var edges: [UInt64]
    private var shift: UInt32
    /// The value of each node, -1 for nodes that end no key.
    private(set) var values: [Int32] = [-1]

    private static let free = UInt64.max

    /// An empty trie.
    init() {
        edges = Array(repeating: Self.free, count: 16)
        shift = 28
    }

    /// The number of nodes, the root included.
    var nodeCount: Int { values.count }

    @inline(__always)
    private func slot(_ key: UInt32) -> Int {
        Int((key &* 0x9E37_79B1) >> shift)
    }

    /// The child of `node` by `byte`; `ByteTrie.root` stands for "none", because no edge leads to the root.
    @inline(__always)
    func child(of node: UInt32, by byte: UInt8) -> UInt32 {
        let key = node << 8 | UInt32(byte)
        let mask = edges.count &- 1
        var index = slot(key)
        while true {
            let edge = edges[index]
            if UInt32(truncatingIfNeeded: edge >> 32) == key && edge != Self.free {
                return UInt32(truncatingIfNeeded: edge)
            }
            if edge == Self.free { return Self.root }
            index = (index &+ 1) & mask
        }
    }

    /// The node that `key` leads to, or nil.
    func node(of key: some Sequence<UInt8>, from start: UInt32 = root) -> UInt32? {
        var node = start
        for byte in key {
            node = child(of: node, by: byte)
            if node == Self.root { return nil }
        }
        return node
    }

    /// The value of `key`, or nil when it was not inserted.
    func value(of key: some Sequence<UInt8>) -> Int32? {
        guard let node = node(of: key) else { return nil }
        let value = values[Int(node)]
        return value < 0 ? nil : value
    }

    /// Adds a key; returns false, and changes nothing, when it is there already.
    mutating func insert(_ key: some Sequence<UInt8>, value: Int32) -> Bool {
        precondition(value >= 0, "a trie holds values from 0, not \(value)")
        var node = Self.root
        for byte in key {
            let next = child(of: node, by: byte)
            node = next == Self.root ? addChild(of: node, by: byte) : next
        }
        guard values[Int(node)] < 0 else { return false }
        values[Int(node)] = value
        return true
    }

    private mutating func addChild(of node: UInt32, by byte: UInt8) -> UInt32 {
        precondition(values.count < Self.maximumNodes, "a trie holds \(Self.maximumNodes) nodes at most")
        // Below 60 % full, a search looks at 1.6 slots on average.
        if values.count * 5 >= edges.count * 3 { grow() }
        let new = UInt32(values.count)
        values.append(-1)
        place(UInt64(node << 8 | UInt32(byte)) << 32 | UInt64(new))
        return new
    }

    private mutating func place(_ edge: UInt64) {
        var index = slot(UInt32(edge >> 32))
        while edges[index] != Self.free { index = (index + 1) & (edges.count - 1) }
        edges[index] = edge
    }

    private mutating func grow() {
        let old = edges
        edges = Array(repeating: Self.free, count: old.count * 2)
        shift -= 1
        for edge in old where edge != Self.free { place(edge) }
    }
}
