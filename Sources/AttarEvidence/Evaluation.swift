/// Measures runs against judgements and compares all of them with each other: what `attar evaluate` does.
public enum Evaluation {
    /// The report of several runs: means with intervals, and every pair compared on every metric. Latency, sizes and
    /// costs are not known here and can be added.
    ///
    /// - Parameters:
    ///   - metrics: at least one; the first decides.
    ///   - kinds: the kind of a run by its name; `run` unless given.
    ///   - title: the heading; nil for one made of the data's name.
    /// - Throws: `nothingToMeasure` without judgements, runs or metrics, or when a run has no judged query;
    ///   `duplicate` when two runs have the same name.
    /// - Complexity: O(results + resamples · queries · (runs + pairs) · metrics).
    public static func report(
        judgements: Judgements, runs: [Run], metrics: [Metric] = Metric.standard, seed: UInt64 = 1,
        missingQueries: MissingQueries = .countAsZero, options: StatisticsOptions? = nil,
        kinds: [String: PipelineKind] = [:], dataset: String = "judgements", title: String? = nil
    ) throws -> EvaluationReport {
        try check(judgements: judgements, runs: runs, metrics: metrics)
        let evaluator = Evaluator(judgements: judgements, metrics: metrics, missingQueries: missingQueries)
        let options = options ?? StatisticsOptions(seed: seed)
        let scores = runs.map(evaluator.scores(of:))
        let paired = PairedComparisons(scores: scores, options: options)
        let pipelines = scores.map { run in
            PipelineEvidence(
                name: run.name, kind: kinds[run.name] ?? .run, measurements: paired.measurements(of: run))
        }
        var report = EvaluationReport(
            title: title ?? "Evaluation on \(dataset)",
            dataset: DatasetEvidence(name: dataset, queries: judgements.queryIDs.count, judgements: judgements.count),
            metrics: metrics, pipelines: pipelines, comparisons: paired.comparisons(on: metrics), statistics: options)
        report.seeds["statistics"] = options.seed
        report.notes = notes(on: runs, judgements: judgements, missingQueries: missingQueries)
        return report
    }

    private static func check(judgements: Judgements, runs: [Run], metrics: [Metric]) throws {
        guard !judgements.isEmpty else { throw EvidenceError(.nothingToMeasure, "There are no judgements.") }
        guard !metrics.isEmpty else { throw EvidenceError(.unknownMetric, "No metric was asked for.") }
        guard !runs.isEmpty else { throw EvidenceError(.nothingToMeasure, "There are no runs to measure.") }
        var names: Set<String> = []
        for run in runs {
            guard names.insert(run.name).inserted else {
                throw EvidenceError(.duplicate, "Two runs are called \"\(run.name)\"; give each its own name.")
            }
            guard run.queryIDs.contains(where: { judgements.grades[$0] != nil }) else {
                throw EvidenceError(
                    .nothingToMeasure,
                    "Run \"\(run.name)\" and the judgements have no query in common"
                        + example(run.queryIDs.first, judgements.queryIDs.first)
                        + "; check that both belong to the same data.")
            }
        }
    }

    private static func example(_ run: String?, _ judged: String?) -> String {
        guard let run, let judged else { return "" }
        return " (the run begins with \"\(run)\", the judgements with \"\(judged)\")"
    }

    /// What a reader must know to trust the means: queries that a run lacks, and those that were not judged.
    private static func notes(on runs: [Run], judgements: Judgements, missingQueries: MissingQueries) -> [String] {
        runs.flatMap { run -> [String] in
            let missing = judgements.queryIDs.count { run.results[$0] == nil }
            let unjudged = run.queryIDs.count { judgements.grades[$0] == nil }
            var notes: [String] = []
            if missing > 0 {
                let consequence = missingQueries == .countAsZero ? "they count as 0" : "they are left out of its means"
                notes.append("\(run.name) returned nothing for \(missing) judged queries; \(consequence).")
            }
            if unjudged > 0 { notes.append("\(unjudged) queries of \(run.name) have no judgements and were left out.") }
            return notes
        }
    }
}
