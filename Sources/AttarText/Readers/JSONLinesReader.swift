import AttarStorage

/// Reads one JSON object a line: `{"_id": …, "title": …, "text": …}` and whatever else, which becomes metadata.
///
/// The id stands under `_id`, `id` or `docid` (a string or a whole number; without one, file and line make it), the
/// text under `text`, `contents` or `body`, the title under `title`, a web address under `url`, the headings above it, as
/// a list of strings, under `headings`. Keys of an object that BEIR puts under `metadata` are taken out of it.
struct JSONLinesReader {
    let path: String
    let id: String
    let session: ReadingSession

    static let idKeys = ["_id", "id", "docid"]
    static let textKeys = ["text", "contents", "body"]

    /// Reads the file line by line.
    func read() throws {
        let lines = try LineReader(path: path)
        while let line = try lines.next() {
            guard !Self.isBlank(line.bytes) else { continue }
            let value = try Self.parse(line, path: path)
            try session.emit(try document(value, line: line.number), line: line.number)
        }
    }

    /// Whether a line holds nothing but spaces.
    static func isBlank(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }

    /// The object of a line.
    ///
    /// - Throws: `TextError` naming path and line.
    static func parse(_ line: LineReader.Line, path: String) throws -> JSONValue {
        do {
            let value = try JSONParser.parse(line.bytes)
            guard value.members != nil else {
                throw TextError(
                    .malformed, path: path, line: line.number,
                    problem: "The line holds \(value.typeName); one JSON object a line was expected.")
            }
            return value
        } catch let failure as JSONParser.Failure {
            // Bytes outside of strings that are no UTF-8 are told as such too: that is what has to be mended.
            let isInvalidUTF8 = failure.isInvalidUTF8 || TextFile.firstInvalidOffset(in: line.bytes) != nil
            throw TextError(
                isInvalidUTF8 ? .invalidUTF8 : .malformed, path: path, line: line.number,
                problem: "The line is no JSON: \(failure).",
                mend: isInvalidUTF8 ? "Save the file as UTF-8." : "One whole JSON object a line was expected.")
        }
    }

    /// The identifier under one of `keys`, or nil when none is there.
    static func identifier(_ value: JSONValue, path: String, line: Int) throws -> String? {
        guard let key = idKeys.first(where: { !(value[$0]?.isNull ?? true) }), let found = value[key] else {
            return nil
        }
        switch found {
        case .string(let text) where !text.isEmpty: return text
        case .integer(let number): return String(number)
        case .string:
            throw TextError(
                .malformed, path: path, line: line, problem: "The key \"\(key)\" is empty.",
                mend: "Give it an id, or leave the key out.")
        default:
            throw TextError(
                .malformed, path: path, line: line,
                problem: "The key \"\(key)\" is \(found.typeName); an id is a non-empty string or a whole number.")
        }
    }

    private func document(_ value: JSONValue, line: Int) throws -> Document {
        let textKey = Self.textKeys.first { value[$0] != nil }
        let title = try text(value, "title", line) ?? ""
        guard textKey != nil || !title.isEmpty else {
            throw TextError(
                .malformed, path: path, line: line,
                problem:
                    "The object has no text; one of the keys \(Self.textKeys.joined(separator: ", ")) was expected.")
        }
        let identifier = try Self.identifier(value, path: path, line: line)
        return Document(
            id: identifier ?? "\(id)#\(line)", title: title,
            text: try textKey.flatMap { try text(value, $0, line) } ?? "",
            url: value["url"]?.string, metadata: metadata(value, textKey: textKey),
            headings: Self.headings(value) ?? [])
    }

    /// The headings; nil when nothing of that kind stands under the key, which is metadata then.
    private static func headings(_ value: JSONValue) -> [String]? {
        guard let items = value["headings"]?.array else { return nil }
        let headings = items.compactMap(\.string)
        return headings.count == items.count ? headings : nil
    }

    private func text(_ value: JSONValue, _ key: String, _ line: Int) throws -> String? {
        guard let found = value[key], !found.isNull else { return nil }
        guard let text = found.string else {
            throw TextError(
                .malformed, path: path, line: line,
                problem: "The key \"\(key)\" is \(found.typeName); a string was expected.")
        }
        return text
    }

    private func metadata(_ value: JSONValue, textKey: String?) -> [String: MetadataValue] {
        let headings = Self.headings(value) == nil ? [] : ["headings"]
        let used = Set(Self.idKeys + ["title", "url"] + headings + (textKey.map { [$0] } ?? []))
        var metadata: [String: MetadataValue] = [:]
        for member in value.members ?? [] where !used.contains(member.key) {
            if member.key == "metadata", let inner = member.value.members {
                for member in inner { metadata[member.key] = MetadataValue(member.value) }
            } else {
                metadata[member.key] = MetadataValue(member.value)
            }
        }
        return metadata
    }
}
