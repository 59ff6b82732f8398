/// Holm's step-down correction for several tests (Holm 1979): it keeps the chance of any false alarm below the level.
public enum Holm {
    /// The adjusted p-values, in the order given.
    ///
    /// The smallest of m is multiplied by m, the next by m - 1, and so on; none falls below one before it, none exceeds
    /// 1.
    /// - Complexity: O(m log m).
    public static func adjusted(_ pValues: [Double]) -> [Double] {
        var adjusted = pValues
        var highest = 0.0
        let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
        for (rank, index) in order.enumerated() {
            highest = max(highest, min(1, Double(pValues.count - rank) * pValues[index]))
            adjusted[index] = highest
        }
        return adjusted
    }
}
