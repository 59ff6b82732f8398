/// Text in, token ids out: the contract between a model folder's `tokenizer.json` and the encoders.
///
/// ```swift
/// let tokenizer = try TokenizerFile.load(path: "models/minilm/tokenizer.json")
/// tokenizer.encode("hello world")        // [101, 7592, 2088, 102]
/// ```
public protocol Tokenizer: Sendable {
    /// The largest id plus one: the number of rows that a model's embedding table needs.
    var vocabularySize: Int { get }
    /// The id that fills short rows of a batch.
    var padID: Int32 { get }
    /// The id of words that the vocabulary cannot spell, if there is one.
    var unknownID: Int32? { get }
    /// The id of the mask token, if there is one.
    var maskID: Int32? { get }
    /// The ids of all special tokens (`[CLS]`, `[SEP]`, …), ascending.
    var specialIDs: [Int32] { get }
    /// What the file puts around two texts that are read together; nil when it does not say.
    var pairTemplate: PairTemplate? { get }
    /// Everything that decides which ids come out of a single text, as bytes: two tokenizers with the same bytes give
    /// the same ids.
    ///
    /// - Complexity: O(bytes of the vocabulary); made on each access, so keep its hash, not the bytes.
    var fingerprint: [UInt8] { get }

    /// Appends the ids of `text` to `ids`.
    ///
    /// - Parameters:
    ///   - maximumLength: keep at most so many ids, special tokens included: content is cut at its end, special tokens
    ///     stay. nil cuts nothing, whatever the file says.
    ///   - addSpecialTokens: whether the file's post-processor adds its tokens around the text.
    /// - Complexity: O(UTF-8 bytes of `text`).
    func append(_ text: String, maximumLength: Int?, addSpecialTokens: Bool, to ids: inout [Int32])

    /// The text of an id, or nil when nothing has this id.
    func token(for id: Int32) -> String?

    /// The id of a token's exact text, or nil when the vocabulary does not hold it.
    func id(for token: String) -> Int32?
}

extension Tokenizer {
    /// Nothing is known of pairs.
    public var pairTemplate: PairTemplate? { nil }

    /// The ids of `text`; by default with special tokens and without a limit.
    public func encode(_ text: String, maximumLength: Int? = nil, addSpecialTokens: Bool = true) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(text.utf8.count / 3 + 8)
        append(text, maximumLength: maximumLength, addSpecialTokens: addSpecialTokens, to: &ids)
        return ids
    }
}
