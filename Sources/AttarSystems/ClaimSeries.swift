/// What was measured for a claim with several seeds: whether it holds because of the method, or of luck.
public struct ClaimSeries: Codable, Sendable, Equatable {
    /// What was measured with one seed.
    public struct Entry: Codable, Sendable, Equatable {
        /// The seed of all random choices.
        public let seed: UInt64
        /// What was measured, and whether the bound holds; a p-value is of the test over this seed's queries.
        public let result: ClaimResult

        /// What was measured with a seed.
        public init(seed: UInt64, result: ClaimResult) {
            self.seed = seed
            self.result = result
        }
    }

    /// The mean of a quantity over seeds, and how far it wanders.
    public struct Spread: Codable, Sendable, Equatable {
        /// The mean.
        public let mean: Double
        /// The sample standard deviation, with n − 1 in the denominator; 0 for one value.
        public let standardDeviation: Double
        /// The least value.
        public let lowest: Double
        /// The greatest value.
        public let highest: Double

        /// The spread of values; nil without any.
        public init?(of values: [Double]) {
            guard let lowest = values.min(), let highest = values.max() else { return nil }
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            self.mean = mean
            standardDeviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
            (self.lowest, self.highest) = (lowest, highest)
        }
    }

    /// The claim.
    public let claim: Claim
    /// One entry a seed, in their order.
    public let entries: [Entry]
    /// The subject's measured values.
    public let measured: Spread
    /// The baseline's measured values, where there is one.
    public let baseline: Spread?
    /// The differences between the two, seed by seed.
    public let difference: Spread?
    /// Whether the bound holds with every seed.
    public let holds: Bool

    /// A series of results of one claim; nil without any.
    public init?(_ entries: [Entry]) {
        guard let claim = entries.first?.result.claim, let measured = Spread(of: entries.map(\.result.measured)) else {
            return nil
        }
        precondition(entries.allSatisfy { $0.result.claim == claim }, "results of several claims in one series")
        self.claim = claim
        self.entries = entries
        self.measured = measured
        baseline = Spread(of: entries.compactMap(\.result.baseline))
        difference = Spread(of: entries.compactMap { entry in
            entry.result.baseline.map { entry.result.measured - $0 }
        })
        holds = entries.allSatisfy(\.result.holds)
    }
}
