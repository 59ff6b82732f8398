/// Terms and their numbers while an index is built: open addressing over one arena of bytes, so that a term costs no
/// allocation of its own.
struct TermTable {
    private var arena: [UInt8] = []
    /// Where term i ends in the arena; it starts where i − 1 ends.
    private var ends: [Int] = []
    /// Term numbers plus one by hash; 0 is free.
    private var slots = [UInt32](repeating: 0, count: 1 << 12)
    private var hashes: [UInt32] = []

    /// The number of terms.
    var count: Int { ends.count }

    /// The term's number; a new one when it was not there.
    mutating func number(of term: UnsafeBufferPointer<UInt8>) -> Int {
        let hash = Self.hash(term)
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if hashes[number] == hash, equals(number, term) { return number }
            slot = (slot + 1) & mask
        }
        return insert(term, hash: hash, slot: slot)
    }

    private mutating func insert(_ term: UnsafeBufferPointer<UInt8>, hash: UInt32, slot: Int) -> Int {
        arena.append(contentsOf: term)
        ends.append(arena.count)
        hashes.append(hash)
        slots[slot] = UInt32(ends.count)
        if ends.count * 2 > slots.count { grow() }
        return ends.count - 1
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (number, hash) in hashes.enumerated() {
            var slot = Int(hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(number + 1)
        }
    }

    private func range(_ number: Int) -> Range<Int> { (number == 0 ? 0 : ends[number - 1])..<ends[number] }

    private func equals(_ number: Int, _ term: UnsafeBufferPointer<UInt8>) -> Bool {
        let range = range(number)
        return range.count == term.count && arena[range].elementsEqual(term)
    }

    /// The bytes of a term.
    func bytes(_ number: Int) -> ArraySlice<UInt8> { arena[range(number)] }

    /// The numbers of all terms, by ascending bytes.
    func sorted() -> [Int] {
        (0..<count).sorted { bytes($0).lexicographicallyPrecedes(bytes($1)) }
    }

    /// FNV-1a over 64 bits, folded. The table is private to one build, so hostile terms can only slow that build down.
    private static func hash(_ term: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in term { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
    }
}
