import ArgumentParser
import AttarCollection
import AttarStorage
import AttarSystems
import AttarText

/// `attar ingest`
struct Ingest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read documents into a collection.",
        discussion: """
            Example:
              attar ingest ~/notes handbook.html corpus.jsonl.gz --to my-docs

            Reads BEIR folders, JSON lines, CSV and TSV, plain text, Markdown, HTML, and folders of these. The documents \
            of one call are added all, or none. An id that is there already is refused; with --update the new document \
            takes the old one's place. Documents of a BEIR folder are searched whole; others are cut into \
            passages at sentence ends (--chunk decides otherwise).

            After the commit, segments of about the same size are merged once there are many, as are those of which \
            much is deleted (--no-merge leaves them; others may search and write meanwhile).
            """)

    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
    var paths: [String]

    @Option(name: .customLong("to"), help: "The collection's folder; it is made when it is not there.")
    var collection: String

    @Flag(help: "Documents take the place of those with the same id; unchanged ones keep their vectors.")
    var update = false

    @Option(help: "whole: a document is one passage; a number: passages of at most that many words.")
    var chunk: ChunkChoice?

    @Option(help: "The language of the texts, for stems and stop words: an ISO code, or none.")
    var language: String = "en"

    @Flag(inversion: .prefixedNo, help: "Keep where words stand, which phrases of `search --syntax boolean` need.")
    var positions = true

    @Option(help: ArgumentHelp(
        "Make test queries of documents whose id matches this pattern and whose title is a question; the title leaves the document.",
        valueName: "pattern"))
    var questionsFrom: String?

    @Flag(inversion: .prefixedNo, help: "Merge small segments, and those of which much is deleted, after the commit.")
    var merge = true

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if collection.isEmpty { throw ValidationError("--to needs the name of a folder.") }
    }

    func run() async throws {
        let printer = ProgressPrinter()
        let job = IngestJob(
            paths: paths, collection: collection, configuration: try configuration(), questionsFrom: questionsFrom,
            updates: update, merges: merge
        ) { printer.show($0) }
        let summary = try job.run()
        printer.finish()
        try output.print(summary) { summary.description }
    }

    private func configuration() throws -> CollectionConfiguration {
        let chunking = switch chunk {
        case .whole: Chunking.whole
        case .words(let count): Chunking.sentences(maximumWords: count, overlap: 1)
        case nil: paths.allSatisfy(BEIRFolder.isOne) ? Chunking.whole : Chunking.standard
        }
        return CollectionConfiguration(chunking: chunking, analyzer: .init(language: language), positions: positions)
    }
}

/// What `--chunk` takes.
enum ChunkChoice: ExpressibleByArgument {
    case whole
    case words(Int)

    init?(argument: String) {
        if argument == "whole" {
            self = .whole
        } else if let count = Int(argument), (10...10_000).contains(count) {
            self = .words(count)
        } else {
            return nil
        }
    }
}
