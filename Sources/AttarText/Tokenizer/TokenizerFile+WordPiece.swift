/// What a `tokenizer.json` says about a WordPiece tokenizer, checked.
struct WordPieceParts {
    let normalizer: BertNormalizer?
    let splitsWords: Bool
    let model: WordPieceModel
    let template: SpecialTokenTemplate
    let addedTokens: [AddedToken]
    let tokens: TokenTable
    let padID: Int32
    let continuingPrefix: String

    /// Reads all parts.
    ///
    /// - Throws: `TextError` naming file and key.
    init(file: TokenizerNode, model node: TokenizerNode) throws {
        normalizer = try Self.normalizer(file)
        splitsWords = try Self.splitsWords(file)
        continuingPrefix = try node.optionalString("continuing_subword_prefix") ?? "##"
        var texts: [String?] = []
        let trie = try Self.vocabulary(try node.object("vocab"), texts: &texts)
        let unknown = try node.optionalString("unk_token") ?? "[UNK]"
        guard let unknownID = trie.value(of: unknown.utf8) else {
            throw node.error(.malformed, "names the unknown token \"\(unknown)\", which its vocabulary does not hold.")
        }
        model = WordPieceModel(
            trie: trie, continuingPrefix: continuingPrefix, unknownID: unknownID,
            maximumScalars: try Self.maximumScalars(node))
        addedTokens = try Self.addedTokens(
            file, trie: trie, vocabularyCount: try node.object("vocab").value.members?.count ?? 0, texts: &texts)
        tokens = TokenTable(texts)
        template = try SpecialTokenTemplate(file.optional("post_processor"), addedTokens: addedTokens)
        padID = try Self.padID(file, addedTokens: addedTokens, trie: trie)
    }

    private static func maximumScalars(_ model: TokenizerNode) throws -> Int {
        guard let node = model.optional("max_input_chars_per_word") else { return 100 }
        guard let count = node.value.integer, count >= 0 else { throw node.mismatch("a whole number from 0") }
        return count
    }

    private static func normalizer(_ file: TokenizerNode) throws -> BertNormalizer? {
        guard let node = file.optional("normalizer") else { return nil }
        let type = try node.optionalString("type") ?? ""
        guard type == "BertNormalizer" else {
            throw node.error(.unsupported, "has the type \"\(type)\"; with WordPiece, Attar reads BertNormalizer.")
        }
        return BertNormalizer(
            cleansText: try node.bool("clean_text", default: true),
            isolatesChinese: try node.bool("handle_chinese_chars", default: true),
            stripsAccents: node.optional("strip_accents") == nil
                ? nil : try node.bool("strip_accents", default: false),
            lowercases: try node.bool("lowercase", default: true))
    }

    private static func splitsWords(_ file: TokenizerNode) throws -> Bool {
        guard let node = file.optional("pre_tokenizer") else { return false }
        let type = try node.optionalString("type") ?? ""
        guard type == "BertPreTokenizer" else {
            throw node.error(.unsupported, "has the type \"\(type)\"; with WordPiece, Attar reads BertPreTokenizer.")
        }
        return true
    }

    /// The vocabulary as a trie; `texts` receives the token of each id.
    private static func vocabulary(_ node: TokenizerNode, texts: inout [String?]) throws -> ByteTrie {
        guard let members = node.value.members else { throw node.mismatch("an object") }
        guard members.count <= TokenizerFile.maximumTokens else {
            throw node.error(.tooLarge, "holds \(members.count) entries; the limit is \(TokenizerFile.maximumTokens).")
        }
        var trie = ByteTrie()
        texts = Array(repeating: nil, count: members.count)
        for member in members {
            guard trie.nodeCount + member.key.utf8.count < ByteTrie.maximumNodes else {
                throw node.error(.tooLarge, "holds more text than \(ByteTrie.maximumNodes) bytes.")
            }
            let entry = { TokenizerNode(value: member.value, path: node.path, key: node.key + "." + member.key) }
            let id: Int32
            if case .integer(let number) = member.value, 0..<texts.count ~= number {
                id = Int32(number)
            } else {
                // Ids may have gaps; only then the table grows beyond the number of entries.
                id = try entry().id()
                texts.append(contentsOf: repeatElement(nil, count: Int(id) + 1 - texts.count))
            }
            if let other = texts[Int(id)] {
                throw entry().error(.duplicate, "has the id \(id), which \"\(other)\" has already.")
            }
            texts[Int(id)] = member.key
            guard trie.insert(member.key.utf8, value: id) else {
                throw entry().error(.duplicate, "stands twice in the vocabulary.")
            }
        }
        while texts.last == .some(nil) { texts.removeLast() }
        return trie
    }

    /// The added tokens with the ids that they really get: an added token whose text the vocabulary holds has the
    /// vocabulary's id; the others are numbered on behind it in the order of the file. (So do the reference tokenizers,
    /// whatever id the file gives; in a sound file both are the same.)
    private static func addedTokens(
        _ file: TokenizerNode, trie: ByteTrie, vocabularyCount: Int, texts: inout [String?]
    ) throws -> [AddedToken] {
        var tokens: [AddedToken] = []
        var seen: Set<String> = []
        var next = Int32(vocabularyCount)
        for node in try file.optional("added_tokens")?.elements() ?? [] {
            guard let content = try node.required("content").value.string else {
                throw try node.required("content").mismatch("a string")
            }
            let written = try node.required("id").id()
            guard !content.isEmpty, seen.insert(content).inserted else { continue }
            let id = trie.value(of: content.utf8) ?? next
            next = max(next, id + 1)
            try claim(id, writtenAs: written, for: content, node, texts: &texts)
            let isSpecial = try node.bool("special", default: false)
            tokens.append(
                AddedToken(
                    id: id, content: content, isSingleWord: try node.bool("single_word", default: false),
                    stripsLeft: try node.bool("lstrip", default: false),
                    stripsRight: try node.bool("rstrip", default: false),
                    isNormalized: try node.bool("normalized", default: !isSpecial), isSpecial: isSpecial))
        }
        return tokens
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

    private static func padID(_ file: TokenizerNode, addedTokens: [AddedToken], trie: ByteTrie) throws -> Int32 {
        if let node = file.optional("padding")?.optional("pad_id") { return try node.id() }
        for name in ["[PAD]", "<pad>"] {
            if let token = addedTokens.first(where: { $0.content == name }) { return token.id }
            if let id = trie.value(of: name.utf8) { return id }
        }
        return 0
    }
}
