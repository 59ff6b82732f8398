/// The limits within which a verdict is found.
public struct VerdictPolicy: Sendable, Codable, Equatable {
    /// The adjusted p-value below which a difference counts.
    public var significance: Double
    /// A student that is significantly worse than the teacher is still accepted if it keeps this part of the teacher's
    /// quality.
    public var retention: Double
    /// Without judgements: a student is accepted if it returns at least this part of the teacher's first documents.
    public var overlap: Double

    /// The usual limits: 5 %, 95 %, and 60 % of the first documents.
    public init(significance: Double = 0.05, retention: Double = 0.95, overlap: Double = 0.6) {
        self.significance = significance
        self.retention = retention
        self.overlap = overlap
    }
}
