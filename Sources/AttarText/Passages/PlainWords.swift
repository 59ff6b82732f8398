/// The words of a text as somebody would type them into a search box: lowercased, identifiers split, no punctuation.
///
///     PlainWords.words(of: "def readCSVFile(path):")   // ["def", "read", "csv", "file", "path"]
public enum PlainWords {
    /// The words in order. Stretches that hold no letter are left out.
    ///
    /// - Complexity: O(UTF-8 bytes of `text`).
    public static func words(of text: String) -> [String] {
        PhraseRuns.runs(of: text, stopWords: []).flatMap { $0 }
    }
}
