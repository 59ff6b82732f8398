import AttarStorage

/// A labelled question or search text.
public struct Query: Sendable, Hashable, Codable {
    /// The identifier that runs and judgements use.
    public var id: String
    /// What is searched for.
    public var text: String

    /// A query with its id.
    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}

/// A folder in the layout of the BEIR benchmark: `corpus.jsonl`, `queries.jsonl` (each perhaps `.gz`) and judgements as
/// `qrels/<split>.tsv`.
public struct BEIRFolder: Sendable, Equatable {
    static let corpusNames = ["corpus.jsonl", "corpus.jsonl.gz"]
    private static let queryNames = ["queries.jsonl", "queries.jsonl.gz"]

    /// The documents' file.
    public let corpusPath: String
    /// The queries' file, if there is one.
    public let queriesPath: String?
    /// Files with judgements by split (`test`, `dev`, …).
    public let qrelsPaths: [String: String]

    /// Looks at a folder.
    ///
    /// - Throws: `TextError.missing` when it holds no corpus; `StorageError` when it cannot be listed.
    public init(path: String) throws {
        let files = LocalFileSystem()
        let names = try files.list(path)
        guard let corpus = Self.corpusNames.first(where: names.contains) else {
            throw TextError(
                .missing, path: path, problem: "The folder holds no corpus.jsonl and no corpus.jsonl.gz.",
                mend: "Give a folder in the layout of BEIR.")
        }
        corpusPath = path + "/" + corpus
        queriesPath = Self.queryNames.first(where: names.contains).map { path + "/" + $0 }
        var qrels: [String: String] = [:]
        if names.contains("qrels"), try files.information(at: path + "/qrels")?.kind == .directory {
            for name in try files.list(path + "/qrels") {
                let split = name.split(separator: ".").first.map(String.init) ?? name
                if name.hasSuffix(".tsv") || name.hasSuffix(".tsv.gz") || name.hasSuffix(".txt") {
                    qrels[split] = path + "/qrels/" + name
                }
            }
        }
        qrelsPaths = qrels
    }

    /// Whether a folder holds a BEIR corpus.
    public static func isOne(_ path: String) -> Bool {
        (try? BEIRFolder(path: path)) != nil
    }

    /// The queries in file order; none when the folder has no queries.
    ///
    /// - Throws: as `QueryReader.read`.
    public func queries() throws -> [Query] {
        try queriesPath.map { try QueryReader.read(path: $0) } ?? []
    }
}

/// Reads queries: JSONL with `_id` and `text`, or lines of `id TAB text`; each perhaps gzip.
public enum QueryReader {
    /// The queries in file order.
    ///
    /// - Throws: `TextError` naming file and line for broken lines, empty texts, ids that stand twice, and a
    ///   file without queries.
    public static func read(path: String) throws -> [Query] {
        let isJSON = SourceFormat(name: path) == .jsonLines
        let lines = try LineReader(path: path)
        var queries: [Query] = []
        var places: [String: Int] = [:]
        while let line = try lines.next() {
            guard !JSONLinesReader.isBlank(line.bytes) else { continue }
            let query = isJSON ? try fromJSON(line, path: path) : try fromColumns(line, path: path)
            guard !query.text.isBlank else {
                throw TextError(.malformed, path: path, line: line.number, problem: "The query has no text.")
            }
            if let other = places.updateValue(line.number, forKey: query.id) {
                throw TextError(
                    .duplicate, path: path, line: line.number,
                    problem: "The query id \"\(query.id)\" stands already on line \(other).")
            }
            queries.append(query)
        }
        guard !queries.isEmpty else {
            throw TextError(
                .empty, path: path, problem: "The file holds no query.",
                mend: "One {\"_id\": …, \"text\": …} a line was expected.")
        }
        return queries
    }

    private static func fromJSON(_ line: LineReader.Line, path: String) throws -> Query {
        let value = try JSONLinesReader.parse(line, path: path)
        guard let id = try JSONLinesReader.identifier(value, path: path, line: line.number),
            let text = JSONLinesReader.textKeys.lazy.compactMap({ value[$0]?.string }).first
        else {
            throw TextError(
                .malformed, path: path, line: line.number, problem: "A query needs the keys \"_id\" and \"text\".")
        }
        return Query(id: id, text: text)
    }

    private static func fromColumns(_ line: LineReader.Line, path: String) throws -> Query {
        let text = try TextFile.text(of: line.bytes, path: path, line: line.number)
        guard let tab = text.firstIndex(of: "\t"), tab != text.startIndex else {
            throw TextError(
                .malformed, path: path, line: line.number,
                problem: "Id and text with a tab between them were expected.")
        }
        return Query(id: String(text[..<tab]), text: String(text[text.index(after: tab)...]))
    }
}
