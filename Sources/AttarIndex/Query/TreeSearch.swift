import AttarStorage

/// Searches a tree of clauses passage by passage.
///
/// Each node moves to the next passage that may match (`seek`), which costs no positions; only where all of a
/// conjunction meet, phrases are looked at (`confirm`); only what matches is scored. Once k passages were found, block
/// maxima say up to which passage nothing can enter, and that stretch is skipped unread (Ding & Suel 2011, for
/// conjunctions as well).
struct TreeSearch {
    private var nodes: [QueryNode]
    private let clauses: [Int]
    private let phraseCursors: [Range<Int>]
    private let phraseOrders: [[Int]]
    private var phrases: PhraseConfirmer
    private var unions: [PostingUnion]
    private let root: Int
    private let reader: PostingsReader
    private let positions: PositionsReader?
    private let allowed: OrdinalSet?
    private let cursors: UnsafeMutablePointer<PostingsCursor>
    private let cursorCount: Int
    /// How many postings were scored or looked for.
    private(set) var scanned = 0

    init(
        _ query: CompiledQuery, _ reader: PostingsReader, _ positions: PositionsReader?, _ scratch: SearchScratch,
        allowed: OrdinalSet?
    ) {
        (nodes, clauses, root) = (query.nodes, query.clauses, query.root)
        (phraseCursors, phraseOrders) = (query.phrases.map(\.cursors), query.phrases.map(\.order))
        unions = query.unions
        (self.reader, self.positions, self.allowed) = (reader, positions, allowed)
        cursorCount = query.terms.count
        // Behind the buffers of cursors stand those of their positions.
        scratch.reserve(terms: 2 * cursorCount)
        query.placeCursors(in: scratch)
        cursors = scratch.cursors
        phrases = PhraseConfirmer(query, scratch)
    }

    /// The k best.
    mutating func run(k: Int) throws -> [SearchHit] {
        for index in 0..<cursorCount { try cursors[index].validate(reader) }
        var best = TopK(k)
        var next: UInt32 = 0
        var stretch: (bound: Float, last: UInt32) = (.infinity, 0)
        while next < reader.passages {
            if best.threshold > -.infinity {
                if next > stretch.last || stretch.bound == .infinity { stretch = bound(root, at: next) }
                if stretch.bound <= best.threshold {
                    guard stretch.last < reader.passages else { break }
                    next = stretch.last + 1
                    continue
                }
            }
            let found = try seek(root, next)
            guard found < reader.passages else { break }
            // The bound is of passages up to `last`; behind it there is another.
            if best.threshold > -.infinity, found > stretch.last {
                next = found
                continue
            }
            next = found + 1
            if let allowed, !allowed.contains(found) { continue }
            if try confirm(root) { best.offer(found, try score(root)) }
        }
        return best.hits
    }

    /// The contribution and the frequency of each leaf in a passage; nil when the passage does not match.
    mutating func explain(
        _ leaves: [QueryLeaf], ordinal: UInt32
    ) throws -> (score: Float, leaves: [(frequency: Float, contribution: Float)])? {
        for index in 0..<cursorCount { try cursors[index].validate(reader) }
        guard try seek(root, ordinal) == ordinal, try confirm(root) else { return nil }
        let score = try score(root)
        var counted: Set<Int> = []
        collectScored(root, at: Int(ordinal), into: &counted)
        let parts = try leaves.map { leaf -> (frequency: Float, contribution: Float) in
            guard counted.contains(leaf.node) else { return (0, 0) }
            return (frequency(leaf.node), try self.score(leaf.node))
        }
        return (score, parts)
    }

    /// The leaves that add to a score; to be called after `score`.
    private func collectScored(_ node: Int, at ordinal: Int, into leaves: inout Set<Int>) {
        guard nodes[node].ordinal == ordinal, nodes[node].checked == ordinal, nodes[node].holds else { return }
        guard nodes[node].kind == .boolean else {
            leaves.insert(node)
            return
        }
        for place in 0..<(nodes[node].musts + nodes[node].shoulds) {
            collectScored(clauses[nodes[node].first + place], at: ordinal, into: &leaves)
        }
    }

    private func frequency(_ node: Int) -> Float {
        switch nodes[node].kind {
        case .term: cursors[nodes[node].first].number(reader)
        case .union: unions[nodes[node].first].frequency
        case .phrase: nodes[node].frequency
        case .nothing, .boolean: 0
        }
    }

    // ----------------------------------------------------------------------------------------------------- matching

    /// The first passage at or behind `ordinal` that may match; never backwards.
    private mutating func seek(_ node: Int, _ ordinal: UInt32) throws -> UInt32 {
        if nodes[node].ordinal >= Int(ordinal) { return UInt32(truncatingIfNeeded: nodes[node].ordinal) }
        let first = nodes[node].first
        let found: UInt32
        switch nodes[node].kind {
        case .nothing: found = PostingsCursor.end
        case .term: found = try cursors[first].seek(ordinal, reader)
        case .union: found = unions[first].seek(ordinal)
        case .phrase: found = try seekPhrase(first, ordinal)
        case .boolean where nodes[node].musts > 0: found = try seekAll(node, ordinal)
        case .boolean: found = try seekAny(node, ordinal)
        }
        nodes[node].ordinal = Int(found)
        return found
    }

    private mutating func seekPhrase(_ phrase: Int, _ ordinal: UInt32) throws -> UInt32 {
        let count = phraseOrders[phrase].count
        var target = ordinal
        var place = 0
        while place < count {
            let found = try cursors[phraseOrders[phrase][place]].seek(target, reader)
            if found == PostingsCursor.end { return found }
            // What went beyond begins again with the rarest, which skips most.
            place = found == target || place == 0 ? place + 1 : 0
            target = found
        }
        return target
    }

    private mutating func seekAll(_ node: Int, _ ordinal: UInt32) throws -> UInt32 {
        let (first, count) = (nodes[node].first, nodes[node].musts)
        var target = ordinal
        var place = 0
        while place < count {
            let found = try seek(clauses[first + place], target)
            if found == PostingsCursor.end { return found }
            place = found == target || place == 0 ? place + 1 : 0
            target = found
        }
        return target
    }

    private mutating func seekAny(_ node: Int, _ ordinal: UInt32) throws -> UInt32 {
        var nearest = PostingsCursor.end
        for place in 0..<nodes[node].shoulds {
            nearest = min(nearest, try seek(clauses[nodes[node].first + place], ordinal))
        }
        return nearest
    }

    /// Whether the passage that `seek` found matches.
    private mutating func confirm(_ node: Int) throws -> Bool {
        let ordinal = nodes[node].ordinal
        if nodes[node].checked == ordinal { return nodes[node].holds }
        let holds = switch nodes[node].kind {
        case .nothing: false
        case .term, .union: true
        case .phrase: try confirmPhrase(node)
        case .boolean: try confirmBoolean(node, UInt32(truncatingIfNeeded: ordinal))
        }
        nodes[node].checked = ordinal
        nodes[node].holds = holds
        return holds
    }

    private mutating func confirmPhrase(_ node: Int) throws -> Bool {
        let phrase = nodes[node].first
        scanned += phraseCursors[phrase].count
        nodes[node].frequency = try phrases.frequency(phrase, cursors, reader, positions)
        return nodes[node].frequency > 0
    }

    private mutating func confirmBoolean(_ node: Int, _ ordinal: UInt32) throws -> Bool {
        let (first, musts, shoulds) = (nodes[node].first, nodes[node].musts, nodes[node].shoulds)
        for place in 0..<musts where try !confirm(clauses[first + place]) { return false }
        if musts == 0 {
            var matches = false
            for place in 0..<shoulds where try matchesAt(clauses[first + place], ordinal) {
                matches = true
                break
            }
            guard matches else { return false }
        }
        for place in 0..<nodes[node].mustNots where try matchesAt(clauses[first + musts + shoulds + place], ordinal) {
            return false
        }
        return true
    }

    private mutating func matchesAt(_ node: Int, _ ordinal: UInt32) throws -> Bool {
        try seek(node, ordinal) == ordinal && confirm(node)
    }

    // ------------------------------------------------------------------------------------------------------ scoring

    /// The score of the passage that was confirmed.
    private mutating func score(_ node: Int) throws -> Float {
        let ordinal = UInt32(truncatingIfNeeded: nodes[node].ordinal)
        let first = nodes[node].first
        switch nodes[node].kind {
        case .nothing: return 0
        case .term:
            scanned += 1
            return cursors[first].score(reader)
        case .union:
            scanned += 1
            return reader.score(weight: nodes[node].weight, number: unions[first].frequency, ordinal: ordinal)
        case .phrase:
            return reader.score(weight: nodes[node].weight, number: nodes[node].frequency, ordinal: ordinal)
        case .boolean:
            var sum: Float = 0
            for place in 0..<nodes[node].musts { sum += try score(clauses[first + place]) }
            for place in nodes[node].musts..<(nodes[node].musts + nodes[node].shoulds) {
                let clause = clauses[first + place]
                if try matchesAt(clause, ordinal) { sum += try score(clause) }
            }
            return sum
        }
    }

    /// The most that a passage from `ordinal` on can score, and the last one for which that holds.
    private mutating func bound(_ node: Int, at ordinal: UInt32) -> (bound: Float, last: UInt32) {
        let first = nodes[node].first
        switch nodes[node].kind {
        case .nothing: return (0, PostingsCursor.end - 1)
        case .union: return (reader.score(weight: nodes[node].weight, strength: .infinity), PostingsCursor.end - 1)
        case .term:
            let found = cursors[first].bound(at: ordinal, reader)
            return (found.score, found.last)
        case .phrase:
            // A phrase is at most as frequent as the rarest of its terms in the passage.
            var stretch = (bound: Float.infinity, last: PostingsCursor.end - 1)
            for cursor in phraseCursors[first] {
                let found = cursors[cursor].bound(at: ordinal, reader)
                stretch = (min(stretch.bound, found.score), min(stretch.last, found.last))
            }
            return stretch
        case .boolean:
            var stretch = (bound: Float(0), last: PostingsCursor.end - 1)
            for place in 0..<(nodes[node].musts + nodes[node].shoulds) {
                let found = bound(clauses[first + place], at: ordinal)
                stretch = (stretch.bound + found.bound, min(stretch.last, found.last))
                // Behind the end of a list that has to match nothing does.
                if place < nodes[node].musts, found.bound == 0 { return (0, found.last) }
            }
            return stretch
        }
    }
}
