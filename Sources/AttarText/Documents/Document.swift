/// One thing that can be found: a text with an identifier, a title, and what else is known about it.
///
/// ```swift
/// let document = Document(id: "faq#gil", title: "What is the GIL?", text: "A lock that …", headings: ["FAQ"])
/// ```
public struct Document: Sendable, Codable, Equatable {
    /// The identifier, unique in its collection; any text, also with spaces and non-ASCII characters.
    public var id: String
    /// The title, or the heading of the section; may be empty.
    public var title: String
    /// The body. Passages are ranges of its UTF-8 bytes.
    public var text: String
    /// Where a reader finds the original: a web address, or a path with an anchor.
    public var url: String?
    /// What else the source said (further columns, keys, front matter).
    public var metadata: [String: MetadataValue]
    /// The headings that stand above this section, outermost first; without its own (that is `title`).
    public var headings: [String]

    /// A document with all its parts.
    public init(
        id: String, title: String = "", text: String, url: String? = nil,
        metadata: [String: MetadataValue] = [:], headings: [String] = []
    ) {
        self.id = id
        self.title = title
        self.text = text
        self.url = url
        self.metadata = metadata
        self.headings = headings
    }

    /// Title and text with one space between them, as BEIR's baselines encode a document.
    public var titleAndText: String {
        title.isEmpty ? text : (text.isEmpty ? title : title + " " + text)
    }
}
