/// Counts the matches of a phrase in a passage.
///
/// A match is a choice of one occurrence for each term of the phrase, different ones for a term that the phrase
/// repeats. Its width is how far apart the terms' shifts are, where a shift is the position in the passage less that in
/// the phrase: 0 when the words stand as in the phrase, 1 when one word lies between two of them, 2 when two neighbours
/// changed places. Without slop, each match of width 0 counts 1. With a slop, each shortest stretch of shifts that
/// holds a match counts 1 / (1 + width), when its width is at most the slop; this is Lucene's weight, and shortest
/// stretches are counted as Clarke, Cormack & Tudhope do (2000, "Relevance ranking for one to three term queries").
struct PhraseMatcher {
    private let offsets: [Int]
    /// For each term, the last one before it that is the same; −1 when there is none.
    private let sameBefore: [Int]
    private let slop: Int
    /// The positions of each term, and the starts that a stretch may have: kept from passage to passage.
    private var positions: [[Int]]
    private var starts: [Int] = []
    private var picked: [Int]

    init(_ terms: [LexicalQuery.PhraseTerm], slop: Int) {
        offsets = terms.map(\.position)
        sameBefore = terms.indices.map { index in
            terms[..<index].lastIndex { $0.term == terms[index].term } ?? -1
        }
        self.slop = slop
        positions = [[Int]](repeating: [], count: terms.count)
        picked = [Int](repeating: 0, count: terms.count)
    }

    /// The phrase's frequency in a passage; 0 when it is not there.
    ///
    /// - Complexity: O(occurrences), with slop O(occurrences · terms · log(occurrences)).
    mutating func frequency(_ terms: inout [Occurrences]) -> Float {
        slop == 0 ? exactFrequency(&terms) : sloppyFrequency(&terms)
    }

    private func exactFrequency(_ terms: inout [Occurrences]) -> Float {
        for index in 1..<terms.count where !terms[index].next() { return 0 }
        var count = 0
        scan: while terms[0].next() {
            let shift = Int(terms[0].position) - offsets[0]
            for index in 1..<terms.count {
                let wanted = shift + offsets[index]
                while Int(terms[index].position) < wanted {
                    guard terms[index].next() else { break scan }
                }
                if Int(terms[index].position) != wanted { continue scan }
            }
            count += 1
        }
        return Float(count)
    }

    private mutating func sloppyFrequency(_ terms: inout [Occurrences]) -> Float {
        starts.removeAll(keepingCapacity: true)
        for index in terms.indices {
            positions[index].removeAll(keepingCapacity: true)
            while terms[index].next() {
                positions[index].append(Int(terms[index].position))
                starts.append(Int(terms[index].position) - offsets[index])
            }
        }
        starts.sort()
        var frequency: Float = 0
        var previous: (start: Int, end: Int)?
        for start in starts where start != previous?.start {
            guard let end = firstEnd(from: start) else { break }
            // A stretch is a shortest one when none that begins later ends where it does.
            if let previous, end > previous.end { frequency += weight(previous) }
            previous = (start, end)
        }
        return frequency + (previous.map(weight) ?? 0)
    }

    /// The positions of the terms, for each start of a stretch that holds a match.
    mutating func matches(_ found: [[Int]]) -> [[Int]] {
        positions = found
        let starts = Set(zip(found, offsets).flatMap { positions, offset in positions.map { $0 - offset } }).sorted()
        var matches: [[Int]] = []
        for start in starts {
            guard let end = firstEnd(from: start) else { break }
            if end - start <= slop { matches.append(picked) }
        }
        return matches
    }

    private func weight(_ stretch: (start: Int, end: Int)) -> Float {
        let width = stretch.end - stretch.start
        return width <= slop ? 1 / (1 + Float(width)) : 0
    }

    /// The smallest end of a stretch of shifts from `start` on that holds a match: of a term that stands twice, earlier
    /// places take earlier occurrences.
    private mutating func firstEnd(from start: Int) -> Int? {
        var end = start
        for index in offsets.indices {
            let before = sameBefore[index]
            let lowest = max(start + offsets[index], before < 0 ? .min : picked[before] + 1)
            guard let position = Self.first(notBelow: lowest, in: positions[index]) else { return nil }
            picked[index] = position
            end = max(end, position - offsets[index])
        }
        return end
    }

    private static func first(notBelow limit: Int, in positions: [Int]) -> Int? {
        var (low, high) = (0, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < limit { low = middle + 1 } else { high = middle }
        }
        return low < positions.count ? positions[low] : nil
    }
}

extension LexicalQuery {
    /// The positions of the words of each match of a phrase in a text, for showing them.
    ///
    /// - Parameter positions: where a term stands in the text, ascending.
    public static func phraseMatches(
        _ terms: [PhraseTerm], slop: Int, positions: (String) -> [Int]
    ) -> [[Int]] {
        let sorted = terms.sorted { $0.position < $1.position }
        var matcher = PhraseMatcher(sorted, slop: slop)
        return matcher.matches(sorted.map { positions($0.term) })
    }
}
