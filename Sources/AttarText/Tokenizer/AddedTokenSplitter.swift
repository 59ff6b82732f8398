/// The added tokens of a tokenizer, found in two passes: first those that are looked for in the text as it is, then, in
/// what was normalized between them, the others.
struct AddedTokenSplitter: Sendable {
    private let tokens: [AddedToken]
    private let ids: Set<Int32>
    private let raw: AddedTokenMatcher
    private let normalized: AddedTokenMatcher

    /// - Parameter normalize: what the tokenizer's normalizer makes of a token's content.
    init(_ tokens: [AddedToken], normalize: ([UInt8]) -> [UInt8]) {
        self.tokens = tokens
        ids = Set(tokens.map(\.id))
        // Special tokens come first: of two with the same text they win.
        let ordered = tokens.filter(\.isSpecial) + tokens.filter { !$0.isSpecial }
        let (later, first) = (ordered.filter(\.isNormalized), ordered.filter { !$0.isNormalized })
        raw = AddedTokenMatcher(first, contents: first.map { Array($0.content.utf8) })
        normalized = AddedTokenMatcher(later, contents: later.map { normalize(Array($0.content.utf8)) })
    }

    /// Appends the ids of a text and of the template around it.
    ///
    /// - Parameters:
    ///   - maximumLength: see `Tokenizer.append`.
    ///   - body: appends the ids of a part without added tokens, which is never empty; it may stop at `end` ids.
    @inline(__always)
    func append(
        _ text: String, maximumLength: Int?, template: SpecialTokenTemplate, to ids: inout [Int32],
        _ body: (_ bytes: [UInt8], _ part: Range<Int>, _ end: Int, _ ids: inout [Int32]) -> Void
    ) {
        let bytes = Array(text.utf8)
        ids.append(contentsOf: template.prefix)
        let limit = maximumLength.map { max(0, $0 - template.count) } ?? Int.max
        let end = limit == Int.max ? Int.max : ids.count + limit
        Self.split(bytes, 0..<bytes.count, by: raw, to: &ids) { part, ids in
            if ids.count < end { body(bytes, part, end, &ids) }
        }
        if ids.count > end { ids.removeSubrange(end...) }
        ids.append(contentsOf: template.suffix)
    }

    /// Appends the ids of a normalized part of a text.
    ///
    /// - Parameter body: appends the ids of a part without added tokens, which is never empty.
    @inline(__always)
    func appendNormalized(
        _ bytes: [UInt8], _ range: Range<Int>, to ids: inout [Int32],
        _ body: (_ part: Range<Int>, _ ids: inout [Int32]) -> Void
    ) {
        Self.split(bytes, range, by: normalized, to: &ids, body)
    }

    @inline(__always)
    private static func split(
        _ bytes: [UInt8], _ range: Range<Int>, by matcher: AddedTokenMatcher, to ids: inout [Int32],
        _ body: (_ part: Range<Int>, _ ids: inout [Int32]) -> Void
    ) {
        guard !range.isEmpty else { return }
        guard !matcher.isEmpty else { return body(range, &ids) }
        matcher.forEachPiece(of: bytes, range) { piece in
            switch piece {
            case .token(let id): ids.append(id)
            case .text(let part): body(part, &ids)
            }
        }
    }

    /// The id of the mask token, if there is one.
    var maskID: Int32? { tokens.first { $0.content == "[MASK]" || $0.content == "<mask>" }?.id }

    /// The ids of all special tokens, those of the template among them, ascending.
    func specialIDs(with template: SpecialTokenTemplate) -> [Int32] {
        Set(tokens.filter(\.isSpecial).map(\.id) + template.prefix + template.suffix).sorted()
    }

    /// Whether a token is one of them.
    func contains(_ id: Int32) -> Bool { ids.contains(id) }

    /// The id of an added token's exact text.
    func id(for content: String) -> Int32? { tokens.first { $0.content == content }?.id }

    /// Whether a vocabulary holds all of them, so that no id depends on its size.
    func areAllHeld(by vocabulary: ByteTrie) -> Bool {
        tokens.allSatisfy { vocabulary.value(of: $0.content.utf8) != nil }
    }

    /// Appends everything that decides which added tokens are found.
    func appendBytes(to bytes: inout [UInt8]) {
        for token in tokens {
            let flags = [token.isSingleWord, token.stripsLeft, token.stripsRight, token.isNormalized]
            bytes.append(contentsOf: "\n\(token.id) \(flags) \(token.content)".utf8)
        }
    }
}
