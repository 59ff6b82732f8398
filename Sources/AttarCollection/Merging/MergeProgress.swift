/// How far a merge has come.
public struct MergeProgress: Sendable, Equatable {
    /// What is being done; a merge goes through all that apply, in this order, and there may be several merges.
    public enum Stage: String, Sendable {
        /// Words of the sources become one index.
        case words = "merging words"
        /// Metadata and hashes are taken from the rows.
        case metadata = "merging metadata"
        /// Vectors are copied.
        case vectors = "merging vectors"
        /// An index over the vectors is built, or carried on.
        case index = "indexing"
        /// Rows are copied.
        case rows = "copying rows"
    }

    /// What is being done.
    public let stage: Stage
    /// How much of it is done.
    public let completed: Int
    /// How much there is; 0 where that is not counted.
    public let total: Int
    /// What is counted.
    public let unit: String

    init(_ stage: Stage, _ completed: Int = 0, of total: Int = 0, _ unit: String = "passages") {
        (self.stage, self.completed, self.total, self.unit) = (stage, completed, total, unit)
    }
}
