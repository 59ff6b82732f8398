import ArgumentParser
import AttarEvidence
import AttarStorage
import AttarSystems
import AttarTensor
import Foundation

/// `attar systems`
struct Systems: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The published methods: list, show, run, check.",
        discussion: """
            Examples:
              attar systems list
              attar systems run S36 my-docs --teacher minilm
              attar systems check S36 --data ~/beir --models ~/.cache/attar/models
            """,
        subcommands: [List.self, Show.self, Run.self, Check.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the systems.", discussion: "Example:\n  attar systems list")

        @OptionGroup var output: OutputOptions

        func run() throws {
            let cards = Registry.all.map(\.card)
            try output.print(cards) {
                aligned([["id", "name", "group", "paper"]] + cards.map { [$0.id, $0.name, $0.group.rawValue, $0.paper] })
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a system: what it is, its configuration, its claims.",
            discussion: "Example:\n  attar systems show S36")

        @Argument(help: "The system's id.")
        var id: String

        @OptionGroup var output: OutputOptions

        private struct Sheet: Encodable {
            let card: SystemCard
            let claims: [Claim]
        }

        func run() throws {
            let entry = try Registry.entry(id)
            let defaults = String(decoding: try entry.defaultConfiguration(), as: UTF8.self)
            try output.print(Sheet(card: entry.card, claims: entry.claims)) {
                let card = entry.card
                let claims = entry.claims.map { [$0.id, $0.dataset, $0.metric, $0.subject, $0.statement] }
                return """
                    \(card.id) \(card.name): \(card.title)
                    \(card.paper)

                    \(card.summary)

                    Configuration, with defaults:
                    \(defaults)

                    Claims:
                    \(aligned(claims))
                    """
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a system on a collection.",
            discussion: "Example:\n  attar systems run S36 my-docs --teacher minilm --configuration leaf.json")

        @Argument(help: "The system's id.")
        var id: String

        @Argument(help: "The collection.")
        var collection: String

        @OptionGroup var options: DistillOptions

        @Option(help: ArgumentHelp("JSON that replaces parts of the default configuration.", valueName: "file"))
        var configuration: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let entry = try Registry.entry(id)
            guard options.students.isEmpty else {
                throw UsageError("With `systems run`, students are part of the configuration: {\"students\": [\"static\"]}.")
            }
            let printer = ProgressPrinter()
            let data = try configuration.map { Data(try LocalFileSystem().read($0, maximumBytes: 1 << 20)) }
            let report = try await entry.run(data, options.context(collection: collection) { printer.show($0) })
            printer.finish()
            try output.print(report) { EvaluationTable(report).text }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure what a system claims; status 4 when a claim does not hold.",
            discussion: "Example:\n  attar systems check S36 --data ~/beir --models ~/.cache/attar/models")

        @Argument(help: "The system's id.")
        var id: String

        @Option(help: ArgumentHelp("The folder of the data sets, as BEIR folders.", valueName: "folder"))
        var data: String

        @Option(help: ArgumentHelp("The folder of the models. (default: the model store)", valueName: "folder"))
        var models: String?

        @Option(help: "The teacher's name below --models.")
        var teacher: String = "minilm"

        @Option(name: .customLong("dataset"), help: "Only claims on this data set; may be given several times.")
        var datasets: [String] = []

        @Option(help: ArgumentHelp("Where collections and students are kept.", valueName: "folder"))
        var work: String = NSHomeDirectory() + "/.cache/attar/checks"

        @Option(help: ArgumentHelp("The time to train one student.", valueName: "time"))
        var budget: TimeBudget?

        @Option(help: "The seed of all random choices.")
        var seed: UInt64 = 1

        @Option(help: "Threads.")
        var threads: Int = Parallel.processorCount

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let entry = try Registry.entry(id)
            if let unknown = datasets.first(where: { name in !entry.claims.contains { $0.dataset == name } }) {
                let known = Set(entry.claims.map(\.dataset)).sorted().joined(separator: ", ")
                throw UsageError("\(id) claims nothing about \"\(unknown)\"; --dataset is one of \(known).")
            }
            let printer = ProgressPrinter()
            let check = SystemCheck(
                entry, dataFolder: data, workFolder: work, teacher: models.map { $0 + "/" + teacher } ?? teacher,
                seed: seed, budget: budget?.duration, threads: threads
            ) { printer.show($0) }
            let results = try await check.results(datasets: datasets.isEmpty ? nil : Set(datasets))
            printer.finish()
            try output.print(results) { Self.table(results) }
            if results.contains(where: { !$0.holds }) { throw ExitCode(ErrorCategory.claim.rawValue) }
        }

        private static func table(_ results: [ClaimResult]) -> String {
            let head = ["claim", "data", "metric", "measured", "interval", "baseline", "kept", "p", "", "statement"]
            return aligned([head] + results.map { result in
                [
                    result.claim.id, result.claim.dataset, result.claim.metric, decimals(result.measured),
                    result.interval.map { "\(decimals($0.lower))–\(decimals($0.upper))" } ?? "",
                    result.baseline.map(decimals) ?? "",
                    result.baseline.map { String(format: "%.1f %%", 100 * result.measured / $0) } ?? "",
                    result.pValue.map(decimals) ?? "", result.holds ? "holds" : "FAILS", result.claim.statement,
                ]
            }, numeric: [3, 5, 6, 7])
        }

        private static func decimals(_ value: Double) -> String { String(format: "%.4f", value) }
    }
}
