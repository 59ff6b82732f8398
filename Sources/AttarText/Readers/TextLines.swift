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
