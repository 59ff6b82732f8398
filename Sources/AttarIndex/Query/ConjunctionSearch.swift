import AttarStorage

/// A query whose clauses are plain terms and phrases: what the usual Boolean query is.
struct FlatQuery {
    /// A clause that has to match.
    struct Part {
        /// Its cursors; of a term, one.
        let cursors: Range<Int>
        let weight: Float
        /// The number of the phrase; nil for a term.
        let phrase: Int?
    }

    /// What has to match; when there is none, one of the optional terms has to.
    var parts: [Part] = []
    /// Cursors of terms that add to the score.
    var optional: [Int] = []
    /// Cursors of terms that no passage may hold.
    var excluded: [Int] = []
}

extension CompiledQuery {
    /// The query without its tree; nil when clauses are nested, or some are prefixes.
    ///
    /// Phrases are only taken as clauses that have to match: elsewhere they would hide where a passage can come from.
    var flat: FlatQuery? {
        let root = nodes[root]
        var flat = FlatQuery()
        guard root.kind == .boolean else { return flat.require(root, self) ? flat : nil }
        for place in 0..<root.musts {
            guard flat.require(nodes[clauses[root.first + place]], self) else { return nil }
        }
        let others = (root.first + root.musts)..<(root.first + root.musts + root.shoulds + root.mustNots)
        for (place, clause) in others.enumerated() {
            let node = nodes[clauses[clause]]
            if node.kind == .nothing { continue }
            guard node.kind == .term else { return nil }
            if place < root.shoulds { flat.optional.append(node.first) } else { flat.excluded.append(node.first) }
        }
        return flat
    }
}

extension FlatQuery {
    fileprivate mutating func require(_ node: QueryNode, _ query: CompiledQuery) -> Bool {
        switch node.kind {
        case .term:
            parts.append(Part(cursors: node.first..<(node.first + 1), weight: node.weight, phrase: nil))
        case .phrase:
            parts.append(
                Part(cursors: query.phrases[node.first].cursors, weight: node.weight, phrase: node.first))
        case .nothing, .union, .boolean: return false
        }
        return true
    }
}

/// Searches the passages that hold all of some terms and phrases, one passage after the other.
///
/// The list with the fewest postings leads, and the others look its passages up, the shortest list first; what leaps
/// beyond becomes the next target (Demaine, López-Ortiz & Munro 2000 and after). Once k passages were found, block
/// maxima bound a stretch of passages: a stretch in which nothing can enter is skipped unread, and in another only
/// postings of the leading list are looked up that could enter if all other terms were as strong as there (block-max
/// AND, Ding & Suel 2011). Positions are read only for passages that hold all terms, and whose score could enter if the
/// phrase stood there as often as its rarest word.
struct ConjunctionSearch {
    /// A run of passages, up to `last`, in which bounds hold.
    private struct Stretch {
        /// The most that the clauses other than the leading list's can add, optional terms included.
        var rest: Float = 0
        /// The most that the leading list's clause can add by its other terms; a phrase has some.
        var companions = Float.infinity
        /// The most that the block of the leading list allows.
        var lead = Float.infinity
        /// Of `rest`, what optional terms can add.
        var optional: Float = 0
        var last: UInt32 = 0
        var isKnown = false

        var whole: Float { min(lead, companions) + rest }
        /// The most without any optional term.
        var plain: Float { min(lead, companions) + (rest - optional) }
    }

    private let reader: PostingsReader
    private let positions: PositionsReader?
    private let allowed: OrdinalSet?
    private let cursors: UnsafeMutablePointer<PostingsCursor>
    private let cursorCount: Int
    /// The cursors that have to meet, the fewest postings first; the first leads.
    private let required: [Int]
    private let parts: [FlatQuery.Part]
    private let optional: [Int]
    private let excluded: [Int]
    private let leadingPart: Int
    private let leadScores: UnsafeMutablePointer<Float>
    private var phrases: PhraseConfirmer
    private var stretch = Stretch()
    /// What each optional term can add in the stretch.
    private var optionalBounds: [Float]
    private var threshold = -Float.infinity
    /// How many postings were scored or looked for.
    private(set) var scanned = 0

    /// - Precondition: at least one clause has to match.
    init(
        _ flat: FlatQuery, _ query: CompiledQuery, _ reader: PostingsReader, _ positions: PositionsReader?,
        _ scratch: SearchScratch, allowed: OrdinalSet?
    ) {
        precondition(!flat.parts.isEmpty, "a conjunction of nothing")
        (self.reader, self.positions, self.allowed) = (reader, positions, allowed)
        (parts, excluded) = (flat.parts, flat.excluded)
        // What weighs most is looked up first, as the others cannot make up for it.
        optional = flat.optional.sorted { query.terms[$0].weight > query.terms[$1].weight }
        optionalBounds = [Float](repeating: 0, count: optional.count)
        cursorCount = query.terms.count
        // Behind the buffers of cursors stand those of their positions, and one for the scores of the leading list.
        scratch.reserve(terms: 2 * cursorCount + 1)
        query.placeCursors(in: scratch)
        cursors = scratch.cursors
        leadScores = scratch.buffers(2 * cursorCount).scores
        phrases = PhraseConfirmer(query, scratch)
        let terms = query.terms
        let required = flat.parts.flatMap(\.cursors).sorted {
            terms[$0].record.documentFrequency < terms[$1].record.documentFrequency
        }
        self.required = required
        leadingPart = flat.parts.firstIndex { $0.cursors.contains(required[0]) } ?? 0
    }

    /// The k best.
    ///
    /// - Parameter floor: see `TopK.reset(_:above:)`.
    mutating func run(k: Int, above floor: Float = -.infinity) throws -> [SearchHit] {
        for index in 0..<cursorCount { try cursors[index].validate(reader) }
        var best = TopK(k, above: floor)
        threshold = best.threshold
        var next: UInt32 = 0
        while let found = try meet(from: next) {
            next = found + 1
            if let allowed, !allowed.contains(found) { continue }
            guard let score = try score(found) else { continue }
            best.offer(found, score)
            threshold = best.threshold
        }
        return best.hits
    }

    // ----------------------------------------------------------------------------------------------------- meeting

    /// The first passage from `next` on that all lists hold and that may enter; nil when there is none.
    private mutating func meet(from next: UInt32) throws -> UInt32? {
        let lead = required[0]
        var target = next
        search: while target < reader.passages {
            let candidate = try threshold > -.infinity ? seekPromising(target) : cursors[lead].seek(target, reader)
            guard candidate < reader.passages else { return nil }
            scanned += 1
            for index in 1..<required.count {
                let found = try cursors[required[index]].seek(candidate, reader)
                if found == candidate { continue }
                target = found
                continue search
            }
            return candidate
        }
        return nil
    }

    /// Moves the leading list to its first passage from `ordinal` on that may enter, as far as bounds tell.
    private mutating func seekPromising(_ ordinal: UInt32) throws -> UInt32 {
        var target = ordinal
        while target < reader.passages {
            let start = cursors[required[0]].skip(to: target, reader)
            guard start < reader.passages else { return start }
            if !stretch.isKnown || start > stretch.last { bound(from: start) }
            let found = try stretch.whole <= threshold ? PostingsCursor.end : seekInStretch(start)
            if found <= stretch.last { return found }
            target = stretch.last + 1
        }
        return target
    }

    /// The same within the stretch; behind its last passage when there is none.
    private mutating func seekInStretch(_ ordinal: UInt32) throws -> UInt32 {
        // Where nothing enters without an optional term, those say where to go on.
        let needsOptional = stretch.plain <= threshold
        var target = try needsOptional ? seekOptional(ordinal) : ordinal
        while target <= stretch.last {
            // Sums and differences of scores are exact: see `ScoreGrid`.
            let found = try cursors[required[0]].seek(
                target, above: threshold - stretch.rest, through: stretch.last, scores: leadScores, reader)
            if found > stretch.last || !needsOptional || found == target { return found }
            target = try seekOptional(found)
            if target == found { return found }
        }
        return target
    }

    /// The first passage from `ordinal` on that holds an optional term.
    private mutating func seekOptional(_ ordinal: UInt32) throws -> UInt32 {
        var nearest = PostingsCursor.end
        for cursor in optional {
            nearest = min(nearest, try cursors[cursor].seek(ordinal, reader))
            if nearest == ordinal { break }
        }
        return nearest
    }

    /// Bounds what passages from `ordinal` on can score, up to the end of the shortest block there.
    private mutating func bound(from ordinal: UInt32) {
        stretch = Stretch(last: PostingsCursor.end - 1, isKnown: true)
        for (index, part) in parts.enumerated() {
            var smallest = Float.infinity
            for cursor in part.cursors {
                let found = cursors[cursor].bound(at: ordinal, reader)
                stretch.last = min(stretch.last, found.last)
                if found.score == 0 {
                    // Behind the end of a list that has to match nothing does.
                    (stretch.lead, stretch.rest, stretch.last) = (-.infinity, 0, PostingsCursor.end - 1)
                    return
                }
                if cursor == required[0] { stretch.lead = found.score } else { smallest = min(smallest, found.score) }
            }
            if index == leadingPart { stretch.companions = smallest } else { stretch.rest += smallest }
        }
        for (place, cursor) in optional.enumerated() {
            let found = cursors[cursor].bound(at: ordinal, reader)
            stretch.last = min(stretch.last, found.last)
            stretch.optional += found.score
            optionalBounds[place] = found.score
        }
        stretch.rest += stretch.optional
    }

    // ----------------------------------------------------------------------------------------------------- scoring

    /// The score of a passage in which all lists meet; nil when it does not match, or cannot enter.
    private mutating func score(_ ordinal: UInt32) throws -> Float? {
        var sum: Float = 0
        for part in parts where part.phrase == nil {
            let cursor = part.cursors.lowerBound
            let isLeading = cursor == required[0]
            sum += isLeading ? cursors[cursor].score(rated: leadScores, reader) : cursors[cursor].score(reader)
        }
        scanned += required.count - 1
        if threshold > -.infinity, sum + hopedOfPhrases(ordinal) + stretch.optional <= threshold { return nil }
        for cursor in excluded where try cursors[cursor].seek(ordinal, reader) == ordinal { return nil }
        for part in parts {
            guard let phrase = part.phrase else { continue }
            let frequency = try phrases.frequency(phrase, cursors, reader, positions)
            guard frequency > 0 else { return nil }
            sum += reader.score(weight: part.weight, number: frequency, ordinal: ordinal)
        }
        return try addOptional(to: sum, ordinal)
    }

    /// The most that phrases can add: a phrase is at most as frequent as the rarest of its words.
    private func hopedOfPhrases(_ ordinal: UInt32) -> Float {
        var hoped: Float = 0
        for part in parts where part.phrase != nil {
            var rarest = Float.infinity
            for cursor in part.cursors { rarest = min(rarest, cursors[cursor].number(reader)) }
            hoped += reader.score(weight: part.weight, number: rarest, ordinal: ordinal)
        }
        return hoped
    }

    /// Adds the optional terms that the passage holds; nil as soon as it cannot enter.
    private mutating func addOptional(to score: Float, _ ordinal: UInt32) throws -> Float? {
        var (sum, rest) = (score, stretch.optional)
        for (place, cursor) in optional.enumerated() {
            if threshold > -.infinity {
                if sum + rest <= threshold { return nil }
                rest -= optionalBounds[place]
            }
            guard try cursors[cursor].seek(ordinal, reader) == ordinal else { continue }
            scanned += 1
            sum += cursors[cursor].score(reader)
        }
        return sum
    }
}
