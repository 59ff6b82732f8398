import ArgumentParser
import AttarEvidence
import AttarStorage
import AttarSystems
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
}
