import ArgumentParser
import AttarCollection
import AttarIndex
import AttarModels
import AttarSystems
import AttarTensor
import Foundation

/// `attar index`
struct Index: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Encode a collection with a model, bring its vectors up to date, delete documents.",
        discussion: """
            Example:
              attar index my-docs --encoder minilm --precision int8
              attar index my-docs --export-ciff my-docs.ciff
              attar index my-docs --delete old-page --delete-where 'year < 1990' --merge

            Passages that have vectors of this model already are left alone. Without --encoder: shows what there is. \
            --export-ciff gives the word index to PISA, Terrier, JASS and others, a passage as a document each, named by \
            its document's id, or id#0, id#1 … where there are several. Deletions of one call are one commit: all, or none.
            """)

    @Argument(help: "The collection.")
    var collection: String

    @Option(help: "The model: a name of the catalogue, or a model folder.")
    var encoder: String?

    @Option(help: "float32, or int8 (a quarter of the size).")
    var precision: VectorPrecision = .float32

    @Option(help: ArgumentHelp("Delete the document with this id; may be repeated.", valueName: "id"))
    var delete: [String] = []

    @Option(help: ArgumentHelp("Delete the documents whose metadata the expression fits.", valueName: "filter"))
    var deleteWhere: String?

    @Flag(help: "Merge segments into one, and take deleted documents out of the files for good.")
    var merge = false

    @Option(help: "Tokens of a passage that are read.")
    var maxLength: Int = 256

    @Option(name: .customLong("export-ciff"), help: ArgumentHelp("Write the word index in the Common Index File Format.", valueName: "file"))
    var exportCIFF: String?

    @Option(help: "Threads.")
    var threads: Int = Parallel.processorCount

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if maxLength < 3 { throw ValidationError("--max-length must be at least 3.") }
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
    }

    func run() async throws {
        var opened = try Collection.open(at: collection)
        let deleted = try deleteDocuments(&opened)
        if let encoder {
            let printer = ProgressPrinter()
            opened = try opened.addVectors(
                encoder: EncoderLoader.load(path: ModelStore().resolve(encoder)), precision: precision,
                options: EncodingOptions(threads: threads, maximumLength: maxLength)
            ) { done, total in
                printer.show(.init(stage: "encoding", completed: done, total: total, unit: "passages"))
            }
            printer.finish()
        }
        if merge { opened = try Collection.merge(at: collection) }
        if let exportCIFF { try opened.exportCIFF(to: exportCIFF) }
        let summary = IndexSummary(opened, deleted: deleted)
        try output.print(summary) { summary.text }
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

extension VectorPrecision: ExpressibleByArgument {}

/// What a collection holds.
private struct IndexSummary: Encodable {
    struct Vectors: Encodable {
        let encoder: String
        let fingerprint: String
        let precision: String
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

    init(_ collection: Collection, deleted: Int?) {
        self.deleted = deleted
        documents = collection.liveDocumentCount
        passages = collection.livePassageCount
        segments = collection.segments.count
        contentHash = collection.contentHash
        let bytes = collection.indexBytes
        wordIndexBytes = bytes.text
        let complete = Set(collection.encoders.map(\.fileName))
        vectors = collection.manifest.encoders.map {
            Vectors(
                encoder: $0.fingerprint.name, fingerprint: $0.fingerprint.id, precision: $0.precision.rawValue,
                bytes: bytes.vectors[$0.fileName] ?? 0, isComplete: complete.contains($0.fileName))
        }
    }

    var text: String {
        let rows = [["index", "bytes", ""], ["words", "\(wordIndexBytes)", ""]] + vectors.map {
            ["\($0.encoder) \($0.precision)", "\($0.bytes)", $0.isComplete ? "" : "not of all passages"]
        }
        let gone = deleted.map { "\($0) documents deleted; " } ?? ""
        return gone + "\(documents) documents, \(passages) passages\n" + aligned(rows, numeric: [1])
    }
}
