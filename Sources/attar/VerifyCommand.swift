import ArgumentParser
import AttarCollection
import AttarStorage

/// `attar verify`
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read every checksum and cross-reference of a collection.",
        discussion: """
            Example:
              attar verify my-docs
              attar verify my-docs --repair

            Ends with status 3 when something is wrong, and says what. With --repair: takes out what is broken, says what was \
            lost, and keeps it in a folder damaged-1, damaged-2 … of the collection; what is sound is not touched. A \
            collection.json that is missing or damaged is made again from segments and rows, and what had to be assumed is said.
            """)

    @Argument(help: "The collection.")
    var collection: String

    @Flag(help: "Take out what is broken, so that the rest can be used.")
    var repair = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        if repair { return try mend() }
        let problems = try Collection.problems(at: collection)
        try output.print(problems) {
            problems.isEmpty ? "\(collection): sound" : problems.map(\.description).joined(separator: "\n")
        }
        if !problems.isEmpty { throw ExitCode(ErrorCategory.input.rawValue) }
    }

    private func mend() throws {
        let report = try Collection.repair(at: collection)
        try output.print(report) {
            guard !report.problems.isEmpty else { return "\(collection): sound" }
            let kept = report.keptIn.map { ["What was taken out is kept in \(collection)/\($0)."] } ?? []
            let lines = report.problems.map { "wrong: \($0)" } + report.guesses.map { "assumed: \($0)" }
                + report.losses.map { "taken out: \($0)" } + kept
                + ["\(report.documents) documents are left."] + report.remaining.map { "still wrong: \($0)" }
            return lines.joined(separator: "\n")
        }
        if !report.remaining.isEmpty { throw ExitCode(ErrorCategory.input.rawValue) }
    }
}
