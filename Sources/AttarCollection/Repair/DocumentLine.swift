import AttarText

/// A document as `JSONLinesReader` reads it, so that what it reads is the same document.
struct DocumentLine: Encodable {
    let document: Document

    private enum CodingKeys: String, CodingKey {
        case id = "_id"
        case title, text, url, headings, metadata
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(document.id, forKey: .id)
        try container.encode(document.title, forKey: .title)
        try container.encode(document.text, forKey: .text)
        try container.encodeIfPresent(document.url, forKey: .url)
        if !document.headings.isEmpty { try container.encode(document.headings, forKey: .headings) }
        // In an object of their own, keys of metadata may be any words, also those above.
        if !document.metadata.isEmpty { try container.encode(document.metadata, forKey: .metadata) }
    }
}
