import ArgumentParser
import AttarDistill
import AttarEvidence
import AttarSystems
import AttarTensor
import Foundation

/// `attar distill`
struct Distill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The main job: teacher and documents become a student, an index, a verdict.",
        discussion: """
            Example:
              attar distill my-docs --teacher minilm --student static --student layers=3 --budget 10m

            Encodes the documents with the teacher, trains the students on unlabelled texts of the collection, indexes, \
            measures every way to search, and writes report.html and report.json. A run that was stopped goes on where it \
            stopped when the same command is given again; what the teacher said is never asked twice.

            Students: static (a token table), layers=3 (that many of the teacher's layers), layers=1+3+5 (these), \
            width=128 (a narrower transformer).
            """)

    @Argument(help: "The collection.")
    var collection: String

    @OptionGroup var options: DistillOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Say what it would take, and do nothing.")
    var dryRun = false

    func run() async throws {
        let printer = ProgressPrinter()
        var configuration = LEAF.defaultConfiguration
        try options.apply(to: &configuration)
        let context = try options.context(collection: collection) { printer.show($0) }
        if dryRun {
            let estimate = try DistillationEstimate(context, configuration)
            try output.print(estimate) { estimate.description }
            return
        }
        let report = try await LEAF(configuration: configuration).run(context)
        printer.finish()
        let summary = DistillSummary(report, output: context.output)
        try output.print(summary) { summary.text(report) }
    }
}

/// The options of a distillation, shared by `distill` and `systems run`.
struct DistillOptions: ParsableArguments {
    @Option(help: "The teacher: a model of the catalogue, or a model folder.")
    var teacher: String

    @Option(name: .customLong("student"), help: "A student to train; may be given several times. (default: static, layers=3)")
    var students: [String] = []

    @Option(help: ArgumentHelp("The time to train one student, such as 90s, 10m, 1h.", valueName: "time"))
    var budget: TimeBudget?

    @Option(help: ArgumentHelp("Judged queries, as BEIR's queries.jsonl.", valueName: "file"))
    var queries: String?

    @Option(help: ArgumentHelp("Their judgements, TREC or BEIR.", valueName: "file"))
    var qrels: String?

    @Flag(help: "Accept judgements that name unknown documents; they then count as not found.")
    var allowUnknown = false

    @Option(help: "The seed of all random choices.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The folder of students and report. (default: distilled, in the collection)", valueName: "folder"))
    var out: String?

    @Option(help: "Threads.")
    var threads: Int = Parallel.processorCount

    func validate() throws {
        if (queries == nil) != (qrels == nil) { throw ValidationError("--queries and --qrels belong together.") }
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
    }

    func apply(to configuration: inout LEAF.Configuration) throws {
        if !students.isEmpty { configuration.students = try students.map(StudentSpecification.init(parsing:)) }
        guard Set(configuration.students).count == configuration.students.count else {
            throw UsageError("A student is named twice.")
        }
    }

    func context(collection: String, progress: @escaping ProgressHandler) throws -> RunContext {
        var evaluation: EvaluationSet?
        if let queries, let qrels {
            evaluation = try EvaluationSet(
                queries: queries, judgements: qrels, collection: collection, allowingUnknown: allowUnknown)
        } else {
            evaluation = try EvaluationSet.made(for: collection)
        }
        return RunContext(
            collection: collection, teacher: teacher, output: out ?? collection + "/distilled", evaluation: evaluation,
            seed: seed, budget: budget?.duration, threads: threads,
            command: ["attar"] + CommandLine.arguments.dropFirst(), progress: progress)
    }
}

/// A time such as "90s", "10m" or "1h".
struct TimeBudget: ExpressibleByArgument {
    let duration: Duration

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
        guard let unit = argument.last, let factor = units[unit], let value = Double(argument.dropLast()),
            value > 0, value * factor <= 30 * 86_400
        else { return nil }
        duration = .milliseconds(Int64(value * factor * 1000))
    }
}

/// What `distill` prints.
private struct DistillSummary: Encodable {
    let verdict: Verdict?
    let pipelines: [PipelineEvidence]
    let report: String
    let teacherCalls: Int

    init(_ report: EvaluationReport, output: String) {
        verdict = report.verdict
        pipelines = report.pipelines
        self.report = output + "/report.html"
        teacherCalls = report.teacherCalls ?? 0
    }

    func text(_ evidence: EvaluationReport) -> String {
        """
        \(EvaluationTable(evidence).text)
        teacher calls: \(teacherCalls)
        report: \(report)
        """
    }
}
