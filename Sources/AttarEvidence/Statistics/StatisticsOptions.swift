/// How intervals and p-values are computed.
public struct StatisticsOptions: Sendable, Codable, Equatable {
    /// The seed of resampling and permutation.
    public var seed: UInt64
    /// How much of the bootstrap distribution an interval covers.
    public var confidence: Double
    /// How many times the queries are resampled.
    public var resamples: Int
    /// How many sign patterns are drawn where they cannot all be tried.
    public var permutations: Int
    /// The adjusted p-value below which a difference is called significant.
    public var significance: Double

    /// The usual values: 95 %, 10,000 resamples and permutations, 5 %.
    public init(
        seed: UInt64 = 1, confidence: Double = 0.95, resamples: Int = 10_000, permutations: Int = 10_000,
        significance: Double = 0.05
    ) {
        precondition(confidence > 0 && confidence < 1, "a confidence of \(confidence)")
        precondition(resamples > 0 && permutations > 0, "\(resamples) resamples, \(permutations) permutations")
        self.seed = seed
        self.confidence = confidence
        self.resamples = resamples
        self.permutations = permutations
        self.significance = significance
    }
}
