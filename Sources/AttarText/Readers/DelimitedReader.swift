import AttarStorage

/// Reads CSV and TSV with a header row: columns named like the keys of JSONL become id, title, text and address; the
/// others become metadata (numbers and booleans where the cell is written as one, see `value(_:)`).
struct DelimitedReader {
    let path: String
    let id: String
    /// nil: a comma, or a semicolon when the header has no comma.
    var delimiter: Character?
    let session: ReadingSession

    init(path: String, id: String, delimiter: Character? = nil, session: ReadingSession) {
        self.path = path
        self.id = id
        self.delimiter = delimiter
        self.session = session
    }

    /// Reads the file row by row.
    func read() throws {
        let rows = try DelimitedRows(path: path, delimiter: delimiter)
        guard let header = try rows.next() else { return }
        let columns = header.cells.map { $0.trimmed.lowercased() }
        let text = JSONLinesReader.textKeys.compactMap { columns.firstIndex(of: $0) }.first
        let title = columns.firstIndex(of: "title")
        guard text != nil || title != nil else {
            throw TextError(
                .malformed, path: path, line: header.line,
                problem: "The header names no column for the text; found \(header.cells.joined(separator: ", ")).",
                mend: "Name one column text, contents or body.")
        }
        let key = JSONLinesReader.idKeys.compactMap { columns.firstIndex(of: $0) }.first
        let address = columns.firstIndex(of: "url")
        let used = Set([key, text, title, address].compactMap { $0 })
        while let row = try rows.next() {
            guard row.cells.count == columns.count else {
                throw TextError(
                    .malformed, path: path, line: row.line,
                    problem: "The row has \(row.cells.count) cells, the header \(columns.count).",
                    mend: "Cells that hold the delimiter, quotes or line ends must stand in double quotes.")
            }
            var document = Document(id: "\(id)#\(row.line)", text: text.map { row.cells[$0] } ?? "")
            if let key, !row.cells[key].isEmpty { document.id = row.cells[key] }
            if let title { document.title = row.cells[title] }
            if let address, !row.cells[address].isEmpty { document.url = row.cells[address] }
            for (index, cell) in row.cells.enumerated() where !used.contains(index) && !cell.isEmpty {
                document.metadata[header.cells[index].trimmed] = Self.value(cell)
            }
            try session.emit(document, line: row.line)
        }
    }

    /// A number or boolean only when the cell is written as Swift would write it, so that nothing of a cell is lost:
    /// `007`, `1e3`, `True` and `yes` stay texts.
    static func value(_ cell: String) -> MetadataValue {
        if let truth = Bool(cell) { return .bool(truth) }
        if let whole = Int32(cell), String(whole) == cell { return .number(Double(whole)) }
        if let number = Double(cell), number.isFinite, String(number) == cell { return .number(number) }
        return .string(cell)
    }
}

/// The rows of a delimited file (RFC 4180): cells in double quotes may hold delimiters, line ends and doubled quotes.
///
/// Reading is line by line, so that a file of any size takes the memory of one row. Blank lines are skipped.
final class DelimitedRows {
    /// One row and the line on which it began.
    struct Row: Equatable {
        var cells: [String]
        var line: Int
    }

    private let lines: LineReader
    /// The lines of the row being read, to name the one that is broken.
    private var rowLines: [LineReader.Line] = []
    private let path: String
    private var delimiter: UInt8?

    init(path: String, delimiter: Character?) throws {
        lines = try LineReader(path: path)
        self.path = path
        self.delimiter = delimiter?.asciiValue
    }

    /// The next row, nil after the last.
    func next() throws -> Row? {
        guard var line = try lines.next() else { return nil }
        while line.bytes.isEmpty {
            guard let following = try lines.next() else { return nil }
            line = following
        }
        let delimiter = delimiter ?? detect(in: line.bytes)
        self.delimiter = delimiter
        return try row(from: line, delimiter: delimiter)
    }

    private func detect(in header: [UInt8]) -> UInt8 {
        header.contains(UInt8(ascii: ",")) || !header.contains(UInt8(ascii: ";"))
            ? UInt8(ascii: ",") : UInt8(ascii: ";")
    }

    private func row(from first: LineReader.Line, delimiter: UInt8) throws -> Row {
        var row = Row(cells: [], line: first.number)
        rowLines = [first]
        var cell: [UInt8] = []
        var bytes = first.bytes
        var position = 0
        while true {
            cell.removeAll(keepingCapacity: true)
            if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                position += 1
                try quotedCell(&cell, &bytes, &position, row: first.number)
                guard position == bytes.count || bytes[position] == delimiter else {
                    throw TextError(
                        .malformed, path: path, line: first.number,
                        problem: "A cell goes on after its closing quote.",
                        mend: "Double the quotes that belong to the text.")
                }
            } else {
                let start = position
                while position < bytes.count, bytes[position] != delimiter { position += 1 }
                cell.append(contentsOf: bytes[start..<position])
            }
            row.cells.append(try text(of: cell))
            guard position < bytes.count else { return row }
            position += 1
        }
    }

    /// A cell as text. Delimiters, quotes and line ends are ASCII, so a cell is valid wherever its lines are.
    private func text(of cell: [UInt8]) throws -> String {
        if let text = String(validating: cell, as: UTF8.self) { return text }
        for line in rowLines { _ = try TextFile.text(of: line.bytes, path: path, line: line.number) }
        return try TextFile.text(of: cell, path: path, line: rowLines.first?.number ?? 0)
    }

    /// Reads up to the closing quote, over as many lines as it takes.
    private func quotedCell(_ cell: inout [UInt8], _ bytes: inout [UInt8], _ position: inout Int, row: Int) throws {
        while true {
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if byte != UInt8(ascii: "\"") {
                    cell.append(byte)
                } else if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                    cell.append(byte)
                    position += 1
                } else {
                    return
                }
            }
            guard let line = try lines.next() else {
                throw TextError(
                    .malformed, path: path, line: row,
                    problem: "The file ends inside a quoted cell of the row that begins here.",
                    mend: "Close the quote, or double it where it belongs to the text.")
            }
            rowLines.append(line)
            cell.append(0x0A)
            bytes = line.bytes
            position = 0
        }
    }
}
