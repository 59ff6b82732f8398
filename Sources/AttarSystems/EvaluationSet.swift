import AttarCollection
import AttarEvidence
import AttarStorage
import AttarText
import Foundation

/// Queries with judgements: what a study measures with.
public struct EvaluationSet: Sendable {
    /// The judged queries, in the order of their file.
    public let queries: [(id: String, text: String)]
    /// Their judgements.
    public let judgements: Judgements
    /// SHA-256 of the two files, by name.
    public let hashes: [ArtifactHash]

    /// Reads queries and judgements, and keeps the queries that are judged.
    ///
    /// - Parameters:
    ///   - queries: a file of JSON lines as in BEIR, plain or gzip.
    ///   - judgements: a file of judgements, TREC or BEIR.
    ///   - collection: the folder of the collection that the judgements must be about; nil checks nothing.
    ///   - allowingUnknown: whether judgements may name queries and documents that are not there.
    /// - Throws: `TextError`, `EvidenceError`, `StorageError`; an error when no judged query is found.
    public init(
        queries queriesPath: String, judgements judgementsPath: String, collection: String? = nil,
        allowingUnknown: Bool = false
    ) throws {
        let judgements = try Judgements(path: judgementsPath)
        let all = try QueryReader.read(path: queriesPath)
        if let collection {
            let opened = try Collection.open(at: collection)
            let empty = try EmptyDocuments.read(collection: collection)
            try judgements.validate(
                queries: Set(all.map(\.id)),
                isKnownDocument: { try empty.contains($0) || opened.document(id: $0) != nil },
                allowingUnknown: allowingUnknown, source: judgementsPath)
        }
        let queries = all.filter { judgements.grades[$0.id] != nil }
        guard !queries.isEmpty else {
            throw SystemError.noJudgedQueries(queries: queriesPath, judgements: judgementsPath)
        }
        self.queries = queries.map { ($0.id, $0.text) }
        self.judgements = judgements.restricted(toQueries: Set(queries.map(\.id)))
        hashes = try [("queries", queriesPath), ("judgements", judgementsPath)].map {
            ArtifactHash(name: $0.0, sha256: try SHA256Digest.hex(ofFile: $0.1))
        }
    }

    /// The queries and judgements that ingestion made out of the corpus's own questions; nil when there are none.
    public static func made(for collection: String) throws -> EvaluationSet? {
        let (queries, judgements) = paths(of: collection)
        guard FileManager.default.fileExists(atPath: queries) else { return nil }
        return try EvaluationSet(queries: queries, judgements: judgements)
    }

    /// Where ingestion keeps the questions that it took from the corpus.
    public static func paths(of collection: String) -> (queries: String, judgements: String) {
        ("\(collection)/evaluation/queries.jsonl", "\(collection)/evaluation/qrels.tsv")
    }

    /// Writes questions as a BEIR pair of files beside a collection.
    public static func write(_ questions: [QuestionHeadings.Question], for collection: String) throws {
        let (queriesPath, judgementsPath) = paths(of: collection)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var queries: [UInt8] = []
        var judgements = Array("query-id\tcorpus-id\tscore\n".utf8)
        for question in questions {
            queries += try encoder.encode(["_id": question.id, "text": question.text]) + [UInt8(ascii: "\n")]
            judgements += Array("\(question.id)\t\(question.documentID)\t1\n".utf8)
        }
        let fileSystem = LocalFileSystem()
        try fileSystem.makeDirectory("\(collection)/evaluation")
        try AtomicFile.write(judgements, to: judgementsPath, on: fileSystem)
        try AtomicFile.write(queries, to: queriesPath, on: fileSystem)
    }
}
