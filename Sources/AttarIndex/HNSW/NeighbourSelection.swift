import CAttarKernels

/// Chooses links: near ones, but none that a nearer chosen one stands for.
///
/// This is algorithm 4 of Malkov & Yashunin 2018, in an order that lets kernels score many vectors at once: as soon as
/// one is chosen, all that are nearer to it than to the base are left out.
final class NeighbourSelection {
    // What is still in question, best first: places, their vectors, and their scores with the base.
    private var places: [UInt32] = []
    private var ordinals: [UInt32] = []
    private var baseScores: [Float] = []
    private var products: [Int32] = []
    private var scores: [Float] = []

    /// Empties the list of candidates.
    func begin() {
        places.removeAll(keepingCapacity: true)
        ordinals.removeAll(keepingCapacity: true)
        baseScores.removeAll(keepingCapacity: true)
    }

    /// Adds a candidate that is not better than the one before.
    func add(_ place: UInt32, ordinal: UInt32, score: Float) {
        places.append(place)
        ordinals.append(ordinal)
        baseScores.append(score)
    }

    /// At most `most` of the candidates, the best first.
    ///
    /// - Parameter least: when fewer are chosen, the best of those left out follow, up to so many.
    /// - Complexity: O(most · candidates) scores.
    func select(_ most: Int, fillingUpTo least: Int = 0, _ codes: CodeView) -> [UInt32] {
        let all = least > 0 ? places : []
        products = [Int32](repeating: 0, count: places.count)
        scores = [Float](repeating: 0, count: places.count)
        var chosen: [UInt32] = []
        chosen.reserveCapacity(most)
        var first = 0
        var end = places.count
        while first < end, chosen.count < most {
            chosen.append(places[first])
            let code = codes.code(ordinals[first])
            first += 1
            score(first..<end, code, codes)
            var kept = first
            for index in first..<end where scores[index] <= baseScores[index] {
                places[kept] = places[index]
                ordinals[kept] = ordinals[index]
                baseScores[kept] = baseScores[index]
                kept += 1
            }
            end = kept
        }
        guard chosen.count < least else { return chosen }
        let missing = least - chosen.count
        return chosen + all.lazy.filter { !chosen.contains($0) }.prefix(missing)
    }

    private func score(_ range: Range<Int>, _ code: VectorCode, _ codes: CodeView) {
        ordinals.withUnsafeBufferPointer { ordinals in
            products.withUnsafeMutableBufferPointer { products in
                scores.withUnsafeMutableBufferPointer { scores in
                    guard let all = ordinals.baseAddress, let products = products.baseAddress,
                        let scores = scores.baseAddress
                    else { return }
                    let start = range.lowerBound
                    codes.score(
                        code,
                        ScoreBatch(
                            ordinals: all + start, products: products + start, scores: scores + start,
                            count: range.count))
                }
            }
        }
    }

    /// The candidates by descending score with a vector; equal ones by ascending place.
    func addSorted(_ candidates: [UInt32], around code: VectorCode, _ level: LevelView, _ codes: CodeView) {
        places = candidates
        ordinals = candidates.map(level.ordinal)
        products = [Int32](repeating: 0, count: places.count)
        scores = [Float](repeating: 0, count: places.count)
        score(0..<places.count, code, codes)
        let order = places.indices.sorted {
            scores[$0] > scores[$1] || (scores[$0] == scores[$1] && places[$0] < places[$1])
        }
        baseScores = order.map { scores[$0] }
        ordinals = order.map { ordinals[$0] }
        places = order.map { places[$0] }
    }
}
