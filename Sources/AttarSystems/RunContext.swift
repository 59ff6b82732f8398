import AttarEvidence
import AttarStorage
import Foundation

/// Where a system works, with what, and who hears of it: all that is not part of the method itself.
public struct RunContext: Sendable {
    /// The folder of the collection.
    public let collection: String
    /// The teacher: a folder, or a name of the catalogue.
    public let teacher: String
    /// The folder that receives students, report and run state.
    public let output: String
    /// Queries with judgements; nil when there are none.
    public let evaluation: EvaluationSet?
    /// The seed of every random choice.
    public let seed: UInt64
    /// How long training of one student should take at most; nil leaves it to the method.
    public let budget: Duration?
    /// The number of threads.
    public let threads: Int
    /// The command that began this run, word by word, for the report.
    public let command: [String]
    /// Receives progress.
    public let progress: ProgressHandler

    /// A context.
    public init(
        collection: String, teacher: String, output: String, evaluation: EvaluationSet? = nil, seed: UInt64 = 1,
        budget: Duration? = nil, threads: Int, command: [String] = [], progress: @escaping ProgressHandler = { _ in }
    ) {
        self.collection = collection
        self.teacher = teacher
        self.output = output
        self.evaluation = evaluation
        self.seed = seed
        self.budget = budget
        self.threads = threads
        self.command = command
        self.progress = progress
    }
}
