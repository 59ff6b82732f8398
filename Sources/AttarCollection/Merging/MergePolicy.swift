import Foundation

/// Which segments are worth merging: those of similar size, once there are many, and those with much that is deleted.
///
/// The budget and the scores are those of Lucene's `TieredMergePolicy`. Only segments that follow each other are
/// merged, so that documents keep their order; new ones stand at the end, so that sizes fall from the first to the
/// last. Each document is copied O(log(n)) times over the life of a collection of n.
public struct MergePolicy: Sendable, Equatable {
    /// How many segments of similar size there may be. Few: each costs a query some microseconds, a quarter of what a
    /// search of 100,000 short passages takes (`attar bench text --churn`), and merging these takes one second.
    public var segmentsPerTier = 2
    /// How many segments one merge joins at most; the next tier's segments are as many times larger.
    public var mostAtOnce = 10
    /// Segments of fewer passages count as being that large: merging them takes a fraction of a second.
    public var floorPassages = 20_000
    /// Segments do not grow beyond that by merging.
    public var mostPassages = 5_000_000
    /// The share of passages in the whole collection that may be those of deleted documents.
    public var deletedShare = 0.2

    /// How many passages may wait beside a graph over vectors (`VectorIndexRecord.Kind.hnsw`) before it takes them in:
    /// looking at each of so many vectors takes a sixth of the time of a walk, and soon as long as the walk itself.
    public var mostBesideGraph = 250
    /// Graphs over more passages than these do not take in others for that reason: it takes seconds for each 100,000.
    public var mostCarriedOn = 200_000

    /// With the settings above.
    public init() {}

    /// What a policy needs to know of a segment.
    struct Size: Equatable {
        /// Its passages, those of deleted documents included.
        var passages: Int
        /// Those of documents that are not deleted.
        var live: Int
        /// Segments that follow each other can be merged when these are equal.
        var group = 0
        /// Whether there is a graph over its vectors.
        var hasGraph = false
    }

    /// The segments to merge next, by their positions; nil when all is well.
    ///
    /// - Complexity: O(segments · mostAtOnce).
    func next(_ segments: [Size]) -> Range<Int>? {
        if let position = mostDeleted(segments) { return position..<end(of: position, segments) }
        if let range = besideGraph(segments) { return range }
        guard segments.count > budget(segments) else { return nil }
        var best: (score: Double, range: Range<Int>)?
        for start in segments.indices {
            for end in (start + 1)..<(min(start + mostAtOnce, segments.count) + 1) where end - start > 1 {
                let candidates = segments[start..<end]
                guard candidates.allSatisfy({ $0.group == segments[start].group }),
                    candidates.reduce(0, { $0 + $1.live }) <= mostPassages
                else { break }
                let score = score(candidates)
                if score < best?.score ?? .infinity { best = (score, start..<end) }
            }
        }
        return best?.range
    }

    /// The segment with the most deleted passages, when the collection has too many of them.
    private func mostDeleted(_ segments: [Size]) -> Int? {
        let all = segments.reduce(0) { $0 + $1.passages }
        let deleted = segments.map { $0.passages - $0.live }
        guard Double(deleted.reduce(0, +)) > deletedShare * Double(all) else { return nil }
        return deleted.indices.max { deleted[$0] < deleted[$1] }
    }

    /// Where the smaller segments end that follow one that is to be written anew: they cost little more.
    private func end(of position: Int, _ segments: [Size]) -> Int {
        var (end, live) = (position + 1, segments[position].live)
        while end < min(position + mostAtOnce, segments.count), segments[end].group == segments[position].group,
            segments[end].live < segments[position].live, live + segments[end].live <= mostPassages
        {
            live += segments[end].live
            end += 1
        }
        return end
    }

    /// A segment with a graph and all that follow it in its group, when too many passages of these are beside graphs.
    private func besideGraph(_ segments: [Size]) -> Range<Int>? {
        guard let start = segments.firstIndex(where: { $0.hasGraph && $0.live <= mostCarriedOn }) else { return nil }
        let after = segments[start...].prefix { $0.group == segments[start].group }
        let waiting = after.reduce(0) { $0 + ($1.hasGraph ? 0 : $1.live) }
        guard waiting > mostBesideGraph, after.reduce(0, { $0 + $1.live }) <= mostPassages else { return nil }
        return after.indices
    }

    /// How many segments a collection of this size may have: as many per tier as fill it, from the smallest upwards.
    private func budget(_ segments: [Size]) -> Int {
        var rest = Double(segments.reduce(0) { $0 + $1.live })
        var size = Double(segments.map(floored).min() ?? floorPassages)
        var count = 0
        while rest / size >= Double(segmentsPerTier), size < Double(mostPassages) {
            count += segmentsPerTier
            rest -= Double(segmentsPerTier) * size
            size = min(size * Double(mostAtOnce), Double(mostPassages))
        }
        return max(count + Int((rest / size).rounded(.up)), segmentsPerTier)
    }

    private func floored(_ segment: Size) -> Int { max(segment.live, floorPassages) }

    /// Lower is better: the largest is a small share of all, and much goes that is deleted; small merges come first.
    private func score(_ segments: ArraySlice<Size>) -> Double {
        let total = Double(segments.reduce(0) { $0 + floored($1) })
        let live = Double(segments.reduce(0) { $0 + $1.live })
        let all = Double(segments.reduce(0) { $0 + $1.passages })
        let skew = Double(segments.map(floored).max() ?? 0) / total
        return skew * pow(total, 0.05) * pow(all > 0 ? live / all : 1, 2)
    }
}
