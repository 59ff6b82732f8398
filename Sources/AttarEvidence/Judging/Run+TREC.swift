import AttarStorage

extension Run {
    /// Reads a TREC run file, plain or gzip: `query Q0 document rank score tag` on each line.
    ///
    /// Fields are separated by blanks; where the first line has six fields between tabs, tabs alone separate, so that
    /// identifiers may contain spaces. Rank and Q0 are ignored.
    ///
    /// - Parameter name: what the run is called; nil for the tag of the first line.
    /// - Throws: `EvidenceError` naming file and line (`malformedLine`; `duplicate` for a document that stands twice
    ///   for a query; `nothingToMeasure` for an empty file), `StorageError` for what cannot be read.
    /// - Complexity: O(n log n) in the number of lines; all of it is held in memory.
    public init(path: String, name: String? = nil) throws {
        var table = RunTable(path: path)
        let reader = try LineReader(path: path)
        while let line = try reader.next() {
            if !FieldSplitter.isBlank(line.bytes) { try table.append(line) }
        }
        guard let tag = table.tag else { throw EvidenceError(.nothingToMeasure, "\(path) holds no results.") }
        self.init(name: name ?? tag)
        for query in table.queryIDs { try setResults(table.results[query, default: []], query: query) }
    }

    /// The text of the run as a TREC file, best result first.
    ///
    /// Tabs separate the fields when any identifier (or the name) contains a space, blanks otherwise. Scores are
    /// written with the fewest digits that keep the order.
    ///
    /// - Throws: `unwritableIdentifier` for an identifier that is empty or contains a tab or a line break.
    public func trecText() throws -> String {
        let tag = name.isEmpty ? "run" : name
        let identifiers = [tag] + queryIDs + results.values.flatMap { $0.map(\.documentID) }
        var hasSpaces = false
        for identifier in identifiers {
            guard !identifier.isEmpty, !identifier.utf8.contains(where: { [0x09, 0x0A, 0x0D].contains($0) }) else {
                throw EvidenceError(
                    .unwritableIdentifier,
                    "\(identifier.debugDescription) cannot be written to a TREC file: identifiers must not be empty "
                        + "or contain tabs or line breaks.")
            }
            hasSpaces = hasSpaces || identifier.utf8.contains(0x20)
        }
        return lines(tag: tag, separator: hasSpaces ? "\t" : " ")
    }

    private func lines(tag: String, separator: String) -> String {
        var text = ""
        for query in queryIDs {
            for (index, result) in self[query].enumerated() {
                let fields = [query, "Q0", result.documentID, "\(index + 1)", Self.text(of: result.score), tag]
                text += fields.joined(separator: separator) + "\n"
            }
        }
        return text
    }

    /// The fewest digits that give back the same single-precision number where the score is one, else the same double.
    private static func text(of score: Double) -> String {
        Double(Float(score)) == score ? "\(Float(score))" : "\(score)"
    }

    /// Writes the run as a TREC file, atomically.
    ///
    /// - Throws: what `trecText()` and `AtomicFile` throw.
    public func write(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        try AtomicFile.write(Array(trecText().utf8), to: path, on: fileSystem)
    }
}

/// The lines of a run file, grouped by query.
private struct RunTable {
    let path: String
    private(set) var tag: String?
    private(set) var queryIDs: [String] = []
    private(set) var results: [String: [Run.Result]] = [:]
    private var splitter = FieldSplitter.whitespace
    /// The documents of each query, to name the line of a duplicate.
    private var seen: [String: Set<String>] = [:]

    init(path: String) {
        self.path = path
    }

    mutating func append(_ raw: LineReader.Line) throws {
        if tag == nil, FieldSplitter.tabs.fields(of: raw.bytes).count == 6 { splitter = .tabs }
        let line = FieldLine(fields: splitter.fields(of: raw.bytes), number: raw.number, path: path)
        guard line.fields.count == 6 else {
            throw line.malformed("\(line.fields.count) fields; expected \"query Q0 document rank score tag\".")
        }
        if tag == nil { tag = try line.identifier(5, named: "tag") }
        let query = try line.identifier(0, named: "query")
        let document = try line.identifier(2, named: "document")
        if results[query] == nil { queryIDs.append(query) }
        guard seen[query, default: []].insert(document).inserted else {
            throw EvidenceError.line(
                raw.number, of: path, "document \"\(document)\" stands twice for query \"\(query)\".", kind: .duplicate)
        }
        results[query, default: []].append(Run.Result(document, try line.score(4)))
    }
}
