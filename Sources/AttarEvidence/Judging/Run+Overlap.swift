extension Run {
    /// For each query of `reference`, which part of its first `depth` documents this run has among its first `depth`.
    ///
    /// A query that this run lacks counts 0; one where the reference returned fewer documents is divided by that
    /// number; one where it returned none is left out. The order is that of the reference's queries.
    ///
    /// - Complexity: O(queries · depth).
    public func overlaps(with reference: Run, depth: Int) -> [Double] {
        precondition(depth > 0, "an overlap at depth \(depth)")
        return reference.queryIDs.compactMap { query in
            let expected = Set(reference[query].prefix(depth).map(\.documentID))
            guard !expected.isEmpty else { return nil }
            let shared = self[query].prefix(depth).count { expected.contains($0.documentID) }
            return Double(shared) / Double(expected.count)
        }
    }

    /// The mean of `overlaps(with:depth:)`, or nil when the reference is empty.
    public func overlap(with reference: Run, depth: Int) -> Double? {
        let overlaps = overlaps(with: reference, depth: depth)
        return overlaps.isEmpty ? nil : overlaps.reduce(0, +) / Double(overlaps.count)
    }
}
