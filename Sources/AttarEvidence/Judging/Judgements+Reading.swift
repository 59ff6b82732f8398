import AttarStorage

extension Judgements {
    /// Reads a judgement file, plain or gzip; the format is told by its first line.
    ///
    /// - TREC: `query iteration document grade`, separated by blanks, or by tabs when identifiers contain spaces.
    /// - BEIR: `query<TAB>document<TAB>grade`, with or without the header `query-id<TAB>corpus-id<TAB>score`.
    ///
    /// The same judgement given twice is accepted; two different grades for one pair are refused.
    ///
    /// - Throws: `EvidenceError` naming file and line, `StorageError` for what the file system or gzip refuses;
    ///   `nothingToMeasure` when the file holds no judgement.
    public init(path: String) throws {
        self.init()
        let reader = try LineReader(path: path)
        var format: JudgementFormat?
        while let line = try reader.next() {
            if FieldSplitter.isBlank(line.bytes) { continue }
            if format == nil {
                let first = try JudgementFormat(firstLine: line.bytes, number: line.number, path: path)
                format = first
                if first.isHeader(line.bytes) {
                    _ = try TextFile.text(of: line.bytes, path: path, line: line.number)
                    continue
                }
            }
            guard let format else { continue }
            try insert(format.parse(line.bytes, number: line.number, path: path), line: line.number, path: path)
        }
        guard !isEmpty else { throw EvidenceError(.nothingToMeasure, "\(path) holds no judgement.") }
    }

    private mutating func insert(_ parsed: JudgementFormat.Parsed, line: Int, path: String) throws {
        let existing = insert(parsed.grade, document: parsed.document, query: parsed.query)
        guard let existing, existing != parsed.grade else { return }
        throw EvidenceError.line(
            line, of: path,
            "document \"\(parsed.document)\" of query \"\(parsed.query)\" has grade \(parsed.grade) here "
                + "and \(existing) above; keep one of the two.",
            kind: .duplicate)
    }
}

/// The columns of a judgement file.
struct JudgementFormat {
    struct Parsed {
        let query, document: String
        let grade: Int
    }

    let splitter: FieldSplitter
    let columns: Int

    /// Decides by the first line that is not blank.
    ///
    /// Three fields at tabs and four at blanks is ambiguous: TREC if the second is a number (the iteration), else BEIR.
    init(firstLine line: [UInt8], number: Int, path: String) throws {
        let tabs = FieldSplitter.tabs.fields(of: line).count
        let blanks = FieldSplitter.whitespace.fields(of: line)
        let hasIteration = blanks.count == 4 && Int(String(decoding: blanks[1], as: UTF8.self)) != nil
        switch (tabs, blanks.count) {
        case (4, _): (splitter, columns) = (.tabs, 4)
        case (3, 4) where hasIteration: (splitter, columns) = (.whitespace, 4)
        case (3, _): (splitter, columns) = (.tabs, 3)
        case (_, 4): (splitter, columns) = (.whitespace, 4)
        default:
            throw EvidenceError.line(
                number, of: path,
                "\(blanks.count) fields; expected \"query iteration document grade\" (TREC) "
                    + "or \"query<TAB>document<TAB>grade\" (BEIR).")
        }
    }

    /// Whether a line is BEIR's header.
    func isHeader(_ line: [UInt8]) -> Bool {
        guard columns == 3 else { return false }
        let names = splitter.fields(of: line).map { String(decoding: $0, as: UTF8.self).lowercased() }
        return names[0] == "query-id" || (names[1] == "corpus-id" && names[2] == "score")
    }

    func parse(_ bytes: [UInt8], number: Int, path: String) throws -> Parsed {
        let line = FieldLine(fields: splitter.fields(of: bytes), number: number, path: path)
        guard line.fields.count == columns else {
            let separator = splitter == .tabs ? "tabs" : "blanks"
            throw line.malformed("\(line.fields.count) fields between \(separator); \(columns) were expected.")
        }
        return Parsed(
            query: try line.identifier(0, named: "query"),
            document: try line.identifier(columns - 2, named: "document"),
            grade: try line.grade(columns - 1))
    }
}
