import AttarStorage

/// Texts to be encoded or tokenized: a file of JSON lines, `{"text": …}` each; further keys are ignored.
public enum TextLines {
    /// Calls `body` with each text, in the order of the lines; empty lines are skipped.
    ///
    /// - Parameter path: a plain or gzip file, or `-` for the standard input.
    /// - Throws: `TextError` naming file and line when a line is no JSON object with a string `text`; `StorageError`.
    public static func forEach(in path: String, _ body: (String) throws -> Void) throws {
        let reader = try path == "-" ? LineReader(ByteReader.standardInput()) : LineReader(path: path)
        while let line = try reader.next() {
            guard line.bytes.contains(where: { $0 > 0x20 }) else { continue }
            try body(text(of: line, path: reader.path))
        }
    }

    /// All texts of a file.
    public static func all(in path: String) throws -> [String] {
        var texts: [String] = []
        try forEach(in: path) { texts.append($0) }
        return texts
    }

    /// Some texts of a file, evenly spaced over it, the first among them.
    ///
    /// - Parameters:
    ///   - count: how many; all when the file has fewer.
    ///   - path: as for `forEach`, or a file of plain lines, which ends in `.txt` or `.txt.gz`.
    /// - Throws: as `forEach`; `TextError` when there is no text at all.
    /// - Complexity: O(file) time and memory.
    public static func sample(of count: Int, in path: String) throws -> [String] {
        let texts = isPlain(path) ? try plainLines(in: path) : try all(in: path)
        guard !texts.isEmpty else {
            throw TextError(
                .malformed, path: path, line: 1, problem: "there is no text in it.",
                mend: "Give a file with a text a line.")
        }
        guard texts.count > count else { return texts }
        return (0..<count).map { texts[$0 * texts.count / count] }
    }

    private static func isPlain(_ path: String) -> Bool {
        let name = path.lowercased()
        return name.hasSuffix(".txt") || name.hasSuffix(".txt.gz")
    }

    /// Lines with anything but space in them.
    private static func plainLines(in path: String) throws -> [String] {
        let reader = try LineReader(path: path)
        var lines: [String] = []
        while let line = try reader.next() {
            guard line.bytes.contains(where: { $0 > 0x20 }) else { continue }
            guard let text = String(validating: line.bytes, as: UTF8.self) else {
                throw TextError(
                    .invalidUTF8, path: path, line: line.number, problem: "this line is no UTF-8.",
                    mend: "Save the file as UTF-8.")
            }
            lines.append(text)
        }
        return lines
    }

    private static func text(of line: LineReader.Line, path: String) throws -> String {
        let value: JSONValue
        do {
            value = try JSONParser.parse(line.bytes)
        } catch {
            throw TextError(
                error.isInvalidUTF8 ? .invalidUTF8 : .malformed, path: path, line: line.number,
                problem: "this line is no JSON: \(error).", mend: "Each line must be an object such as {\"text\": \"…\"}.")
        }
        guard let text = value["text"]?.string else {
            throw TextError(
                .malformed, path: path, line: line.number, problem: "this line has no string under the key \"text\".",
                mend: "Each line must be an object such as {\"text\": \"…\"}.")
        }
        return text
    }
}
