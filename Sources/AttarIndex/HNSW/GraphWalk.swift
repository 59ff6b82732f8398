import CAttarKernels

/// Walks over a graph for one query at a time, in memory that the next walk uses again.
///
/// Whatever the file of a graph holds, a walk stays within it: every link is compared with the level's size.
final class GraphWalk {
    /// The best places of the last `search`.
    private(set) var pool = CandidatePool()
    /// How many vectors were scored since `begin`.
    private(set) var scored = 0
    private var visited = VisitedSet()
    private var codeBytes: UnsafeMutablePointer<Int8>
    private var codeRoom = 0
    // Neighbours that are scored together; on the lowest level places are ordinals.
    private let places: UnsafeMutablePointer<UInt32>
    private let ordinals: UnsafeMutablePointer<UInt32>
    private let products: UnsafeMutablePointer<Int32>
    private let scores: UnsafeMutablePointer<Float>
    /// The most that are scored together, and the most links of a place.
    static let batch = 2 * HNSWParameters.linkRange.upperBound

    init() {
        codeBytes = .allocate(capacity: 1)
        places = .allocate(capacity: Self.batch)
        ordinals = .allocate(capacity: Self.batch)
        products = .allocate(capacity: Self.batch)
        scores = .allocate(capacity: Self.batch)
    }

    deinit {
        pool.deallocate()
        visited.deallocate()
        codeBytes.deallocate()
        places.deallocate()
        ordinals.deallocate()
        products.deallocate()
        scores.deallocate()
    }

    /// Begins with a query: its code, valid until the next call.
    func begin(_ query: [Float], _ codes: CodeView) -> VectorCode {
        scored = 0
        if codes.stride > codeRoom {
            codeBytes.deallocate()
            codeBytes = .allocate(capacity: codes.stride)
            codeRoom = codes.stride
        }
        return VectorCode(bytes: codeBytes, scale: codes.encode(query, to: codeBytes))
    }

    /// Goes from a place to better neighbours on an upper level until none is better.
    ///
    /// - Returns: the last place.
    func climb(from start: UInt32, _ level: LevelView, _ codes: CodeView, _ query: VectorCode) -> UInt32 {
        var best = start
        var bestScore = score(start, level, codes, query)
        while true {
            var found = 0
            let row = level.row(best)
            while found < level.degree, row[found] < level.count {
                places[found] = row[found]
                found += 1
            }
            let valid = scorePlaces(found, level, codes, query)
            let last = best
            for index in 0..<valid where scores[index] > bestScore { (best, bestScore) = (places[index], scores[index]) }
            if best == last { return best }
        }
    }

    /// Finds the best `capacity` places of a level, as far as links lead there from `start`; they are in `pool` then.
    ///
    /// This is algorithm 2 of Malkov & Yashunin 2018.
    func search(from start: UInt32, capacity: Int, _ level: LevelView, _ codes: CodeView, _ query: VectorCode) {
        pool.reset(capacity)
        visited.reset(level.count)
        _ = visited.insert(start)
        pool.offer(start, score(start, level, codes, query))
        while let place = pool.popNext() {
            let row = level.row(place)
            var found = 0
            for index in 0..<level.degree {
                let neighbour = row[index]
                guard neighbour < level.count else { break }
                guard visited.insert(neighbour) else { continue }
                places[found] = neighbour
                found += 1
            }
            let valid = scorePlaces(found, level, codes, query)
            for index in 0..<valid where pool.offer(places[index], scores[index]) {
                level.prefetchRow(places[index])
            }
        }
    }

    /// Finds the best `capacity` vectors, without any links, of those that are allowed.
    func scan(_ allowed: OrdinalSet?, capacity: Int, _ level: LevelView, _ codes: CodeView, _ query: VectorCode) {
        pool.reset(capacity)
        var waiting = 0
        func wait(_ ordinal: UInt32) {
            guard ordinal < codes.count else { return }
            places[waiting] = ordinal
            waiting += 1
            if waiting == Self.batch { offerWaiting() }
        }
        func offerWaiting() {
            let valid = scorePlaces(waiting, level, codes, query)
            for index in 0..<valid { pool.offer(places[index], scores[index]) }
            waiting = 0
        }
        if let allowed { allowed.forEach(wait) } else { for ordinal in 0..<UInt32(codes.count) { wait(ordinal) } }
        offerWaiting()
    }

    /// Keeps the first `most` places of the pool that are allowed.
    func keep(_ most: Int, in allowed: OrdinalSet?) { pool.keep(most, in: allowed) }

    /// Adds a place that no link leads to yet.
    func offer(_ place: UInt32, _ level: LevelView, _ codes: CodeView, _ query: VectorCode) {
        pool.offer(place, score(place, level, codes, query))
    }

    /// Empties the pool, for places that are then offered.
    func empty(capacity: Int) { pool.reset(capacity) }

    private func score(_ place: UInt32, _ level: LevelView, _ codes: CodeView, _ query: VectorCode) -> Float {
        places[0] = place
        return scorePlaces(1, level, codes, query) == 1 ? scores[0] : -.infinity
    }

    /// Scores the first `count` of `places`.
    ///
    /// - Returns: how many of them a vector stands at: all but in a broken file; the others are removed.
    @inline(__always)
    private func scorePlaces(_ count: Int, _ level: LevelView, _ codes: CodeView, _ query: VectorCode) -> Int {
        guard let table = level.ordinals else {
            codes.score(query, ScoreBatch(ordinals: places, products: products, scores: scores, count: count))
            scored += count
            return count
        }
        var valid = 0
        for index in 0..<count {
            let ordinal = table[Int(places[index])]
            guard ordinal < codes.count else { continue }
            places[valid] = places[index]
            ordinals[valid] = ordinal
            valid += 1
        }
        codes.score(query, ScoreBatch(ordinals: ordinals, products: products, scores: scores, count: valid))
        scored += valid
        return valid
    }
}
