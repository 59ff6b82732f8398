import ArgumentParser
import AttarCollection
import AttarEvidence
import AttarIndex
import AttarModels
import AttarSearch
import AttarStorage
import AttarSystems
import AttarTensor
import AttarText

/// `attar search`
struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search a collection.",
        discussion: """
            Examples:
              attar search my-docs "how do I rotate the logs"
              attar search my-docs "log rotation" --pipeline bm25 --explain
              attar search my-docs "log rotation" --filter 'year >= 2000 and lang in ("en", "de") and not draft = true'
              attar search my-docs '+rotate +"log files"~2 -docker config*' --syntax boolean
              attar search my-docs --queries queries.jsonl --run out.trec --pipeline asymmetric
              attar search my-docs "log rotation" --pipeline two-stage --first sparse --candidates 50 --patience 4

            Pipelines: bm25 (words) · dense (documents and queries by one model) · asymmetric (queries by a student, \
            documents by its teacher) · hybrid (bm25 and vectors, fused) · sparse (learned weights) · late-interaction \
            (vectors of passages' tokens) · two-stage (candidates of --first, put in order by the vectors of their \
            tokens). Without --pipeline: what the last verdict of `attar distill` recommends, else bm25. Without --encoder: \
            the models of the last distillation; for the last three those that made what the collection has.

            Filters compare metadata: key = value, !=, <, <=, >, >=, key in (value, …), key exists, joined by and, or, not \
            and parentheses. Texts stand in quotes, keys with spaces in brackets: [page count] > 10. Of a list one element \
            must fit. Numbers and texts are different: cells of a CSV such as 007 or true are texts.
            """)

    @Argument(help: "The collection.")
    var collection: String

    @Argument(help: "The query.")
    var query: String?

    @Option(help: "bm25, dense, asymmetric, hybrid, sparse, late-interaction or two-stage.")
    var pipeline: PipelineChoice?

    @Option(help: "The model that encodes queries: a name of the catalogue, a student's name, or a folder.")
    var encoder: String?

    @Option(help: "How many documents. (default: 10, with --queries 100)")
    var depth: Int?

    @Option(help: ArgumentHelp(
        "What the metadata of documents must be, such as 'year >= 2000 and lang in (\"en\", \"de\")'.",
        valueName: "expression"))
    var filter: String?

    @Option(help: """
        plain: all words count, no sign has a meaning. boolean, for bm25: +must -mustnot word "a phrase"~slop prefix* \
        (a AND b) OR NOT word^2, and \\ before a sign that has no meaning. Prefixes are compared with stems, as the \
        index holds no endings: relat* finds relation and relative, relati* does not.
        """)
    var syntax: QuerySyntax = .plain

    @Option(help: "BM25's saturation of term frequency.")
    var k1: Float?

    @Option(help: "BM25's normalisation by length, 0 to 1.")
    var b: Float?

    @Option(help: "How hybrid fuses: rrf (reciprocal ranks) or weighted (normalised scores).")
    var fusion: FusionChoice = .rrf

    @Option(help: "The weight of the vectors in a weighted hybrid, 0 to 1.")
    var weight: Double = 0.5

    @Option(help: """
        The first of two stages: bm25, sparse, dense or asymmetric. (default: sparse where the collection has weights, \
        else bm25)
        """)
    var first: PipelineChoice?

    @Option(help: ArgumentHelp("The model of the first of two stages, where it has one of its own.", valueName: "model"))
    var firstEncoder: String?

    @Option(help: """
        How many passages the first of two stages finds, or how many late-interaction scores of those that it gathers. \
        (default: 100, late-interaction 256 or 8 times --depth)
        """)
    var candidates: Int?

    @Option(help: """
        late-interaction gathers passages that have a token in the lists of so many centroids near a token of the \
        query. (default: 4; every passage is scored where tokens are kept without centroids)
        """)
    var probes: Int?

    @Flag(help: "late-interaction scores every passage.")
    var exhaustive = false

    @Option(help: """
        Candidates are left out whose score in the first stage is below (1 - margin) times that of the last result. \
        (default: none is)
        """)
    var margin: Float?

    @Option(help: "The second stage ends when so many candidates in a row did not enter the results. (default: never)")
    var patience: Int?

    @Flag(help: "Say how each score came about.")
    var explain = false

    @Flag(help: "One line a result.")
    var brief = false

    @Option(help: ArgumentHelp("Many queries at once, as BEIR's queries.jsonl.", valueName: "file"))
    var queries: String?

    @Option(help: ArgumentHelp("The TREC run to write for --queries; - is the standard output.", valueName: "file"))
    var run: String?

    @Option(help: "Threads for --queries.")
    var threads: Int = Parallel.processorCount

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if (query == nil) == (queries == nil) { throw ValidationError("Give either a query or --queries FILE.") }
        if (queries == nil) != (run == nil) { throw ValidationError("--queries and --run belong together.") }
        if let depth, depth < 1 { throw ValidationError("--depth must be at least 1.") }
        if let k1, !(k1 >= 0 && k1.isFinite) { throw ValidationError("--k1 must not be negative.") }
        if let b, !(0...1).contains(b) { throw ValidationError("--b must lie between 0 and 1.") }
        if !(0...1).contains(weight) { throw ValidationError("--weight must lie between 0 and 1.") }
        if syntax == .boolean, let pipeline, pipeline != .bm25 {
            throw ValidationError("--syntax boolean is for words: leave --pipeline out, or give --pipeline bm25.")
        }
        try validateStages()
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
    }

    private func validateStages() throws {
        if let candidates, candidates < 1 { throw ValidationError("--candidates must be at least 1.") }
        if let probes, probes < 1 { throw ValidationError("--probes must be at least 1.") }
        if probes != nil || exhaustive, pipeline != .lateInteraction {
            throw ValidationError("--probes and --exhaustive belong to --pipeline late-interaction.")
        }
        if exhaustive, probes != nil || candidates != nil {
            throw ValidationError("--exhaustive leaves nothing to --probes and --candidates.")
        }
        if candidates != nil, pipeline != .twoStage, pipeline != .lateInteraction {
            throw ValidationError("--candidates belongs to --pipeline two-stage or late-interaction.")
        }
        if let margin, !(0...1).contains(margin) { throw ValidationError("--margin must lie between 0 and 1.") }
        if let patience, patience < 1 { throw ValidationError("--patience must be at least 1.") }
        let isTwoStage = pipeline == .twoStage
        if !isTwoStage, first != nil || firstEncoder != nil || margin != nil || patience != nil {
            throw ValidationError("--first, --first-encoder, --margin and --patience belong to --pipeline two-stage.")
        }
        if let first, ![.bm25, .sparse, .dense, .asymmetric].contains(first) {
            throw ValidationError("--first must be bm25, sparse, dense or asymmetric.")
        }
    }

    func run() async throws {
        if let run, run != "-" { try AtomicFile.requireDestination(run) }
        let filter = try filter.map { try MetadataFilter(parsing: $0) }
        let opened = try Collection.open(at: collection)
        let searcher = Searcher(opened)
        let prepared = try searcher.prepare(chosenPipeline(opened))
        if let queries, let run {
            let printer = ProgressPrinter()
            let result = try searcher.run(
                QueryReader.read(path: queries).map { ($0.id, $0.text) }, prepared, depth: depth ?? defaultDepth, filter: filter,
                threads: threads, name: prepared.name
            ) { printer.show(.init(stage: "searching", completed: $0, total: $1, unit: "queries")) }
            printer.finish()
            if run == "-" {
                try StandardStream.output.write(Array(result.run.trecText().utf8))
            } else {
                try result.run.write(to: run)
            }
        } else if let query {
            let response = try searcher.respond(
                to: query, prepared, depth: depth ?? defaultDepth, filter: filter, explain: explain)
            if !output.json { ResultPrinter.note(response) }
            try output.print(response) { ResultPrinter(brief: brief).text(response.results, pipeline: prepared.name) }
        }
    }

    private func chosenPipeline(_ opened: Collection) throws -> Pipeline {
        let models = ModelChoice(collection: opened.path, encoder: encoder)
        var parameters = BM25Parameters()
        if let k1 { parameters.k1 = k1 }
        if let b { parameters.b = b }
        switch try syntax == .boolean ? .bm25 : pipeline ?? models.recommended() {
        case .bm25: return .bm25(parameters, syntax: syntax)
        case .dense: return .dense(try models.dense())
        case .asymmetric: return .asymmetric(try models.asymmetric())
        case .hybrid:
            let encoder = try models.asymmetric()
            let vectors: Pipeline = opened.encoders.contains { $0.fingerprint.id == encoder.fingerprint.id }
                ? .dense(encoder) : .asymmetric(encoder)
            return .hybrid([.bm25(parameters), vectors], fusion.value(vectorWeight: weight))
        case .sparse: return .sparse(try models.sparse(opened))
        case .lateInteraction: return .lateInteraction(try models.tokens(opened), gathering: gathering(opened))
        case .twoStage:
            return .twoStage(
                try firstStage(opened, parameters), try models.tokens(opened), candidates: candidates ?? 100,
                cascade: Cascade(margin: margin, patience: patience))
        }
    }

    /// How late interaction finds candidates; nil where every passage is scored.
    private func gathering(_ opened: Collection) -> TokenGathering? {
        let codec = opened.learnedIndexes.first { $0.kind == .tokens }?.codec.flatMap { TokenCodec(name: $0) }
        guard !exhaustive, probes != nil || codec?.needsCentroids ?? false else { return nil }
        return TokenGathering(probes: probes ?? 4, candidates: candidates ?? max(256, 8 * (depth ?? defaultDepth)))
    }

    private var defaultDepth: Int { queries == nil ? 10 : 100 }

    private func firstStage(_ opened: Collection, _ parameters: BM25Parameters) throws -> Pipeline {
        let models = ModelChoice(collection: opened.path, encoder: firstEncoder)
        let hasWeights = opened.learnedIndexes.contains { $0.kind == .weights }
        switch first ?? (hasWeights ? .sparse : .bm25) {
        case .sparse: return .sparse(try models.sparse(opened))
        case .dense: return .dense(try models.dense())
        case .asymmetric: return .asymmetric(try models.asymmetric())
        default: return .bm25(parameters)
        }
    }
}
