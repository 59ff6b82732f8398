/// The tokenizer of BERT and its kin, with the ids of Hugging Face `tokenizers`: added tokens, normalizer, words and
/// punctuation, WordPiece, special tokens.
///
/// All work is done on UTF-8 bytes and flat arrays; per text it allocates the bytes, the normalized bytes and the ids.
public final class WordPieceTokenizer: Tokenizer {
    let normalizer: BertNormalizer?
    /// Whether words are split at spaces and punctuation; without it the whole text is one word.
    let splitsWords: Bool
    let model: WordPieceModel
    let addedTokens: AddedTokenSplitter
    let template: SpecialTokenTemplate
    let tokens: TokenTable

    public let pairTemplate: PairTemplate?
    public let padID: Int32
    public let maskID: Int32?
    public let specialIDs: [Int32]
    /// The text of `continuing_subword_prefix`, usually `##`.
    public let continuingPrefix: String

    public var unknownID: Int32? { model.unknownID }
    public var vocabularySize: Int { tokens.count }

    init(_ parts: WordPieceParts) {
        normalizer = parts.normalizer
        splitsWords = parts.splitsWords
        model = parts.model
        template = parts.template
        pairTemplate = parts.pairTemplate
        tokens = parts.tokens
        padID = parts.padID
        continuingPrefix = parts.continuingPrefix
        addedTokens = AddedTokenSplitter(parts.addedTokens) { content in
            parts.normalizer?.normalize(content, 0..<content.count) ?? content
        }
        maskID = addedTokens.maskID
        specialIDs = addedTokens.specialIDs(with: template)
    }

    public func append(_ text: String, maximumLength: Int?, addSpecialTokens: Bool, to ids: inout [Int32]) {
        addedTokens.append(
            text, maximumLength: maximumLength, template: addSpecialTokens ? template : SpecialTokenTemplate(), to: &ids
        ) { bytes, range, end, ids in
            guard let normalizer else { return appendNormalized(bytes, range, end: end, to: &ids) }
            let normalized = normalizer.normalize(bytes, range)
            appendNormalized(normalized, 0..<normalized.count, end: end, to: &ids)
        }
    }

    private func appendNormalized(_ bytes: [UInt8], _ range: Range<Int>, end: Int, to ids: inout [Int32]) {
        addedTokens.appendNormalized(bytes, range, to: &ids) { part, ids in
            appendWords(bytes, part, end: end, to: &ids)
        }
    }

    /// Appends the pieces of all words, until `end` ids are there.
    private func appendWords(_ bytes: [UInt8], _ range: Range<Int>, end: Int, to ids: inout [Int32]) {
        guard splitsWords else { return appendWhole(bytes, range, to: &ids) }
        Self.forEachWord(of: bytes, range) { word, scalars, _ in
            model.append(bytes, word, scalarCount: scalars, to: &ids)
            return ids.count < end
        }
    }

    /// Splits at white space, which disappears, and around punctuation, which stays; `body` says whether to go on.
    @inline(__always)
    private static func forEachWord(
        of bytes: [UInt8], _ range: Range<Int>,
        _ body: (_ word: Range<Int>, _ scalars: Int, _ isPunctuation: Bool) -> Bool
    ) {
        let classes = BertCharacters.ascii
        var wordStart = range.lowerBound
        var scalars = 0
        var position = range.lowerBound
        while position < range.upperBound {
            let start = position
            let byte = bytes[position]
            let flags: UInt8
            if byte < 0x80 {
                flags = classes[Int(byte)]
                position &+= 1
            } else {
                flags = BertCharacters.flags(of: UTF8Bytes.scalar(in: bytes, at: &position))
            }
            guard flags & (BertCharacters.space | BertCharacters.punctuation) != 0 else {
                scalars &+= 1
                continue
            }
            if scalars > 0, !body(wordStart..<start, scalars, false) { return }
            if flags & BertCharacters.space == 0, !body(start..<position, 1, true) { return }
            wordStart = position
            scalars = 0
        }
        if scalars > 0 { _ = body(wordStart..<range.upperBound, scalars, false) }
    }

    /// The words of a text as the vocabulary would have to hold them whole: normalized, without spaces and punctuation.
    ///
    /// - Complexity: O(UTF-8 bytes of `text`).
    public func words(of text: String) -> [String] {
        var bytes = Array(text.utf8)
        if let normalizer { bytes = normalizer.normalize(bytes, 0..<bytes.count) }
        var words: [String] = []
        Self.forEachWord(of: bytes, 0..<bytes.count) { word, _, isPunctuation in
            if !isPunctuation { words.append(String(decoding: bytes[word], as: UTF8.self)) }
            return true
        }
        return words
    }

    /// Whether the vocabulary can be numbered on: no added token has an id that depends on the vocabulary's size.
    public var canTakeWords: Bool {
        splitsWords && addedTokens.areAllHeld(by: model.trie)
    }

    private func appendWhole(_ bytes: [UInt8], _ range: Range<Int>, to ids: inout [Int32]) {
        let scalars = bytes[range].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        model.append(bytes, range, scalarCount: scalars, to: &ids)
    }

    public func token(for id: Int32) -> String? {
        tokens[id]
    }

    public func id(for token: String) -> Int32? {
        addedTokens.id(for: token) ?? model.trie.value(of: token.utf8)
    }

    public var fingerprint: [UInt8] {
        let normalization = normalizer.map {
            "clean=\($0.cleansText) chinese=\($0.isolatesChinese) accents=\($0.stripsAccents) lower=\($0.lowercases)"
        }
        let settings = [
            "wordpiece", normalization ?? "no normalizer", "words=\(splitsWords)", "prefix=\(continuingPrefix)",
            "unknown=\(model.unknownID)", "longest=\(model.maximumScalars)",
            "template=\(template.prefix) \(template.suffix)",
        ]
        var bytes = Array(settings.joined(separator: "\n").utf8)
        addedTokens.appendBytes(to: &bytes)
        bytes.append(0)
        tokens.appendBytes(to: &bytes)
        return bytes
    }
}

/// The texts of all ids in one byte array.
struct TokenTable: Sendable {
    private var bytes: [UInt8] = []
    /// Where the text of each id begins; one more than there are ids.
    private var offsets: [UInt32] = [0]
    private var isPresent: [Bool] = []

    /// The largest id plus one.
    var count: Int { isPresent.count }

    /// A table of texts by id; nil where no token has the id.
    init(_ texts: [String?]) {
        for text in texts {
            bytes.append(contentsOf: (text ?? "").utf8)
            offsets.append(UInt32(bytes.count))
            isPresent.append(text != nil)
        }
    }

    /// The text of an id.
    subscript(_ id: Int32) -> String? {
        guard id >= 0, Int(id) < count, isPresent[Int(id)] else { return nil }
        return String(decoding: bytes[Int(offsets[Int(id)])..<Int(offsets[Int(id) + 1])], as: UTF8.self)
    }

    /// Appends all texts, each with its length before it, so that no two tables give the same bytes.
    func appendBytes(to output: inout [UInt8]) {
        for id in 0..<count {
            let length = offsets[id + 1] - offsets[id]
            withUnsafeBytes(of: (isPresent[id] ? length : .max).littleEndian) { output.append(contentsOf: $0) }
        }
        output.append(contentsOf: bytes)
    }
}
