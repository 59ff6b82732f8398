import AttarEvidence

/// Something a system must hold to, as data: what is measured, where, and against what.
public struct Claim: Codable, Sendable, Equatable {
    /// The system's number and a running one: "S36.3".
    public let id: String
    /// The claim in words.
    public let statement: String
    /// The folder of the data set, below the folder given by `--data`.
    public let dataset: String
    /// Which judgements of the data set: "test".
    public let split: String
    /// The metric, as `Metric` reads it, or `documentsScored`.
    public let metric: String
    /// The pipeline that is measured, by its name in the report.
    public let subject: String
    /// The pipeline it is held against; nil where the bound is absolute.
    public let baseline: String?
    /// What must hold.
    public let bound: Bound

    /// The relation between what is measured and the baseline.
    public enum Bound: Codable, Sendable, Equatable {
        /// subject ≥ value
        case atLeast(Double)
        /// |subject − value| ≤ tolerance
        case within(value: Double, tolerance: Double)
        /// subject ≥ ratio · baseline
        case ratioAtLeast(Double)
        /// subject ≥ baseline
        case notBelow
        /// subject > baseline, with a p-value of at most the level
        case significantlyAbove(level: Double)
        /// subject ≥ baseline − value
        case lossAtMost(Double)
        /// subject ≤ ratio · baseline
        case ratioAtMost(Double)
    }

    /// In place of a metric: the documents that a query scores (`PipelineEvidence.documentsScored`).
    public static let documentsScored = "documents scored"

    /// A claim.
    public init(
        id: String, statement: String, dataset: String, split: String = "test", metric: String = "nDCG@10",
        subject: String, baseline: String? = nil, bound: Bound
    ) {
        self.id = id
        self.statement = statement
        self.dataset = dataset
        self.split = split
        self.metric = metric
        self.subject = subject
        self.baseline = baseline
        self.bound = bound
    }
}

/// What was measured for a claim.
public struct ClaimResult: Codable, Sendable, Equatable {
    /// The claim.
    public let claim: Claim
    /// The subject's measured value.
    public let measured: Double
    /// The baseline's measured value, where there is one.
    public let baseline: Double?
    /// Where the subject's value lies for all such queries, by bootstrap.
    public let interval: Interval?
    /// The p-value of the difference from the baseline, after Holm's correction.
    public let pValue: Double?
    /// Whether the bound holds.
    public let holds: Bool

    /// Judges a claim by what was measured.
    ///
    /// - Precondition: `baseline` is given when the bound compares with one.
    public init(
        claim: Claim, measured: Double, baseline: Double?, interval: Interval? = nil, pValue: Double? = nil
    ) {
        self.claim = claim
        self.measured = measured
        self.baseline = baseline
        self.interval = interval
        self.pValue = pValue
        holds = switch claim.bound {
        case .atLeast(let value): measured >= value
        case .within(let value, let tolerance): abs(measured - value) <= tolerance
        case .ratioAtLeast(let ratio): measured >= ratio * (baseline ?? .infinity)
        case .notBelow: measured >= (baseline ?? .infinity)
        case .significantlyAbove(let level): measured > (baseline ?? .infinity) && (pValue ?? 1) <= level
        case .lossAtMost(let loss): measured >= (baseline ?? .infinity) - loss
        case .ratioAtMost(let ratio): measured <= ratio * (baseline ?? -.infinity)
        }
    }
}
