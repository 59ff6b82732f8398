extension SubwordTokenizer {
    /// Whether tokens are bytes, so that any of them can be turned back into text: byte-level BPE.
    public var isByteLevel: Bool {
        if case .bytePair = parts.model { true } else { false }
    }

    /// The bytes for which a token stands, which need not be whole characters; nil when nothing has this id.
    ///
    /// - Precondition: `isByteLevel`.
    public func bytes(of id: Int32) -> [UInt8]? {
        precondition(isByteLevel, "a tokenizer that is not byte-level was asked for bytes")
        guard let text = parts.tokens[id] else { return nil }
        if addedTokens.contains(id) { return Array(text.utf8) }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if let byte = ByteAlphabet.byte(of: scalar) {
                bytes.append(byte)
            } else {
                bytes.append(contentsOf: String(scalar).utf8)
            }
        }
        return bytes
    }

    /// The text for which tokens stand; what is no UTF-8 becomes U+FFFD.
    ///
    /// - Parameter skipsSpecial: whether special tokens are left out.
    public func decode(_ ids: some Sequence<Int32>, skipsSpecial: Bool = true) -> String {
        let special = skipsSpecial ? Set(specialIDs) : []
        return String(decoding: ids.flatMap { special.contains($0) ? [] : bytes(of: $0) ?? [] }, as: UTF8.self)
    }

    /// The ids of a text in which special tokens are plain text: what people and documents say cannot pass for
    /// structure.
    ///
    /// Added tokens without special meaning are found as ever; nothing is put around the text.
    public func encodeAsContent(_ text: String) -> [Int32] {
        var ids: [Int32] = []
        appendContent(text, to: &ids)
        return ids
    }
}
