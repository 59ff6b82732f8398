/// A stretch of a document's text, small enough to be encoded and shown as one search result.
public struct Passage: Sendable, Equatable {
    /// The document's id when the document is one passage, else `documentID#ordinal`.
    public var id: String
    /// The document it is a part of.
    public var documentID: String
    /// Its place among the document's passages, from 0.
    public var ordinal: Int
    /// The passage's own text.
    public var text: String
    /// Where it stands in the UTF-8 bytes of `document.text`.
    public var utf8Range: Range<Int>
    /// The title or heading under which it stands, if there is one.
    public var heading: String?

    /// A passage with all its parts.
    public init(
        id: String, documentID: String, ordinal: Int, text: String, utf8Range: Range<Int>, heading: String? = nil
    ) {
        self.id = id
        self.documentID = documentID
        self.ordinal = ordinal
        self.text = text
        self.utf8Range = utf8Range
        self.heading = heading
    }
}
