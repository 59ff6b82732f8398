extension SubwordTokenizer.Parts {
    /// Reads a file whose model is byte-level BPE.
    ///
    /// - Throws: `TextError` naming file and key; also for BPE over characters instead of bytes.
    init(bytePair node: TokenizerNode, file: TokenizerNode) throws {
        try Self.refuseOtherBPE(node, file: file)
        var texts: [String?] = []
        let vocabulary = try node.object("vocab")
        let trie = try ByteTrie(vocabulary: vocabulary, texts: &texts)
        let unknownID = try Self.unknownID(node, trie: trie)
        let ignoresMerges = try node.bool("ignore_merges", default: false)
        let fusesUnknown = try node.bool("fuse_unk", default: false)
        model = .bytePair(
            BytePairModel(
                trie: trie, byteIDs: ByteAlphabet.scalars.map { trie.value(of: String($0).utf8) ?? -1 },
                merges: try MergeTable(node.required("merges"), trie: trie), ignoresMerges: ignoresMerges,
                unknownID: unknownID, fusesUnknown: fusesUnknown))
        normalizer = try TextNormalizer(file.optional("normalizer"))
        preTokenizer = try PreTokenizer(file.optional("pre_tokenizer"), allowsByteLevel: true)
        addedTokens = try AddedToken.read(
            file, trie: trie, vocabularyCount: vocabulary.value.members?.count ?? 0,
            growth: normalizer?.growth ?? 1, texts: &texts)
        tokens = TokenTable(texts)
        template = try SpecialTokenTemplate(
            file.optional("post_processor"), allowsByteLevel: true)
        pairTemplate = try PairTemplate(file.optional("post_processor"))
        padID = try AddedToken.padID(file, addedTokens: addedTokens, trie: trie)
        self.trie = trie
        self.unknownID = unknownID
        let unknown = unknownID.map { "\($0)" } ?? "none"
        settings = Self.settings("bpe ignore=\(ignoresMerges) unknown=\(unknown) fuse=\(fusesUnknown)", file: file)
    }

    private static func refuseOtherBPE(_ node: TokenizerNode, file: TokenizerNode) throws {
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let text = try node.optionalString(key), !text.isEmpty {
                throw node.error(.unsupported, "has the \(key) \"\(text)\"; byte-level BPE has none.")
            }
        }
        if let dropout = node.optional("dropout"), dropout.value != .integer(0), dropout.value != .number(0) {
            throw dropout.error(.unsupported, "makes the ids random; Attar reads models without it.")
        }
        if try node.bool("byte_fallback", default: false) {
            throw node.error(.unsupported, "has byte_fallback; Attar reads byte-level BPE, which needs none.")
        }
        guard try PreTokenizer.endsInByteLevel(file.optional("pre_tokenizer")) else {
            throw file.error(
                .unsupported, "does not end in ByteLevel; Attar reads BPE over bytes (model.type \"BPE\"), which does.",
                named: "pre_tokenizer")
        }
    }

    private static func unknownID(_ node: TokenizerNode, trie: ByteTrie) throws -> Int32? {
        guard let text = try node.optionalString("unk_token") else { return nil }
        guard let id = trie.value(of: text.utf8) else {
            throw node.error(.malformed, "names the unknown token \"\(text)\", which its vocabulary does not hold.")
        }
        return id
    }
}

extension MergeTable {
    /// Reads the merges, `"a b"` or `["a", "b"]` each.
    ///
    /// - Throws: `TextError` for merges of something that the vocabulary does not hold, for merges that stand twice,
    ///   and for more merges than the vocabulary may have entries. Every merge joins two texts that are not empty, so
    ///   that no merge can lead back to its parts.
    init(_ node: TokenizerNode, trie: ByteTrie) throws {
        guard let entries = node.value.array else { throw node.mismatch("an array") }
        guard entries.count <= TokenizerFile.maximumTokens else {
            throw node.error(.tooLarge, "holds \(entries.count) entries; the limit is \(TokenizerFile.maximumTokens).")
        }
        self.init(count: entries.count)
        for (index, entry) in entries.enumerated() {
            let place = { TokenizerNode(value: entry, path: node.path, key: "\(node.key)[\(index)]") }
            guard let (left, right) = Self.pair(entry), !left.isEmpty, !right.isEmpty else {
                throw place().error(.malformed, "must be a pair of tokens.")
            }
            guard let first = trie.value(of: left), let second = trie.value(of: right),
                let joinedNode = trie.node(of: left).flatMap({ trie.node(of: right, from: $0) }),
                trie.values[Int(joinedNode)] >= 0
            else {
                throw place().error(.malformed, "joins tokens to one; the vocabulary does not hold all three.")
            }
            let merge = Merge(rank: UInt32(index), id: trie.values[Int(joinedNode)])
            guard insert(first, second, merge) else {
                throw place().error(.duplicate, "joins two tokens that an earlier merge joins already.")
            }
        }
    }

    /// The UTF-8 of the two parts; in the old form exactly one space stands between them.
    private static func pair(_ value: JSONValue) -> (left: Substring.UTF8View, right: Substring.UTF8View)? {
        switch value {
        case .string(let text):
            let parts = text.split(separator: " ", omittingEmptySubsequences: false)
            return parts.count == 2 ? (parts[0].utf8, parts[1].utf8) : nil
        case .array(let parts):
            guard parts.count == 2, let left = parts[0].string, let right = parts[1].string else { return nil }
            return (left[...].utf8, right[...].utf8)
        default: return nil
        }
    }
}
