/// The pipelines that no other one beats both in time and in quality.
enum ParetoFront {
    /// The indices of the points of the front, fastest first.
    ///
    /// Of points with equal time and quality, the first counts.
    /// - Complexity: O(n log n).
    static func indices(times: [Double], qualities: [Double]) -> [Int] {
        precondition(times.count == qualities.count, "\(times.count) times, \(qualities.count) qualities")
        let order = times.indices.sorted { first, second in
            if times[first] != times[second] { return times[first] < times[second] }
            if qualities[first] != qualities[second] { return qualities[first] > qualities[second] }
            return first < second
        }
        var front: [Int] = []
        for index in order {
            if let last = front.last, qualities[last] >= qualities[index] { continue }
            front.append(index)
        }
        return front
    }
}
