/// Collects the readable text of a section: spaces as a browser would show them, one line per block, an empty line
/// between paragraphs, code as it stands.
struct HTMLText {
    private var bytes: [UInt8] = []
    /// Bytes of visible characters, and those of them inside links.
    private(set) var visibleBytes = 0
    private(set) var linkBytes = 0
    /// The number of links.
    var links = 0
    private var pendingLines = 0
    private var hasPendingSpace = false

    /// The text so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether nothing was appended but white space.
    var isEmpty: Bool { visibleBytes == 0 }

    /// Ends the line (1), or the paragraph (2), before whatever comes next.
    mutating func breakLine(_ lines: Int) {
        pendingLines = max(pendingLines, lines)
    }

    /// Appends running text: white space collapses.
    mutating func append(_ run: String, isLink: Bool) {
        let before = bytes.count
        var spaces = 0
        for byte in run.utf8 {
            if Self.isSpace(byte) {
                hasPendingSpace = true
            } else {
                if hasPendingSpace || pendingLines > 0 { spaces += settle() }
                bytes.append(byte)
            }
        }
        count(bytes.count - before - spaces, isLink: isLink)
    }

    /// Appends preformatted text: lines and indentation stay.
    mutating func appendPreformatted(_ run: String, isLink: Bool) {
        var run = run.utf8[...]
        // A line end right after <pre> is not shown.
        if pendingLines > 0 {
            if run.first == 0x0D { run = run.dropFirst() }
            if run.first == 0x0A { run = run.dropFirst() }
        }
        guard !run.isEmpty else { return }
        _ = settle()
        bytes.append(contentsOf: run)
        count(run.reduce(0) { $0 + (Self.isSpace($1) ? 0 : 1) }, isLink: isLink)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || 0x09...0x0D ~= byte
    }

    private mutating func count(_ visible: Int, isLink: Bool) {
        visibleBytes += max(visible, 0)
        if isLink { linkBytes += max(visible, 0) }
    }

    /// Writes the line ends or the space that are due; returns by how many bytes the text grew.
    private mutating func settle() -> Int {
        let before = bytes.count
        if pendingLines > 0 {
            while let last = bytes.last, last == 0x20 || last == 0x0A { bytes.removeLast() }
            if !bytes.isEmpty { bytes.append(contentsOf: repeatElement(0x0A, count: min(pendingLines, 2))) }
        } else if hasPendingSpace, let last = bytes.last, !Self.isSpace(last) {
            bytes.append(0x20)
        }
        pendingLines = 0
        hasPendingSpace = false
        return bytes.count - before
    }
}
