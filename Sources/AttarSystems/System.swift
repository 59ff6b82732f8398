import AttarEvidence
import AttarStorage

/// What a system trains: the folder it stands in.
public enum SystemGroup: String, Codable, Sendable, CaseIterable {
    case dense = "Dense"
    case sparse = "Sparse"
    case lateInteraction = "LateInteraction"
    case adapt = "Adapt"
    case compress = "Compress"
    case rerank = "Rerank"
    case generate = "Generate"
    case answer = "Answer"
    case classify = "Classify"
    case study = "Study"
}

/// What a system must be given.
public enum SystemNeed: String, Codable, Sendable {
    /// A teacher that gives vectors.
    case embeddingTeacher
    /// Texts without labels.
    case texts
    /// Queries with judgements, to measure with.
    case judgements
}

/// The facts about a published method.
public struct SystemCard: Codable, Sendable, Equatable {
    /// Its number among the systems: "S36".
    public let id: String
    /// The short name it is known by.
    public let name: String
    /// The title of the paper.
    public let title: String
    /// Where the paper is.
    public let paper: String
    /// What it trains.
    public let group: SystemGroup
    /// What it must be given.
    public let needs: [SystemNeed]
    /// What it gives a user, in a sentence or two.
    public let summary: String
}

/// A published method, as an arrangement of parts.
///
/// A system is one short file that reads like the paper's method section: a configuration with the source of every
/// default, a `run` that arranges teacher, signals, student, index and pipelines, and what must hold as data.
/// Batching, checkpoints, caching and measuring live in the parts.
public protocol System: Sendable {
    /// Everything about a run that a user may choose.
    associatedtype Configuration: Codable & Sendable

    /// The facts about the method.
    static var card: SystemCard { get }
    /// What must hold, on which data, against which baseline.
    static var claims: [Claim] { get }
    /// The configuration with every default.
    static var defaultConfiguration: Configuration { get }

    /// The configuration in which the claims are measured.
    static var checkedConfiguration: Configuration { get }

    /// A system with its choices made.
    init(configuration: Configuration)

    /// Runs the method on a collection and measures it.
    ///
    /// A run that was cancelled or killed goes on where it stopped when it is called again with the same context.
    func run(_ context: RunContext) async throws -> EvaluationReport
}

extension System {
    /// By default, claims are about the defaults.
    public static var checkedConfiguration: Configuration { defaultConfiguration }
}
