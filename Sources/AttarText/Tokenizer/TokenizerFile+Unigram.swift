extension SubwordTokenizer.Parts {
    /// Reads a file whose model is Unigram.
    ///
    /// - Throws: `TextError` naming file and key.
    init(unigram node: TokenizerNode, file: TokenizerNode) throws {
        var vocabulary = try UnigramVocabulary(node.required("vocab"))
        let unknownID = try Self.unknownID(node, count: vocabulary.scores.count)
        let trie = vocabulary.trie
        let hasBytes = try node.bool("byte_fallback", default: false)
        let byteIDs = (0..<(hasBytes ? 256 : 0)).map { trie.value(of: Self.bytePiece($0).utf8) ?? -1 }
        model = .unigram(
            UnigramModel(
                trie: trie, scores: vocabulary.scores, unknownID: unknownID,
                unknownScore: (vocabulary.scores.min() ?? 0) - UnigramModel.unknownPenalty, byteIDs: byteIDs))
        normalizer = try TextNormalizer(file.optional("normalizer"))
        preTokenizer = try PreTokenizer(file.optional("pre_tokenizer"), allowsByteLevel: false)
        addedTokens = try AddedToken.read(
            file, trie: trie, vocabularyCount: vocabulary.scores.count, growth: normalizer?.growth ?? 1,
            texts: &vocabulary.texts)
        tokens = TokenTable(vocabulary.texts)
        template = try SpecialTokenTemplate(file.optional("post_processor"))
        pairTemplate = try PairTemplate(file.optional("post_processor"))
        padID = try AddedToken.padID(file, addedTokens: addedTokens, trie: trie)
        self.trie = trie
        self.unknownID = unknownID
        settings = Self.settings("unigram unknown=\(unknownID) bytes=\(hasBytes)", file: file)
    }

    /// The settings of normalizer and pre-tokenizer as text that tells any two apart.
    static func settings(_ model: String, file: TokenizerNode) -> String {
        let parts = ["normalizer", "pre_tokenizer"].map { name in
            file.optional(name).map { String(reflecting: $0.value) } ?? "none"
        }
        return ([model] + parts).joined(separator: "\n")
    }

    /// `<0x0A>`
    private static func bytePiece(_ byte: Int) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return "<0x" + (byte < 16 ? "0" : "") + digits + ">"
    }

    private static func unknownID(_ node: TokenizerNode, count: Int) throws -> Int32 {
        guard let unknown = node.optional("unk_id") else {
            throw node.error(.unsupported, "names no unk_id; Attar reads Unigram models with an unknown piece.")
        }
        let id = try unknown.id()
        guard id < count else {
            throw unknown.error(.malformed, "is \(id); the vocabulary holds \(count) pieces.")
        }
        return id
    }
}

/// The vocabulary `[[piece, score], …]` of Unigram; a piece's place is its id.
private struct UnigramVocabulary {
    var trie = ByteTrie()
    var texts: [String?] = []
    var scores: [Double] = []

    /// - Throws: `TextError` for entries that are no pair of text and score or stand twice, and above the limits.
    init(_ node: TokenizerNode) throws {
        guard let entries = node.value.array else { throw node.mismatch("an array") }
        guard entries.count <= TokenizerFile.maximumTokens else {
            throw node.error(.tooLarge, "holds \(entries.count) entries; the limit is \(TokenizerFile.maximumTokens).")
        }
        texts.reserveCapacity(entries.count)
        scores.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            let place = { TokenizerNode(value: entry, path: node.path, key: "\(node.key)[\(index)]") }
            guard case .array(let pair) = entry, pair.count == 2, let text = pair[0].string,
                let score = Self.score(pair[1])
            else { throw place().error(.malformed, "must be a pair of a piece and its score.") }
            guard trie.nodeCount + text.utf8.count < ByteTrie.maximumNodes else {
                throw node.error(.tooLarge, "holds more text than \(ByteTrie.maximumNodes) bytes.")
            }
            guard trie.insert(text.utf8, value: Int32(index)) else {
                throw place().error(.duplicate, "holds the piece \"\(text)\", which stands in the vocabulary already.")
            }
            texts.append(text)
            scores.append(score)
        }
    }

    private static func score(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number.isFinite ? asReference(number) : nil
        default: nil
        }
    }

    private static let powersOfTen = (0...308).map { Double("1e\($0)") ?? .infinity }

    /// The number as the JSON reader of the reference tokenizers takes it (serde_json without `float_roundtrip`): all
    /// digits as one whole number, divided by a power of ten, which is sometimes off in the last bit. It decides
    /// between segmentations that would score the same, such as those of long runs of zeros.
    private static func asReference(_ number: Double) -> Double {
        var digits: UInt64 = 0
        var decimals = 0
        var isBehindPoint = false
        for byte in number.magnitude.description.utf8 {
            if byte == UInt8(ascii: ".") {
                isBehindPoint = true
                continue
            }
            // Very small and very large numbers have an exponent; they are no scores that anything depends on.
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 1_000_000_000_000_000_000 else {
                return number
            }
            digits = digits * 10 + UInt64(byte - UInt8(ascii: "0"))
            if isBehindPoint { decimals += 1 }
        }
        let magnitude = Double(digits) / powersOfTen[min(decimals, powersOfTen.count - 1)]
        return number < 0 ? -magnitude : magnitude
    }
}
