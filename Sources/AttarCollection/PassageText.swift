/// The one place that says what text of a passage an encoder reads and what text the word index reads.
///
/// Both read the same: the headings above the passage, the title, the text, separated by single spaces, empty parts
/// left out. For a document without headings this is "title text", as BEIR (Thakur et al. 2021) encodes its corpora.
public enum PassageText {
    /// The text of a passage for encoders and for the word index.
    ///
    /// - Parameters:
    ///   - headings: the path of headings, outermost first; one that equals the title is left out, since it is said
    ///     once.
    ///   - title: the title of the document.
    ///   - text: the passage's own text.
    public static func embedding(headings: [String] = [], title: String, text: String) -> String {
        parts(headings: headings, title: title, text: text).joined(separator: " ")
    }

    /// What the text of a passage is joined of.
    static func parts(headings: [String], title: String, text: String) -> [String] {
        var parts: [String] = []
        parts.reserveCapacity(headings.count + 2)
        for heading in headings where !heading.isEmpty && heading != title { parts.append(heading) }
        if !title.isEmpty { parts.append(title) }
        if !text.isEmpty { parts.append(text) }
        return parts
    }
}
