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

    private let parts: Parts
    private let rawMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    public let maskID: Int32?
    public let specialIDs: [Int32]

    public var padID: Int32 { parts.padID }
    public var unknownID: Int32? { parts.unknownID }
    public var vocabularySize: Int { parts.tokens.count }

    init(_ parts: Parts) {
        self.parts = parts
        let added = parts.addedTokens
        maskID =
            added.first { $0.content == "[MASK]" || $0.content == "<mask>" }?.id
            ?? parts.trie.value(of: "<mask>".utf8)
        specialIDs = Set(added.filter(\.isSpecial).map(\.id) + parts.template.prefix + parts.template.suffix).sorted()
        // Special tokens come first: of two with the same text they win.
        let ordered = added.filter(\.isSpecial) + added.filter { !$0.isSpecial }
        let raw = ordered.filter { !$0.isNormalized }
        let normalized = ordered.filter(\.isNormalized)
        rawMatcher = AddedTokenMatcher(raw, contents: raw.map { Array($0.content.utf8) })
        normalizedMatcher = AddedTokenMatcher(
            normalized,
            contents: normalized.map { token in
                let bytes = Array(token.content.utf8)
                var startsText = true
                return parts.normalizer?.normalize(bytes, 0..<bytes.count, startsText: &startsText) ?? bytes
            })
    }

    public func append(_ text: String, maximumLength: Int?, addSpecialTokens: Bool, to ids: inout [Int32]) {
        let bytes = Array(text.utf8)
        let around = addSpecialTokens ? parts.template : SpecialTokenTemplate()
        ids.append(contentsOf: around.prefix)
        let limit = maximumLength.map { max(0, $0 - around.count) } ?? Int.max
        let end = limit == Int.max ? Int.max : ids.count + limit
        var work = Work()
        rawMatcher.forEachPiece(of: bytes, 0..<bytes.count) { piece in
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let range): appendNormalized(bytes, range, end: end, &work, to: &ids)
            }
        }
        if ids.count > end { ids.removeSubrange(end...) }
        ids.append(contentsOf: around.suffix)
    }

    private func appendNormalized(
        _ bytes: [UInt8], _ range: Range<Int>, end: Int, _ work: inout Work, to ids: inout [Int32]
    ) {
        guard ids.count < end else { return }
        var startsText = range.lowerBound == 0
        var bytes = bytes
        var range = range
        if let normalizer = parts.normalizer {
            bytes = normalizer.normalize(bytes, range, startsText: &startsText)
            range = 0..<bytes.count
        }
        normalizedMatcher.forEachPiece(of: bytes, range) { piece in
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let text):
                let isFirst = startsText && text.lowerBound == range.lowerBound
                let pieces = TextPieces(bytes: bytes, ranges: [text], startsText: isFirst)
                appendWords(pieces, end: end, &work, to: &ids)
            }
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
        parts.addedTokens.first { $0.content == token }?.id ?? parts.trie.value(of: token.utf8)
    }

    public var fingerprint: [UInt8] {
        var bytes = Array(parts.settings.utf8)
        bytes.append(contentsOf: "\ntemplate=\(parts.template.prefix) \(parts.template.suffix)".utf8)
        for token in parts.addedTokens {
            let flags = [token.isSingleWord, token.stripsLeft, token.stripsRight, token.isNormalized]
            bytes.append(contentsOf: "\n\(token.id) \(flags) \(token.content)".utf8)
        }
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
