/// What kind of search a pipeline is; the verdict's rules depend on it.
public enum PipelineKind: String, Sendable, Codable, CaseIterable {
    /// Term matching.
    case bm25
    /// The student encodes queries and documents.
    case dense
    /// The student encodes queries; the teacher encoded the documents.
    case asymmetric
    /// Term matching and vectors, fused.
    case hybrid
    /// The teacher encodes queries and documents.
    case teacher
    /// Results from a file; how they were made is not known.
    case run
}

/// What was measured of one pipeline.
public struct PipelineEvidence: Sendable, Codable, Equatable {
    /// Its name, unique in a report.
    public var name: String
    /// What it does, one line.
    public var description: String
    /// Its kind.
    public var kind: PipelineKind
    /// Its quality, one for each metric; empty without judgements.
    public var measurements: [Measurement]
    /// The time of one query.
    public var latency: LatencySummary?
    /// The size of the model that encodes queries.
    public var modelBytes: Int?
    /// The size of the index that is searched.
    public var indexBytes: Int?
    /// The time to build the index, encoding included.
    public var buildSeconds: Double?
    /// The time to train the student.
    public var trainSeconds: Double?
    /// How much of the teacher's first results it returns.
    public var overlapWithTeacher: Overlap?
    /// How many documents a query scores with the dear score of a search in stages, in the mean.
    public var documentsScored: Double?

    /// The evidence of one pipeline; what was not measured stays nil.
    public init(
        name: String, description: String = "", kind: PipelineKind, measurements: [Measurement] = [],
        latency: LatencySummary? = nil, modelBytes: Int? = nil, indexBytes: Int? = nil, buildSeconds: Double? = nil,
        trainSeconds: Double? = nil, overlapWithTeacher: Overlap? = nil
    ) {
        self.name = name
        self.description = description
        self.kind = kind
        self.measurements = measurements
        self.latency = latency
        self.modelBytes = modelBytes
        self.indexBytes = indexBytes
        self.buildSeconds = buildSeconds
        self.trainSeconds = trainSeconds
        self.overlapWithTeacher = overlapWithTeacher
    }

    /// The measurement of one metric.
    public func measurement(of metric: Metric) -> Measurement? {
        measurements.first { $0.metric == metric }
    }
}

/// The mean of a metric over the queries, with its interval.
public struct Measurement: Sendable, Codable, Equatable {
    /// The metric.
    public var metric: Metric
    /// The mean.
    public var mean: Double
    /// Where the mean of all such queries lies, by bootstrap; nil with fewer than two queries.
    public var interval: Interval?

    /// A mean with its interval.
    public init(metric: Metric, mean: Double, interval: Interval? = nil) {
        self.metric = metric
        self.mean = mean
        self.interval = interval
    }
}

/// An interval of numbers, both ends included.
public struct Interval: Sendable, Codable, Equatable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double

    /// An interval of numbers.
    public init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }
}

/// Which part of the teacher's first `depth` documents are among a pipeline's first `depth`, on average.
public struct Overlap: Sendable, Codable, Equatable {
    /// How many documents are looked at.
    public var depth: Int
    /// The mean over the queries, 0 to 1.
    public var mean: Double

    /// A mean overlap at a depth.
    public init(depth: Int, mean: Double) {
        self.depth = depth
        self.mean = mean
    }
}

/// Two pipelines compared on the same queries.
public struct Comparison: Sendable, Codable, Equatable {
    /// The metric.
    public var metric: Metric
    /// The two pipelines.
    public var first, second: String
    /// The mean of the first less that of the second.
    public var difference: Double
    /// Where that difference lies for all such queries, by bootstrap; nil with fewer than two queries.
    public var interval: Interval?
    /// How likely so large a difference is if both are equally good: paired randomisation test, two-sided.
    public var pValue: Double
    /// The same after Holm's correction over all pairs compared on this metric.
    public var adjustedPValue: Double
    /// How many queries both were measured on.
    public var queries: Int

    /// A comparison of two pipelines.
    public init(
        metric: Metric, first: String, second: String, difference: Double, interval: Interval? = nil, pValue: Double,
        adjustedPValue: Double, queries: Int
    ) {
        self.metric = metric
        self.first = first
        self.second = second
        self.difference = difference
        self.interval = interval
        self.pValue = pValue
        self.adjustedPValue = adjustedPValue
        self.queries = queries
    }

    /// The same comparison with the two pipelines exchanged.
    public var reversed: Comparison {
        var reversed = self
        (reversed.first, reversed.second) = (second, first)
        reversed.difference = -difference
        reversed.interval = interval.map { Interval(lower: -$0.upper, upper: -$0.lower) }
        return reversed
    }
}
