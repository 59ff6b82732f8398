/// A tokenizer of separate parts, with the ids of Hugging Face `tokenizers`: added tokens, normalizer, pre-tokenizer,
/// a model of subwords (Unigram or byte-level BPE), special tokens.
///
/// All work is done on UTF-8 bytes and flat arrays; what is allocated, is allocated per text.
public final class SubwordTokenizer: Tokenizer {
    /// What turns words into ids.
    enum Model: Sendable {
        case unigram(UnigramModel)
        case bytePair(BytePairModel)
    }

    /// What a file says about such a tokenizer, checked.
    struct Parts {
        var normalizer: TextNormalizer?
        var preTokenizer: PreTokenizer
        var model: Model
        var template: SpecialTokenTemplate
        var pairTemplate: PairTemplate?
        var addedTokens: [AddedToken]
        /// The vocabulary's texts and ids.
        var trie: ByteTrie
        var tokens: TokenTable
        var padID: Int32
        var unknownID: Int32?
        /// Everything in the file that decides which ids come out, except vocabulary and added tokens.
        var settings: String
    }

    /// Buffers that live as long as a text.
    private struct Work {
        var lattice = UnigramModel.Lattice()
        var word = BytePairModel.Word()
    }

    let parts: Parts
    let addedTokens: AddedTokenSplitter
    /// The added tokens without special meaning.
    private let plainTokens: AddedTokenSplitter

    public let maskID: Int32?
    public let specialIDs: [Int32]

    public var pairTemplate: PairTemplate? { parts.pairTemplate }
    public var padID: Int32 { parts.padID }
    public var unknownID: Int32? { parts.unknownID }
    public var vocabularySize: Int { parts.tokens.count }

    init(_ parts: Parts) {
        self.parts = parts
        let normalize = { (content: [UInt8]) in
            var startsText = true
            return parts.normalizer?.normalize(content, 0..<content.count, startsText: &startsText) ?? content
        }
        addedTokens = AddedTokenSplitter(parts.addedTokens, normalize: normalize)
        plainTokens = AddedTokenSplitter(parts.addedTokens.filter { !$0.isSpecial }, normalize: normalize)
        maskID = addedTokens.maskID ?? parts.trie.value(of: "<mask>".utf8)
        specialIDs = addedTokens.specialIDs(with: parts.template)
    }

    public func append(_ text: String, maximumLength: Int?, addSpecialTokens: Bool, to ids: inout [Int32]) {
        var work = Work()
        addedTokens.append(
            text, maximumLength: maximumLength, template: addSpecialTokens ? parts.template : SpecialTokenTemplate(),
            to: &ids
        ) { bytes, range, end, ids in
            appendPart(bytes, range, end: end, addedTokens, &work, to: &ids)
        }
    }

    /// Appends the ids of a text in which special tokens are plain text, without a template.
    func appendContent(_ text: String, to ids: inout [Int32]) {
        var work = Work()
        plainTokens.append(text, maximumLength: nil, template: SpecialTokenTemplate(), to: &ids) { bytes, range, end, ids in
            appendPart(bytes, range, end: end, plainTokens, &work, to: &ids)
        }
    }

    private func appendPart(
        _ bytes: [UInt8], _ range: Range<Int>, end: Int, _ splitter: AddedTokenSplitter, _ work: inout Work,
        to ids: inout [Int32]
    ) {
        var startsText = range.lowerBound == 0
        var bytes = bytes
        var range = range
        if let normalizer = parts.normalizer {
            bytes = normalizer.normalize(bytes, range, startsText: &startsText)
            range = 0..<bytes.count
        }
        splitter.appendNormalized(bytes, range, to: &ids) { part, ids in
            let isFirst = startsText && part.lowerBound == range.lowerBound
            appendWords(TextPieces(bytes: bytes, ranges: [part], startsText: isFirst), end: end, &work, to: &ids)
        }
    }

    /// Appends the ids of all words, until `end` ids are there.
    private func appendWords(_ pieces: TextPieces, end: Int, _ work: inout Work, to ids: inout [Int32]) {
        guard ids.count < end else { return }
        var pieces = pieces
        parts.preTokenizer.apply(to: &pieces)
        switch parts.model {
        case .unigram(let model):
            for word in pieces.ranges {
                model.append(pieces.bytes, word, lattice: &work.lattice, to: &ids)
                if ids.count >= end { return }
            }
        case .bytePair(let model):
            for word in pieces.ranges {
                model.append(pieces.bytes, word, word: &work.word, to: &ids)
                if ids.count >= end { return }
            }
        }
    }

    public func token(for id: Int32) -> String? {
        parts.tokens[id]
    }

    public func id(for token: String) -> Int32? {
        addedTokens.id(for: token) ?? parts.trie.value(of: token.utf8)
    }

    public var fingerprint: [UInt8] {
        var bytes = Array(parts.settings.utf8)
        bytes.append(contentsOf: "\ntemplate=\(parts.template.prefix) \(parts.template.suffix)".utf8)
        addedTokens.appendBytes(to: &bytes)
        bytes.append(0)
        parts.tokens.appendBytes(to: &bytes)
        appendModelBytes(to: &bytes)
        return bytes
    }

    private func appendModelBytes(to bytes: inout [UInt8]) {
        switch parts.model {
        case .unigram(let model):
            for score in model.scores {
                withUnsafeBytes(of: score.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        case .bytePair(let model): model.merges.appendBytes(to: &bytes)
        }
    }
}
