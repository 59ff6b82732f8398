/// Reads HTML pages: the sections of the main content become documents with the id `path.html#anchor`.
///
/// Left out as indexes: pages named like one (`genindex`, `py-modindex`, `search`, …), and pages and sections of which
/// four fifths of the text stand inside links (see `HTMLSection.isLinkList`).
struct HTMLReader {
    let id: String
    let session: ReadingSession

    private static let indexNames = ["genindex", "py-modindex", "modindex", "search"]

    /// Splits a page into documents.
    func read(_ text: String) throws {
        let name = SourceWalk.stem(of: id)
        guard !Self.indexNames.contains(where: { name == $0 || name.hasPrefix($0 + "-") }) else {
            session.report.skippedIndexes += 1
            return
        }
        let tree = HTMLTree(text)
        let sections = HTMLSectionBuilder(tree, root: HTMLContent.root(of: tree)).sections
        let title = HTMLContent.title(of: tree)
        let address = HTMLContent.canonicalAddress(of: tree) ?? id
        var anchors: [String: Int] = [:]
        for section in sections {
            if section.isLinkList {
                session.report.skippedIndexes += 1
            } else if section.text.isEmpty {
                // The part before the first section is usually empty; that says nothing about the page.
                if section.anchor != nil { session.report.skippedEmpty += 1 }
            } else {
                try session.emit(document(section, pageTitle: title, address: address, &anchors))
            }
        }
    }

    private func document(
        _ section: HTMLSection, pageTitle: String, address: String, _ anchors: inout [String: Int]
    ) -> Document {
        var place = section.anchor.map { "#" + $0 } ?? ""
        let seen = anchors[place, default: 0]
        anchors[place] = seen + 1
        let url = address + place
        // A page may use an anchor twice, though it must not; a tilde cannot be mistaken for a part of an anchor.
        if seen > 0 { place += "~\(seen + 1)" }
        let isPage = section.anchor == nil
        return Document(
            id: id + place, title: section.title.isEmpty && isPage ? pageTitle : section.title, text: section.text,
            url: url, headings: section.headings)
    }
}
