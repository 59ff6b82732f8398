/// What a `tokenizer.json` says about a WordPiece tokenizer, checked.
struct WordPieceParts {
    let normalizer: BertNormalizer?
    let splitsWords: Bool
    let model: WordPieceModel
    let template: SpecialTokenTemplate
    let pairTemplate: PairTemplate?
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
        let trie = try ByteTrie(vocabulary: try node.object("vocab"), texts: &texts)
        let unknown = try node.optionalString("unk_token") ?? "[UNK]"
        guard let unknownID = trie.value(of: unknown.utf8) else {
            throw node.error(.malformed, "names the unknown token \"\(unknown)\", which its vocabulary does not hold.")
        }
        model = WordPieceModel(
            trie: trie, continuingPrefix: continuingPrefix, unknownID: unknownID,
            maximumScalars: try Self.maximumScalars(node))
        addedTokens = try AddedToken.read(
            file, trie: trie, vocabularyCount: try node.object("vocab").value.members?.count ?? 0,
            growth: normalizer == nil ? 1 : BertNormalizer.growth, texts: &texts)
        tokens = TokenTable(texts)
        template = try SpecialTokenTemplate(file.optional("post_processor"))
        pairTemplate = try PairTemplate(file.optional("post_processor"))
        padID = try AddedToken.padID(file, addedTokens: addedTokens, trie: trie)
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
}
