import AttarCollection

/// How far a piece of work has come.
public struct ProgressUpdate: Sendable, Equatable {
    /// What is being done, in a few words; a new stage begins when this changes.
    public let stage: String
    /// How much is done.
    public let completed: Int
    /// How much there is to do; 0 when that is not known.
    public let total: Int
    /// What is counted: "passages", "steps".
    public let unit: String
    /// Something worth seeing beside it: the loss, a file name.
    public let note: String?

    /// An update.
    public init(stage: String, completed: Int = 0, total: Int = 0, unit: String = "", note: String? = nil) {
        self.stage = stage
        self.completed = completed
        self.total = total
        self.unit = unit
        self.note = note
    }
}

extension ProgressUpdate {
    /// That of a merge.
    public init(_ merge: MergeProgress) {
        self.init(stage: merge.stage.rawValue, completed: merge.completed, total: merge.total, unit: merge.unit)
    }
}

/// Receives progress; called from the thread that works, so it should return soon.
public typealias ProgressHandler = @Sendable (ProgressUpdate) -> Void
