/// Collects the readable text of a section: spaces as a browser would show them, one line per block, an empty line
/// between paragraphs, code as it stands.
struct HTMLText {
    /// The text so far.
    private(set) var text = ""
    /// Bytes of visible characters, and those of them inside links.
    private(set) var visibleBytes = 0
    private(set) var linkBytes = 0
    /// The number of links.
    var links = 0
    private var pendingLines = 0
    private var hasPendingSpace = false

    /// Ends the line (1), or the paragraph (2), before whatever comes next.
    mutating func breakLine(_ lines: Int) {
        pendingLines = max(pendingLines, lines)
    }

    /// Appends running text: white space collapses.
    mutating func append(_ run: String, isLink: Bool) {
        for part in run.utf8.split(whereSeparator: { $0 == 0x20 || 0x09...0x0D ~= $0 }).enumerated() {
            if part.offset > 0 || Self.isSpace(run.utf8.first) { hasPendingSpace = true }
            appendVisible(String(Substring(part.element)), isLink: isLink)
        }
        if Self.isSpace(run.utf8.last) { hasPendingSpace = true }
    }

    /// Appends preformatted text: lines and indentation stay.
    mutating func appendPreformatted(_ run: String, isLink: Bool) {
        guard pendingLines > 0 || hasPendingSpace else { return appendRaw(run, isLink: isLink) }
        var run = run[...]
        // A line end right after <pre> is not shown.
        if pendingLines > 0, run.first?.isNewline == true { run = run.dropFirst() }
        guard !run.isEmpty else { return }
        settle()
        appendRaw(String(run), isLink: isLink)
    }

    private static func isSpace(_ byte: UInt8?) -> Bool {
        byte.map { $0 == 0x20 || 0x09...0x0D ~= $0 } ?? false
    }

    private mutating func appendVisible(_ word: String, isLink: Bool) {
        settle()
        appendRaw(word, isLink: isLink)
    }

    private mutating func settle() {
        if pendingLines > 0 {
            while text.utf8.last == 0x20 || text.utf8.last == 0x0A { text.unicodeScalars.removeLast() }
            if !text.isEmpty { text += pendingLines > 1 ? "\n\n" : "\n" }
        } else if hasPendingSpace, !text.isEmpty, !Self.isSpace(text.utf8.last) {
            text += " "
        }
        pendingLines = 0
        hasPendingSpace = false
    }

    private mutating func appendRaw(_ run: String, isLink: Bool) {
        text += run
        visibleBytes += run.utf8.count
        if isLink { linkBytes += run.utf8.count }
    }
}
