import ArgumentParser
import AttarEvidence
import AttarStorage

/// `attar evaluate`
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure runs against judgements, and compare them.",
        discussion: """
            Example:
              attar evaluate --qrels qrels.txt --run bm25.trec --run student.trec --metrics nDCG@10,R@100

            Metrics as trec_eval defines them: nDCG@k, MRR@k, R@k, AP, P@k, Success@k; AP(rel=2) counts grades from 2 on. \
            Intervals by bootstrap over queries; every pair of runs by a paired randomisation test with Holm's correction.
            """)

    @Option(help: ArgumentHelp("Judgements, TREC or BEIR, plain or gzip.", valueName: "file"))
    var qrels: String

    @Option(name: .customLong("run"), help: ArgumentHelp("A TREC run; may be given several times.", valueName: "file"))
    var runs: [String]

    @Option(help: "The metrics; the first decides. (default: \(Metric.standard.map(\.description).joined(separator: ",")))")
    var metrics: String?

    @Flag(help: "Leave queries that a run lacks out of its means, instead of counting them as 0.")
    var ignoreMissing = false

    @Option(help: "The seed of bootstrap and randomisation.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Write a page for a browser.", valueName: "file"))
    var html: String?

    @OptionGroup var output: OutputOptions

    func run() throws {
        if let html { try AtomicFile.requireDestination(html) }
        let report = try Evaluation.report(
            judgements: Judgements(path: qrels), runs: named(runs.map { try Run(path: $0) }),
            metrics: metrics.map { try Metric.list($0) } ?? Metric.standard, seed: seed,
            missingQueries: ignoreMissing ? .leaveOut : .countAsZero, dataset: qrels)
        if let html { try AtomicFile.write(Array(HTMLReport(report).text.utf8), to: html) }
        try output.print(report) { EvaluationTable(report).text }
    }

    /// Runs that carry the same tag are told apart by their files.
    private func named(_ loaded: [Run]) -> [Run] {
        let counts = Dictionary(loaded.map { ($0.name, 1) }, uniquingKeysWith: +)
        return zip(loaded, runs).map { run, path in
            var run = run
            if counts[run.name, default: 0] > 1 { run.name = path }
            return run
        }
    }
}
