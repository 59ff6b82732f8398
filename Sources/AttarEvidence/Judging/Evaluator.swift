/// What becomes of a judged query for which a run returned nothing.
public enum MissingQueries: String, Sendable, Codable {
    /// It counts as 0: BEIR, ir-measures, and trec_eval with `-c`. A run cannot gain by leaving out hard queries.
    case countAsZero
    /// It is left out of the mean: trec_eval without `-c`.
    case leaveOut
}

/// The values of several metrics for the queries of one run.
public struct RunScores: Sendable, Equatable {
    /// The run's name.
    public let name: String
    /// The metrics, in the order asked for.
    public let metrics: [Metric]
    /// The queries that count, in the order of the judgements.
    public let queryIDs: [String]
    /// The values, `[metrics, queries]`.
    public let values: [[Double]]

    /// The values of one metric in the order of `queryIDs`, or nil if it was not asked for.
    public func values(of metric: Metric) -> [Double]? {
        metrics.firstIndex(of: metric).map { values[$0] }
    }

    /// The mean of one metric over the queries, 0 without queries, or nil if it was not asked for.
    public func mean(of metric: Metric) -> Double? {
        values(of: metric).map { $0.isEmpty ? 0 : $0.reduce(0, +) / Double($0.count) }
    }
}

/// Measures runs against judgements.
///
///     let evaluator = Evaluator(judgements: judgements, metrics: [.nDCG(at: 10)])
///     evaluator.scores(of: run).mean(of: .nDCG(at: 10))
///
/// Queries without judgements are left out. A judged query whose grades are all 0 counts, with the value 0.
public struct Evaluator: Sendable {
    /// The judgements.
    public let judgements: Judgements
    /// The metrics.
    public let metrics: [Metric]
    /// What becomes of judged queries that a run lacks.
    public let missingQueries: MissingQueries

    /// An evaluator for all judged queries.
    public init(
        judgements: Judgements, metrics: [Metric] = Metric.standard, missingQueries: MissingQueries = .countAsZero
    ) {
        self.judgements = judgements
        self.metrics = metrics
        self.missingQueries = missingQueries
    }

    /// The values of every metric for every query that counts.
    ///
    /// - Complexity: O(results + judgements), for each metric.
    public func scores(of run: Run) -> RunScores {
        let queries =
            missingQueries == .countAsZero
            ? judgements.queryIDs : judgements.queryIDs.filter { run.results[$0] != nil }
        let rankings = queries.map { JudgedRanking(results: run[$0], grades: judgements.grades[$0] ?? [:]) }
        let values = metrics.map { metric in rankings.map(metric.value(of:)) }
        return RunScores(name: run.name, metrics: metrics, queryIDs: queries, values: values)
    }
}
