/// What to do, in plain words, with the reason.
public struct Verdict: Sendable, Codable, Equatable {
    /// The possible answers.
    public enum Choice: String, Sendable, Codable, CaseIterable {
        /// Term matching is enough.
        case keepBM25
        /// The student for queries and documents.
        case useStudentSymmetric
        /// The student for queries, the teacher's vectors for documents.
        case useStudentAsymmetric
        /// The teacher for both.
        case useTeacher
        /// Term matching and vectors fused, where neither alone is better than term matching.
        case useHybrid
        /// What was measured does not allow an answer.
        case undecided
    }

    /// The answer.
    public var choice: Choice
    /// The pipeline to use, nil without an answer.
    public var pipeline: String?
    /// The answer as a sentence.
    public var headline: String
    /// The reasons, a sentence each, the most important first.
    public var reasons: [String]
    /// What else may be worth doing, such as fusing with BM25.
    public var recommendation: String?
    /// Whether quality was measured with judgements.
    public var isQualityMeasured: Bool
    /// The metric that decided.
    public var metric: Metric?
    /// The decisive difference: of the pipeline to use over BM25, or of the best other one over BM25.
    public var difference: Double?
    /// The p-value of that difference, after Holm's correction.
    public var pValue: Double?
    /// From how many queries a day on distillation pays for itself; nil if it never does, or costs are not known.
    public var breakEvenQueriesPerDay: Double?

    /// A verdict.
    public init(
        choice: Choice, pipeline: String? = nil, headline: String, reasons: [String], recommendation: String? = nil,
        isQualityMeasured: Bool, metric: Metric? = nil, difference: Double? = nil, pValue: Double? = nil,
        breakEvenQueriesPerDay: Double? = nil
    ) {
        self.choice = choice
        self.pipeline = pipeline
        self.headline = headline
        self.reasons = reasons
        self.recommendation = recommendation
        self.isQualityMeasured = isQualityMeasured
        self.metric = metric
        self.difference = difference
        self.pValue = pValue
        self.breakEvenQueriesPerDay = breakEvenQueriesPerDay
    }
}
