/// A byte-level BPE tokenizer as other files than `tokenizer.json` hold it, such as the metadata of GGUF.
public struct BytePairTables: Sendable {
    /// The ways to split text into words that are built in, with what belongs to them in the reference.
    public enum Splitting: String, Sendable {
        /// GPT-2.
        case gpt2
        /// GPT-2 behind single digits: StarCoder, SmolLM.
        case gpt2Digits
        /// Llama 3, which takes whole words of the vocabulary as they are.
        case llama3
        /// Qwen 2, whose texts are put into the composed form (NFC) first.
        case qwen2
    }

    /// The tokens by id, in the visible characters of byte-level BPE.
    public var tokens: [String]
    /// The ids of tokens that are found in the text itself, before words are split: with special meaning …
    public var specialIDs: [Int32]
    /// … and without it.
    public var addedIDs: [Int32]
    /// The merges, `a b` each, in their order.
    public var merges: [String]
    /// How texts are split.
    public var splitting: Splitting
    /// Ids before each text, and behind it.
    public var prefix: [Int32]
    public var suffix: [Int32]
    /// The id that fills rows.
    public var padID: Int32

    /// Tables; nothing is checked before a tokenizer is made of them.
    public init(
        tokens: [String], specialIDs: [Int32], addedIDs: [Int32] = [], merges: [String], splitting: Splitting,
        prefix: [Int32] = [], suffix: [Int32] = [], padID: Int32 = 0
    ) {
        self.tokens = tokens
        self.specialIDs = specialIDs
        self.addedIDs = addedIDs
        self.merges = merges
        self.splitting = splitting
        self.prefix = prefix
        self.suffix = suffix
        self.padID = padID
    }
}

extension SubwordTokenizer {
    /// A tokenizer of tables.
    ///
    /// - Parameter path: the file that they come from, for messages.
    /// - Throws: `TextError` for tokens that stand twice, merges of tokens that are not there, ids beyond the
    ///   vocabulary.
    public convenience init(_ tables: BytePairTables, path: String) throws {
        self.init(try Parts(tables, path: path))
    }
}

extension SubwordTokenizer.Parts {
    fileprivate init(_ tables: BytePairTables, path: String) throws {
        let members = tables.tokens.enumerated().map { JSONValue.Member(key: $1, value: .integer($0)) }
        var texts: [String?] = []
        let trie = try ByteTrie(
            vocabulary: TokenizerNode(value: .object(members), path: path, key: "tokens"), texts: &texts)
        let merges = TokenizerNode(value: .array(tables.merges.map { .string($0) }), path: path, key: "merges")
        model = .bytePair(
            BytePairModel(
                trie: trie, byteIDs: ByteAlphabet.scalars.map { trie.value(of: String($0).utf8) ?? -1 },
                merges: try MergeTable(merges, trie: trie), ignoresMerges: tables.splitting == .llama3,
                unknownID: nil, fusesUnknown: false))
        for id in tables.specialIDs + tables.addedIDs + tables.prefix + tables.suffix
        where !texts.indices.contains(Int(id)) {
            throw TextError(
                .malformed, path: path, problem: "A token has the id \(id); there are \(texts.count) tokens.")
        }
        addedTokens = (tables.specialIDs.map { ($0, true) } + tables.addedIDs.map { ($0, false) }).map { id, isSpecial in
            AddedToken(id: id, content: texts[Int(id)] ?? "", isSpecial: isSpecial)
        }
        normalizer = tables.splitting == .qwen2 ? TextNormalizer(steps: [.unicode(UnicodeNormalizer(.nfc))]) : nil
        preTokenizer = PreTokenizer(steps: Self.steps(tables.splitting))
        template = SpecialTokenTemplate(prefix: tables.prefix, suffix: tables.suffix)
        tokens = TokenTable(texts)
        padID = tables.padID
        unknownID = nil
        self.trie = trie
        settings = "bpe \(tables.splitting.rawValue)"
    }

    private static func steps(_ splitting: BytePairTables.Splitting) -> [PreTokenizer.Step] {
        switch splitting {
        case .gpt2: [.split(.gpt2)]
        case .gpt2Digits: [.digits(individual: true), .split(.gpt2)]
        case .llama3: [.split(.llama3)]
        case .qwen2: [.split(.qwen2)]
        }
    }
}
