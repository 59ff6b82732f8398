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

            Ends with status 3 when something is wrong, and says what.
            """)

    @Argument(help: "The collection.")
    var collection: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        let problems = try Collection.problems(at: collection)
        try output.print(problems) {
            problems.isEmpty ? "\(collection): sound" : problems.map(\.description).joined(separator: "\n")
        }
        if !problems.isEmpty { throw ExitCode(ErrorCategory.input.rawValue) }
    }
}
