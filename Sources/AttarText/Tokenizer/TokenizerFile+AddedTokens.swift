extension AddedToken {
    /// The added tokens with the ids that they really get: an added token whose text the vocabulary holds has the
    /// vocabulary's id; the others are numbered on behind it in the order of the file. (So do the reference tokenizers,
    /// whatever id the file gives; in a sound file both are the same.)
    ///
    /// - Parameter growth: how many times longer the normalizer can make a text.
    /// - Throws: `TextError` naming the key; also for more text than an `AddedTokenMatcher` takes.
    static func read(
        _ file: TokenizerNode, trie: ByteTrie, vocabularyCount: Int, growth: Double, texts: inout [String?]
    ) throws -> [AddedToken] {
        var tokens: [AddedToken] = []
        var seen: Set<String> = []
        var next = Int32(vocabularyCount)
        var size = 0.0
        let nodes = try file.optional("added_tokens")?.elements() ?? []
        guard nodes.count <= TokenizerFile.maximumAddedTokens else {
            throw file.error(
                .tooLarge, "holds \(nodes.count) tokens; the limit is \(TokenizerFile.maximumAddedTokens).",
                named: "added_tokens")
        }
        for node in nodes {
            guard let content = try node.required("content").value.string else {
                throw try node.required("content").mismatch("a string")
            }
            let written = try node.required("id").id()
            guard !content.isEmpty, seen.insert(content).inserted else { continue }
            let id = trie.value(of: content.utf8) ?? next
            next = max(next, id + 1)
            try claim(id, writtenAs: written, for: content, node, texts: &texts)
            let token = try AddedToken(node, id: id, content: content)
            size += Double(content.utf8.count) * (token.isNormalized ? growth : 1)
            guard size < Double(ByteTrie.maximumNodes) else {
                throw file.error(
                    .tooLarge, "holds, normalized, more text than \(ByteTrie.maximumNodes) bytes.",
                    named: "added_tokens")
            }
            tokens.append(token)
        }
        return tokens
    }

    private init(_ node: TokenizerNode, id: Int32, content: String) throws {
        let isSpecial = try node.bool("special", default: false)
        self.init(
            id: id, content: content, isSingleWord: try node.bool("single_word", default: false),
            stripsLeft: try node.bool("lstrip", default: false), stripsRight: try node.bool("rstrip", default: false),
            isNormalized: try node.bool("normalized", default: !isSpecial), isSpecial: isSpecial)
    }

    /// Enters an added token in the table of texts, unless another token has its id or the id the file wrote.
    private static func claim(
        _ id: Int32, writtenAs written: Int32, for content: String, _ node: TokenizerNode, texts: inout [String?]
    ) throws {
        for number in [id, written] where Int(number) < texts.count {
            if let other = texts[Int(number)], other != content {
                throw node.error(.duplicate, "gives \"\(content)\" the id \(number), which \"\(other)\" has already.")
            }
        }
        if Int(id) >= texts.count { texts.append(contentsOf: repeatElement(nil, count: Int(id) + 1 - texts.count)) }
        texts[Int(id)] = content
    }

    /// The id that fills rows: the file's `padding`, else a token of one of the usual names, else 0.
    static func padID(_ file: TokenizerNode, addedTokens: [AddedToken], trie: ByteTrie) throws -> Int32 {
        if let node = file.optional("padding")?.optional("pad_id") { return try node.id() }
        for name in ["[PAD]", "<pad>"] {
            if let token = addedTokens.first(where: { $0.content == name }) { return token.id }
            if let id = trie.value(of: name.utf8) { return id }
        }
        return 0
    }
}
