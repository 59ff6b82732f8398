/// The postings that no other one beats in both frequency and shortness, and their summary as an `ImpactBound`.
///
/// The impact of a posting grows with its frequency and shrinks with the passage's length, for every k1 and b; so the
/// best impact of a block is that of one of these postings (the idea of Lucene's impacts). They are kept as two points,
/// which is enough for a tight bound on passages, where most frequencies are 1.
struct ImpactFrontier {
    private var points: [(frequency: UInt32, length: UInt32)] = []

    /// Forgets all postings.
    mutating func reset() { points.removeAll(keepingCapacity: true) }

    /// Takes a posting into account. Points stay sorted, frequency and length both ascending.
    mutating func add(frequency: UInt32, length: UInt32) {
        if points.contains(where: { $0.frequency >= frequency && $0.length <= length }) { return }
        points.removeAll { $0.frequency <= frequency && $0.length >= length }
        let place = points.firstIndex { $0.frequency > frequency } ?? points.count
        points.insert((frequency, length), at: place)
    }

    /// Takes the postings into account that another frontier stands for.
    mutating func add(_ other: ImpactFrontier) {
        for point in other.points { add(frequency: point.frequency, length: point.length) }
    }

    /// Two points that cover all; the split is the one with the smallest larger impact at default parameters.
    func bound(averageLength: Double) -> ImpactBound {
        guard let first = points.first, let last = points.last else {
            return ImpactBound(shortLength: 0, longLength: 0, shortFrequency: .max, longFrequency: .max)
        }
        var best = points.count == 1 ? 1 : 0
        var smallest = Double.infinity
        for split in 1..<max(2, points.count) where points.count > 1 {
            let short = impact(points[split - 1].frequency, first.length, averageLength)
            let long = impact(last.frequency, points[split].length, averageLength)
            if max(short, long) < smallest { (smallest, best) = (max(short, long), split) }
        }
        let long = best < points.count ? points[best].length : last.length
        return ImpactBound(
            shortLength: first.length, longLength: long,
            shortFrequency: UInt16(clamping: points[best - 1].frequency),
            longFrequency: UInt16(clamping: last.frequency))
    }

    private func impact(_ frequency: UInt32, _ length: UInt32, _ averageLength: Double) -> Double {
        let norm = 0.9 * (0.6 + 0.4 * Double(length) / averageLength)
        return Double(frequency) / (Double(frequency) + norm)
    }
}

/// The ten postings of a list with the largest impacts at default parameters: what an `ImpactFloor` is made of.
struct BestPostings {
    private var postings: [(impact: Double, frequency: UInt32, length: UInt32)] = []

    /// Forgets all postings.
    mutating func reset() { postings.removeAll(keepingCapacity: true) }

    /// Takes a posting into account.
    mutating func add(frequency: UInt32, length: UInt32, averageLength: Double) {
        let impact = Double(frequency) / (0.6 + 0.4 * Double(length) / averageLength)
        if postings.count == ImpactFloor.passages {
            guard let last = postings.last, impact > last.impact else { return }
            postings.removeLast()
        }
        let place = postings.firstIndex { $0.impact < impact } ?? postings.count
        postings.insert((impact, frequency, length), at: place)
    }

    /// What all ten reach.
    ///
    /// - Parameter isCode: whether postings have learned weights and no lengths.
    func floor(isCode: Bool) -> ImpactFloor {
        guard postings.count == ImpactFloor.passages, let least = postings.map(\.frequency).min() else { return .none }
        return isCode
            ? ImpactFloor(code: least)
            : ImpactFloor(frequency: least, length: postings.map(\.length).max() ?? 0)
    }
}
