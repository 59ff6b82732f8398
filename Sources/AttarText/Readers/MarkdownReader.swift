/// Reads Markdown: every heading begins a document, whose id is the file's path and the heading's slug, as GitHub makes
/// it. Front matter (`---` lines at the top) becomes metadata; its `title` names the text before the first heading.
///
/// Only what matters for search is understood: headings (`#` and underlined), fenced code (kept as lines; no headings
/// in it), links and images (their texts stay), emphasis and inline code marks (taken off), comments (left out).
struct MarkdownReader {
    let id: String
    let session: ReadingSession

    private struct Section {
        var title: String
        var level: Int
        var anchor: String?
        var line: Int
        var lines: [String] = []
    }

    /// Splits a file into documents.
    func read(_ text: String) throws {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
        var start = 0
        let metadata = Self.frontMatter(lines, end: &start)
        var title = SourceWalk.stem(of: id)
        if case .string(let text)? = metadata["title"] { title = text }
        var parents: [Section] = []
        for section in Self.sections(lines, from: start, title: title) {
            parents.removeAll { $0.level >= section.level }
            let body = section.lines.joined(separator: "\n").trimmed
            if body.isEmpty {
                session.report.skippedEmpty += section.anchor == nil ? 0 : 1
            } else {
                let place = id + (section.anchor.map { "#" + $0 } ?? "")
                try session.emit(
                    Document(
                        id: place, title: section.title, text: body, url: place, metadata: metadata,
                        headings: parents.map(\.title)),
                    line: section.line)
            }
            if section.anchor != nil { parents.append(section) }
        }
    }

    /// `key: value` lines between two `---` lines at the very top.
    private static func frontMatter(_ lines: [String], end: inout Int) -> [String: MetadataValue] {
        guard lines.first?.trimmed == "---", let last = lines.dropFirst().firstIndex(where: { $0.trimmed == "---" })
        else { return [:] }
        end = last + 1
        var metadata: [String: MetadataValue] = [:]
        for line in lines[1..<last] {
            guard let colon = line.firstIndex(of: ":"), line.first?.isWhitespace == false else { continue }
            let key = String(line[..<colon]).trimmed
            let value = String(line[line.index(after: colon)...]).trimmed
            let isQuoted = value.count >= 2 && value.first == value.last && (value.first == "\"" || value.first == "'")
            let text = isQuoted ? String(value.dropFirst().dropLast()) : value
            guard !text.isEmpty else { continue }
            // A title is a text, also when it reads like a number; so is what stands in quotes.
            metadata[key] = isQuoted || key == "title" ? .string(text) : DelimitedReader.value(text)
        }
        return metadata
    }

    private static func sections(_ lines: [String], from start: Int, title: String) -> [Section] {
        var sections = [Section(title: title, level: 0, anchor: nil, line: start + 1)]
        var slugs: [String: Int] = [:]
        var fence: String?
        var isInComment = false
        for (index, line) in lines.enumerated().dropFirst(start) {
            if let open = fence {
                if isFence(line, closing: open) { fence = nil } else { append(line, to: &sections) }
            } else if let mark = fenceMark(line) {
                fence = mark
            } else if let heading = heading(line) {
                sections.append(section(heading.text, heading.level, index + 1, &slugs))
            } else if let level = underline(line), let above = takeParagraphLine(&sections) {
                sections.append(section(above, level, index, &slugs))
            } else {
                append(MarkdownInline.plain(line, isInComment: &isInComment), to: &sections)
            }
        }
        return sections
    }

    private static func append(_ line: String, to sections: inout [Section]) {
        sections[sections.count - 1].lines.append(line)
    }

    private static func section(_ text: String, _ level: Int, _ line: Int, _ slugs: inout [String: Int]) -> Section {
        var isInComment = false
        let title = MarkdownInline.plain(text, isInComment: &isInComment).trimmed
        let slug = MarkdownInline.slug(of: title)
        let seen = slugs[slug, default: 0]
        slugs[slug] = seen + 1
        return Section(title: title, level: level, anchor: seen == 0 ? slug : "\(slug)-\(seen)", line: line)
    }

    private static func heading(_ line: String) -> (text: String, level: Int)? {
        let body = line.drop { $0 == " " }
        guard line.count - body.count <= 3 else { return nil }
        let level = body.prefix { $0 == "#" }.count
        let rest = body.dropFirst(level)
        guard 1...6 ~= level, rest.isEmpty || rest.first == " " || rest.first == "\t" else { return nil }
        var text = String(rest).trimmed
        let closing = text.reversed().prefix { $0 == "#" }.count
        if closing > 0, text.dropLast(closing).last?.isWhitespace ?? true {
            text = String(text.dropLast(closing)).trimmed
        }
        return text.isEmpty ? nil : (text, level)
    }

    /// 1 for a line of `=`, 2 for a line of `-`.
    private static func underline(_ line: String) -> Int? {
        let text = line.trimmed
        guard text.count >= 2, let first = text.first, first == "=" || first == "-" else { return nil }
        return text.allSatisfy { $0 == first } ? (first == "=" ? 1 : 2) : nil
    }

    /// The single line of text right above an underline; longer paragraphs above a rule stay paragraphs.
    private static func takeParagraphLine(_ sections: inout [Section]) -> String? {
        let lines = sections[sections.count - 1].lines
        guard let last = lines.last, !last.isBlank, lines.dropLast().last?.isBlank ?? true,
            !["-", "*", "+", "|", ">"].contains(last.trimmed.first)
        else { return nil }
        sections[sections.count - 1].lines.removeLast()
        return last
    }

    private static func fenceMark(_ line: String) -> String? {
        let text = line.trimmed
        for mark in ["```", "~~~"] where text.hasPrefix(mark) {
            // "```x```" on one line is inline code.
            if mark == "```", text.dropFirst(3).contains("`") { return nil }
            return String(text.prefix { String($0) == String(mark.prefix(1)) })
        }
        return nil
    }

    private static func isFence(_ line: String, closing mark: String) -> Bool {
        let text = line.trimmed
        return text.hasPrefix(mark) && text.allSatisfy { String($0) == String(mark.prefix(1)) }
    }
}
