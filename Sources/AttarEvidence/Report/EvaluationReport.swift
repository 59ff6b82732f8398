/// Everything that was measured: the content of `report.json`, and what `report.html` shows.
///
/// The report holds results only. How they are drawn is the business of `HTMLReport` and `EvaluationTable`; what they
/// mean, of `Verdict`.
public struct EvaluationReport: Sendable, Codable, Equatable {
    /// The version of this format.
    public static let currentVersion = 1

    /// The version that wrote the report.
    public var version = Self.currentVersion
    /// What the report is about.
    public var title: String
    /// When it was made, as the caller wants it shown; the library reads no clock.
    public var date: String?
    /// The data.
    public var dataset: DatasetEvidence
    /// The computer.
    public var machine: MachineEvidence?
    /// The commands that reproduce the report.
    public var commands: [String] = []
    /// The seeds, by what they are for.
    public var seeds: [String: UInt64] = [:]
    /// The hashes of data and models.
    public var hashes: [ArtifactHash] = []
    /// The metrics; the first decides.
    public var metrics: [Metric]
    /// How intervals and p-values were computed.
    public var statistics: StatisticsOptions
    /// What was compared.
    public var pipelines: [PipelineEvidence]
    /// Every pair of pipelines on every metric.
    public var comparisons: [Comparison] = []
    /// How students learned.
    public var training: [TrainingCurve] = []
    /// Queries that student and teacher rank differently.
    public var examples: [RankingExample] = []
    /// What distillation took, once.
    public var cost: DistillationCost?
    /// How many texts the teacher was asked in the run that made the report; what it remembered does not count.
    public var teacherCalls: Int?
    /// What to do.
    public var verdict: Verdict?
    /// What a reader must know besides.
    public var notes: [String] = []

    /// A report with its pipelines; everything else can be added.
    public init(
        title: String, dataset: DatasetEvidence, metrics: [Metric], pipelines: [PipelineEvidence],
        comparisons: [Comparison] = [], statistics: StatisticsOptions = StatisticsOptions()
    ) {
        self.title = title
        self.dataset = dataset
        self.metrics = metrics
        self.pipelines = pipelines
        self.comparisons = comparisons
        self.statistics = statistics
    }

    /// The metric that decides.
    public var primaryMetric: Metric? { metrics.first }

    /// The pipeline of a name.
    public func pipeline(named name: String) -> PipelineEvidence? {
        pipelines.first { $0.name == name }
    }

    /// The comparison of two pipelines, seen from the first: a positive difference says that the first is better.
    public func comparison(of first: String, with second: String, on metric: Metric) -> Comparison? {
        for comparison in comparisons where comparison.metric == metric {
            if comparison.first == first, comparison.second == second { return comparison }
            if comparison.first == second, comparison.second == first { return comparison.reversed }
        }
        return nil
    }
}

/// The data that was measured on.
public struct DatasetEvidence: Sendable, Codable, Equatable {
    /// Its name.
    public var name: String
    /// How many documents were searched.
    public var documents: Int?
    /// How many queries count.
    public var queries: Int
    /// How many judgements there are; nil without any.
    public var judgements: Int?
    /// The SHA-256 of the documents.
    public var hash: String?

    /// The data that was measured on.
    public init(name: String, documents: Int? = nil, queries: Int, judgements: Int? = nil, hash: String? = nil) {
        self.name = name
        self.documents = documents
        self.queries = queries
        self.judgements = judgements
        self.hash = hash
    }
}

/// The hash of a file or model.
public struct ArtifactHash: Sendable, Codable, Equatable {
    /// What it is.
    public var name: String
    /// Its SHA-256 in hexadecimal.
    public var sha256: String

    /// The hash of a file or model.
    public init(name: String, sha256: String) {
        self.name = name
        self.sha256 = sha256
    }
}
