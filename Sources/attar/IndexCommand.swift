import ArgumentParser
import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import AttarSystems
import AttarTensor
import AttarText
import Foundation

/// `attar index`
struct Index: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Encode a collection with a model, bring its vectors up to date, delete documents.",
        discussion: """
            Example:
              attar index my-docs --encoder minilm --precision int8
              attar index my-docs --encoder minilm --auto --recall 0.95
              attar index my-docs --encoder minilm --kind ivf --bytes 48
              attar index my-docs --encoder minilm --kind hnsw --codes binary
              attar index my-docs --encoder splade-tiny
              attar index my-docs --encoder minilm --kind multivector --codec int8
              attar index my-docs --export-ciff my-docs.ciff
              attar index my-docs --delete old-page --delete-where 'year < 1990' --merge

            Passages that have vectors of this model already are left alone. Without --encoder: shows what there is.

            Kinds: flat looks at every vector and is exact; codes looks at a smaller code of every vector; hnsw walks a graph \
            over codes; ivf looks at the codes of some lists of near vectors. What the last three find is scored again by the \
            vectors, and so much is looked at that the recall is reached. auto times all on a sample of the vectors and takes \
            the fastest. Without --kind: as before, flat at first. Segments of fewer than 10,000 passages stay flat.

            Beside these, a model of sparse weights such as splade-tiny makes an index of its weights (or of its pooled \
            states, with --kind flat), and multivector keeps a vector for each token of a passage: what `attar search \
            --pipeline sparse`, late-interaction and two-stage search.

            --export-ciff gives the word index to PISA, Terrier, JASS and others, a passage as a document each, named by \
            its document's id, or id#0, id#1 … where there are several. Deletions of one call are one commit: all, or none.
            """)

    @Argument(help: "The collection.")
    var collection: String

    @Option(help: "The model: a name of the catalogue, or a model folder.")
    var encoder: String?

    @Option(help: "float32, or int8 (a quarter of the size).")
    var precision: VectorPrecision = .float32

    @Option(help: "How vectors are searched: flat, codes, hnsw, ivf or auto; or multivector: vectors of tokens.")
    var kind: IndexKind?

    @Option(help: "What codes and hnsw find candidates by: int8 or binary, for codes also bfloat16. (default: int8)")
    var codes: VectorPrecision?

    @Option(help: "How many lists ivf makes. (default: about 4 times the root of the number of vectors)")
    var lists: Int?

    @Option(help: "How many bytes ivf keeps of a vector. (default: one for 8 numbers)")
    var bytes: Int?

    @Flag(help: "The same as --kind auto.")
    var auto = false

    @Option(help: """
        How multivector keeps tokens: bf16, int8, residual1, residual2, residual4, or pq and the bytes of a code, such as \
        pq32. (default: residual2)
        """)
    var codec: TokenCodec?

    @Option(help: "The recall@10 that codes, hnsw, ivf and auto are to reach.")
    var recall: Double = 0.95

    @Option(help: ArgumentHelp(
        "Queries to measure recall and time by, as BEIR's queries.jsonl. (default: passages)", valueName: "file"))
    var queries: String?

    @Option(help: ArgumentHelp("Delete the document with this id; may be repeated.", valueName: "id"))
    var delete: [String] = []

    @Option(help: ArgumentHelp("Delete the documents whose metadata the expression fits.", valueName: "filter"))
    var deleteWhere: String?

    @Flag(help: """
        Merge segments into one that is free of deleted documents. Others may write meanwhile. The segments that it \
        replaces, deleted texts included, are removed as soon as nobody reads them, by the next command that changes the \
        collection at the latest.
        """)
    var merge = false

    @Flag(help: "With --merge: documents with the same words come to stand near each other, for smaller word indexes.")
    var reorder = false

    @Flag(help: "Leave segments alone: also those of which much is deleted, and those beside a graph.")
    var noMerge = false

    @Option(help: "Tokens of a passage that are read.")
    var maxLength: Int = 256

    @Option(
        name: .customLong("export-ciff"),
        help: ArgumentHelp("Write the word index in the Common Index File Format.", valueName: "file"))
    var exportCIFF: String?

    @Option(help: "Threads.")
    var threads: Int = Parallel.processorCount

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if maxLength < 3 { throw ValidationError("--max-length must be at least 3.") }
        if !(recall > 0 && recall <= 1) { throw ValidationError("--recall must lie above 0 and not above 1.") }
        if auto, kind != nil, kind != .auto { throw ValidationError("--auto and --kind say different things; give one.") }
        if codes != nil, kind != .codes, kind != .hnsw {
            throw ValidationError("--codes belongs to --kind codes or --kind hnsw.")
        }
        if codec != nil, kind != .multivector { throw ValidationError("--codec belongs to --kind multivector.") }
        if lists != nil || bytes != nil, kind != .ivf { throw ValidationError("--lists and --bytes belong to --kind ivf.") }
        if encoder == nil, kind != nil || auto || queries != nil {
            throw ValidationError("--kind, --auto and --queries need --encoder: the model whose vectors are meant.")
        }
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
        if reorder, !merge { throw ValidationError("--reorder needs --merge: documents get their places at a merge.") }
        if noMerge, merge { throw ValidationError("--merge and --no-merge say different things; give one.") }
    }

    func run() async throws {
        var opened = try Collection.open(at: collection)
        let deleted = try deleteDocuments(&opened)
        let printer = ProgressPrinter()
        if merge {
            opened = try Collection.merge(at: collection, reorders: reorder, threads: threads) { printer.show(.init($0)) }
        } else if let deleted, deleted > 0, !noMerge {
            opened = try Collection.mergeAsNeeded(at: collection, threads: threads) { printer.show(.init($0)) }
        }
        printer.finish()
        var trial: VectorIndexTrial?
        if let encoder {
            (opened, trial) = try encoded(opened, by: ModelStore().resolve(encoder), printer)
            printer.finish()
        }
        if let exportCIFF { try opened.exportCIFF(to: exportCIFF) }
        let summary = IndexSummary(opened, deleted: deleted, trial: trial)
        try output.print(summary) { summary.text }
    }

    /// Encodes what the model has not encoded yet, and brings its index up to date.
    private func encoded(
        _ opened: Collection, by path: String, _ printer: ProgressPrinter
    ) throws -> (Collection, VectorIndexTrial?) {
        let options = EncodingOptions(threads: threads, maximumLength: maxLength)
        let progress = { (done: Int, total: Int) in
            printer.show(.init(stage: "encoding", completed: done, total: total, unit: "passages"))
        }
        if kind == nil, !auto, try ModelFolder(path: path).givesWeights() {
            let model = try SparseEncoder(path: path)
            let collection = try opened.addWeights(
                of: model.fingerprint, width: model.vocabularySize, progress: progress
            ) { try model.encode($0.map(\.embeddingText), role: .passage, options: options) }
            return (collection, nil)
        }
        if kind == .multivector {
            let model = try ModelChoice.tokens(path: path)
            let collection = try opened.addTokens(
                of: model.fingerprint, as: codec ?? .residual(bits: 2), threads: threads, progress: progress
            ) { try model.encode($0.map(\.embeddingText), role: .passage, options: options) }
            return (collection, nil)
        }
        let model = try EncoderLoader.load(path: path)
        let collection = try opened.addVectors(
            encoder: model, precision: precision, options: options, progress: progress)
        return try indexed(collection, model, printer)
    }

    /// Builds the index that was asked for, or brings up to date the one that is there.
    private func indexed(
        _ opened: Collection, _ model: any TextEncoder, _ printer: ProgressPrinter
    ) throws -> (Collection, VectorIndexTrial?) {
        // Only now do new segments have the vectors that older ones have, so that graphs can take them in.
        let opened = noMerge ? opened : try Collection.mergeAsNeeded(at: collection, threads: threads)
        let records = opened.encoders.filter { $0.fingerprint.id == model.fingerprint.id && $0.precision == precision }
        guard let record = records.first else { return (opened, nil) }
        let asked = try queries.map { file in
            try model.encode(
                QueryReader.read(path: file).prefix(1000).map(\.text), role: .query, options: .init(threads: threads))
        }
        var trial: VectorIndexTrial?
        let choice: VectorIndexChoice
        var target = recall
        switch auto ? .auto : kind {
        case .flat: choice = .flat
        case .codes: choice = .index(.codes, codes: codes ?? (precision == .int8 ? .binary : .int8))
        case .hnsw: choice = .index(.hnsw, codes: codes ?? .int8)
        case .ivf: choice = .lists(InvertedListsShape(lists: lists, bytes: bytes))
        case .auto:
            let tried = try VectorIndexTrial(opened, encoder: record, recall: recall, queries: asked) {
                printer.show(.init(stage: "trying \($0)", completed: 0, total: 1, unit: "trials"))
            }
            (trial, choice) = (tried, tried.choice)
        case nil, .multivector:
            guard let index = record.index else { return (opened, nil) }
            (choice, target) = (index.choice, index.target)
        }
        let indexed = try opened.indexVectors(
            of: record, as: choice, recall: target, queries: asked, threads: threads
        ) { done, total in
            printer.show(.init(stage: "indexing", completed: done, total: total, unit: "vectors"))
        }
        return (indexed, trial)
    }

    /// - Returns: how many; nil when none were to be deleted.
    private func deleteDocuments(_ opened: inout Collection) throws -> Int? {
        guard !delete.isEmpty || deleteWhere != nil else { return nil }
        let filter = try deleteWhere.map { try MetadataFilter(parsing: $0) }
        let writer = try CollectionWriter(path: collection)
        defer { writer.close() }
        let unknown = try writer.delete(ids: Set(delete).sorted())
        guard unknown.isEmpty else {
            throw UsageError(
                "No document of \(collection) has the id \(unknown.map { "\"\($0)\"" }.joined(separator: ", ")). "
                    + "Nothing was deleted; leave it out or correct it.")
        }
        if let filter { try writer.delete(where: filter) }
        let count = writer.deletedCount
        if count > 0 { opened = try writer.commit() }
        return count
    }
}

/// What `--kind` takes.
enum IndexKind: String, ExpressibleByArgument, CaseIterable {
    case flat
    case codes
    case hnsw
    case ivf
    case multivector
    case auto
}

extension VectorPrecision: ExpressibleByArgument {}

/// What a collection holds.
private struct IndexSummary: Encodable {
    struct Vectors: Encodable {
        let encoder: String
        let fingerprint: String
        let precision: String
        let index: VectorIndexRecord?
        let bytes: Int
        let isComplete: Bool
    }

    struct Learned: Encodable {
        let encoder: String
        let fingerprint: String
        /// `weights` or `tokens`.
        let kind: LearnedIndexRecord.Kind
        let codec: String?
        let bytes: Int
        let isComplete: Bool
    }

    let documents: Int
    let passages: Int
    /// Deleted by this call.
    let deleted: Int?
    let segments: Int
    /// Of the documents: see `Collection.contentHash`.
    let contentHash: String
    let wordIndexBytes: Int
    let vectors: [Vectors]
    let learned: [Learned]
    let trial: VectorIndexTrial?

    init(_ collection: Collection, deleted: Int?, trial: VectorIndexTrial?) {
        self.trial = trial
        self.deleted = deleted
        documents = collection.liveDocumentCount
        passages = collection.livePassageCount
        segments = collection.segments.count
        contentHash = collection.contentHash
        let bytes = collection.indexBytes
        wordIndexBytes = bytes.text
        let complete = Set(collection.encoders.map(\.fileName) + collection.learnedIndexes.map(\.fileName))
        learned = collection.manifest.learnedIndexes.map {
            Learned(
                encoder: $0.fingerprint.name, fingerprint: $0.fingerprint.id, kind: $0.kind, codec: $0.codec,
                bytes: bytes.vectors[$0.fileName] ?? 0, isComplete: complete.contains($0.fileName))
        }
        vectors = collection.manifest.encoders.map {
            Vectors(
                encoder: $0.fingerprint.name, fingerprint: $0.fingerprint.id, precision: $0.precision.rawValue, index: $0.index,
                bytes: bytes.vectors[$0.fileName] ?? 0, isComplete: complete.contains($0.fileName))
        }
    }

    var text: String {
        let rows = [["index", "bytes", ""], ["words", "\(wordIndexBytes)", ""]] + vectors.map {
            ["\($0.encoder) \($0.precision)\(Self.kind($0.index))", "\($0.bytes)", $0.isComplete ? "" : "not of all passages"]
        }
        let others = learned.map {
            [
                "\($0.encoder)\($0.kind == .weights ? " weights" : "") \($0.codec ?? "")", "\($0.bytes)",
                $0.isComplete ? "" : "not of all passages",
            ]
        }
        let gone = deleted.map { "\($0) documents deleted; " } ?? ""
        return (trial.map { Self.table($0) + "\n\n" } ?? "") + gone + "\(documents) documents, \(passages) passages\n"
            + aligned(rows + others, numeric: [1])
    }

    private static func kind(_ index: VectorIndexRecord?) -> String {
        guard let index else { return "" }
        let probes = index.probes.map { ", \($0) lists looked at" } ?? ""
        return String(
            format: ", %@%@, %d candidates, recall %.3f", index.choice.name, probes, index.candidates, index.recall)
    }

    private static func table(_ trial: VectorIndexTrial) -> String {
        let head = ["tried", "lists", "candidates", "recall@10", "us/query", "us/query of all", "extra bytes/vector", ""]
        let rows = trial.candidates.map { candidate in
            [
                candidate.name, candidate.probes.map(String.init) ?? "", candidate.candidates.map(String.init) ?? "all",
                String(format: "%.4f", candidate.recall),
                String(format: "%.0f", candidate.microseconds), String(format: "%.0f", candidate.estimate),
                String(format: "%.0f", candidate.extraBytes), candidate.suffices ? "" : "recall not reached",
            ]
        }
        return "sample of \(trial.sample) of \(trial.total) vectors, "
            + (trial.hasQueries ? "the queries given\n" : "passages as queries\n")
            + aligned([head] + rows, numeric: [1, 2, 3, 4, 5, 6])
            + "\nchosen: \(trial.chosen), because \(trial.reason)."
    }
}
