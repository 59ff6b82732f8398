import AttarText

/// The words of a corpus that a teacher's tokenizer has to spell in pieces.
///
/// A transformer puts "buck ##ling" together again; a token table cannot, so it does better with an entry for each such
/// word that the corpus uses more than once.
public struct CorpusVocabulary: Codable, Sendable, Equatable {
    /// In how many passages a word must stand; rarer ones would be learned from one passage only.
    public var minimumPassages = 2
    /// The most words, those of most passages first. Each costs a row of the table.
    public var limit = 16_384

    /// The defaults.
    public init() {}

    /// The words, those of most passages first, then in the order of their bytes; none when the tokenizer's vocabulary
    /// cannot be numbered on.
    ///
    /// - Complexity: O(characters of the passages).
    public func words(of passages: [String], splitBy tokenizer: any Tokenizer) -> [String] {
        guard limit > 0, let tokenizer = tokenizer as? WordPieceTokenizer, tokenizer.canTakeWords else { return [] }
        var counts: [String: Int] = [:]
        for passage in passages {
            for word in Set(tokenizer.words(of: passage)) { counts[word, default: 0] += 1 }
        }
        let split = counts.filter { word, count in
            count >= minimumPassages && tokenizer.encode(word, addSpecialTokens: false).count > 1
        }
        return split.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit).map(\.key)
    }
}
