import AttarCollection
import AttarStorage
import AttarTensor
import AttarText

/// Reads documents into a collection, and makes test queries of its questions where asked to.
public struct IngestJob: Sendable {
    /// What came of it.
    public struct Summary: Codable, Sendable, CustomStringConvertible {
        /// Documents added, those in the place of others included.
        public let documents: Int
        /// Documents taken away, those that others replaced included.
        public let deleted: Int
        /// Documents that were there already as they are.
        public let unchanged: Int
        /// Passages they were cut into.
        public let passages: Int
        /// Documents without text, left out.
        public let skippedEmpty: Int
        /// Files whose kind is not read.
        public let skippedFiles: Int
        /// Test queries made of questions.
        public let questions: Int
        /// The folder.
        public let collection: String

        public var description: String {
            var parts = ["\(documents) documents in \(passages) passages"]
            if deleted > 0 { parts.append("\(deleted) replaced or taken away") }
            if unchanged > 0 { parts.append("\(unchanged) unchanged") }
            if skippedEmpty > 0 { parts.append("\(skippedEmpty) without text left out") }
            if skippedFiles > 0 { parts.append("\(skippedFiles) files of other kinds left out") }
            if questions > 0 { parts.append("\(questions) questions became test queries") }
            return parts.joined(separator: ", ") + " → " + collection
        }
    }

    private let paths: [String]
    private let collection: String
    private let configuration: CollectionConfiguration
    private let questionsFrom: String?
    private let updates: Bool
    private let merges: Bool
    private let progress: ProgressHandler

    /// A job.
    ///
    /// - Parameters:
    ///   - configuration: how a new collection is made; one that exists keeps its own.
    ///   - updates: whether a document takes the place of the one with its id; otherwise that is refused.
    ///   - merges: whether segments are merged afterwards that have become worth it, see `MergePolicy`.
    ///   - questionsFrom: see `QuestionHeadings`; nil makes no queries.
    public init(
        paths: [String], collection: String, configuration: CollectionConfiguration, questionsFrom: String? = nil,
        updates: Bool = false, merges: Bool = true, progress: @escaping ProgressHandler = { _ in }
    ) {
        self.paths = paths
        self.collection = collection
        self.configuration = configuration
        self.questionsFrom = questionsFrom
        self.updates = updates
        self.merges = merges
        self.progress = progress
    }

    /// Adds all documents, or none.
    ///
    /// - Throws: `TextError`, `CollectionError`, `StorageError`, `CancellationError`.
    public func run() throws -> Summary {
        var questions = questionsFrom.map { QuestionHeadings(pattern: $0) }
        var (read, documents, passages, emptyInWriter, deleted, unchanged) = (0, 0, 0, 0, 0, 0)
        var reading = ReadingReport()
        _ = try Collection.ingest(into: collection, configuration: configuration) { writer in
            reading = try DocumentReader.read(paths: paths) { document, place in
                read += 1
                if read % 256 == 0 {
                    try Task.checkCancellation()
                    progress(.init(stage: "reading", note: "\(read) documents"))
                }
                let taken = questions?.take(from: document) ?? document
                if updates { try writer.update(taken) } else { try writer.add(taken, from: place) }
            }
            (documents, passages, emptyInWriter) = (writer.documentCount, writer.passageCount, writer.skippedEmpty)
            (deleted, unchanged) = (writer.deletedCount, writer.unchangedCount)
        }
        if merges {
            _ = try Collection.mergeAsNeeded(at: collection, threads: Parallel.processorCount) { progress(.init($0)) }
        }
        try EmptyDocuments.add(reading.emptyIDs, to: collection)
        if let questions, !questions.questions.isEmpty { try EvaluationSet.write(questions.questions, for: collection) }
        return Summary(
            documents: documents, deleted: deleted, unchanged: unchanged, passages: passages,
            skippedEmpty: reading.skippedEmpty + emptyInWriter, skippedFiles: reading.filesSkipped,
            questions: questions?.questions.count ?? 0, collection: collection)
    }
}
