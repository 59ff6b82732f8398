import ArgumentParser
import AttarEvidence
import AttarStorage
import AttarSystems
import AttarTensor
import Foundation

extension Systems {
    /// `attar systems check`
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure what a system claims; status 4 when a claim does not hold.",
            discussion: """
                With --seeds, claims are measured that often, each time with other random choices, and hold when they hold \
                every time.

                Examples:
                  attar systems check S36 --data ~/beir --models ~/.cache/attar/models
                  attar systems check S10 --data ~/beir --dataset scifact --seeds 3
                """)

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

        @Option(help: "How many seeds to measure with, from --seed on; each takes as long as the first.")
        var seeds: Int = 1

        @Option(help: "Threads.")
        var threads: Int = Parallel.processorCount

        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard seeds >= 1, !seed.addingReportingOverflow(UInt64(seeds - 1)).overflow else {
                throw ValidationError("--seeds is 1 or more, and --seed so much less than \(UInt64.max).")
            }
        }

        func run() async throws {
            let entry = try Registry.entry(id)
            try requireClaims(of: entry)
            let printer = ProgressPrinter()
            let check = SystemCheck(
                entry, dataFolder: data, workFolder: work, teacher: models.map { $0 + "/" + teacher } ?? teacher,
                seed: seed, budget: budget?.duration, threads: threads
            ) { printer.show($0) }
            let chosen = datasets.isEmpty ? nil : Set(datasets)
            let holds: Bool
            if seeds == 1 {
                let results = try await check.results(datasets: chosen)
                printer.finish()
                try output.print(results) { Self.table(results) }
                holds = results.allSatisfy(\.holds)
            } else {
                let series = try await check.series(seeds: seed...(seed + UInt64(seeds - 1)), datasets: chosen)
                printer.finish()
                try output.print(series) { Self.table(series) }
                holds = series.allSatisfy(\.holds)
            }
            if !holds { throw ExitCode(ErrorCategory.claim.rawValue) }
        }

        /// A data set without claims is a slip of the pen.
        private func requireClaims(of entry: Registry.Entry) throws {
            guard let unknown = datasets.first(where: { name in !entry.claims.contains { $0.dataset == name } }) else {
                return
            }
            let known = Set(entry.claims.map(\.dataset)).sorted().joined(separator: ", ")
            throw UsageError("\(id) claims nothing about \"\(unknown)\"; --dataset is one of \(known).")
        }

        /// One row a claim: means over seeds with their standard deviations, and every seed's p-value.
        private static func table(_ all: [ClaimSeries]) -> String {
            let head = ["claim", "data", "metric", "measured", "baseline", "difference", "p of each seed", "", "statement"]
            return aligned([head] + all.map { series in
                let pValues = series.entries.compactMap(\.result.pValue).map(decimals)
                let held = series.entries.count(where: \.result.holds)
                return [
                    series.claim.id, series.claim.dataset, series.claim.metric, spread(series.measured),
                    series.baseline.map(spread) ?? "", series.difference.map(spread) ?? "", pValues.joined(separator: " "),
                    series.holds ? "holds" : "FAILS, \(held) of \(series.entries.count) hold", series.claim.statement,
                ]
            }, numeric: [3, 4, 5])
        }

        private static func spread(_ spread: ClaimSeries.Spread) -> String {
            "\(decimals(spread.mean)) ± \(decimals(spread.standardDeviation))"
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
