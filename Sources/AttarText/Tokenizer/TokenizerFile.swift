import AttarStorage

/// Reads the `tokenizer.json` of a Hugging Face model folder.
///
/// The file names its model; each supported model has a builder in `TokenizerFile+<Model>.swift`. What a builder does
/// not know it refuses by name, because a tokenizer that ignores a part of its file gives plausible, wrong ids.
public enum TokenizerFile {
    /// Larger files are refused before they are read.
    public static let maximumBytes = 256 << 20
    /// More vocabulary entries than this are refused.
    public static let maximumTokens = 4_000_000
    /// More added tokens than this are refused; models have some thousand at most.
    public static let maximumAddedTokens = 100_000
    /// More JSON values than this are refused: what a vocabulary of `maximumTokens` pairs needs, and some.
    static let maximumValues = 3 * maximumTokens + 1_000_000
    /// Ids from here on are refused: an embedding table of this height fits no machine that Attar runs on.
    public static let maximumID = 1 << 24
    /// Ids may have gaps, but a vocabulary's are below twice the number of its tokens and so many: the table of their
    /// texts is made for the largest.
    public static let maximumGap = 100_000
    /// A template that adds more ids than this, or names more special tokens, is refused: few tokens that stand for
    /// many ids, many times named, would make a gigabyte of a kilobyte.
    static let maximumTemplate = 1024
    /// How deep normalizers, pre-tokenizers and post-processors may be nested.
    static let maximumDepth = 8

    /// The tokenizer that a file describes. The file's truncation and padding settings are ignored: how much text is
    /// encoded is said by the caller.
    ///
    /// - Throws: `TextError` naming the file and the key; `StorageError` when the file cannot be read.
    public static func load(path: String) throws -> any Tokenizer {
        try parse(ByteReader(path: path, maximumBytes: maximumBytes).readToEnd(), path: path)
    }

    /// The tokenizer that the bytes of a `tokenizer.json` describe; `path` is used in messages.
    public static func parse(_ bytes: [UInt8], path: String) throws -> any Tokenizer {
        let root: JSONValue
        do {
            root = try JSONParser.parse(bytes, maximumValues: maximumValues)
        } catch {
            throw TextError(.malformed, path: path, problem: "This is no JSON: \(error).")
        }
        let file = TokenizerNode(value: root, path: path, key: "")
        let model = try file.object("model")
        // Files written before version 0.9 of the format's library name no type; they were told apart by their keys.
        switch try model.optionalString("type") ?? "WordPiece" {
        case "WordPiece": return WordPieceTokenizer(try WordPieceParts(file: file, model: model))
        case "Unigram": return SubwordTokenizer(try SubwordTokenizer.Parts(unigram: model, file: file))
        case "BPE": return SubwordTokenizer(try SubwordTokenizer.Parts(bytePair: model, file: file))
        case let type:
            throw TextError(
                .unsupported, path: path,
                problem: "Its key \"model.type\" is \"\(type)\"; Attar reads WordPiece, Unigram and BPE.")
        }
    }
}

/// A value of a tokenizer file together with the key that leads to it, so that every complaint can name the key.
struct TokenizerNode {
    let value: JSONValue
    let path: String
    let key: String

    /// The child of a key; nil when it is absent or null.
    func optional(_ name: String) -> TokenizerNode? {
        guard let child = value[name], !child.isNull else { return nil }
        return TokenizerNode(value: child, path: path, key: key.isEmpty ? name : key + "." + name)
    }

    /// The child of a key, which must be there.
    func required(_ name: String) throws -> TokenizerNode {
        guard let child = optional(name) else {
            let full = key.isEmpty ? name : key + "." + name
            throw TextError(
                .malformed, path: path, problem: "The key \"\(full)\" is missing.",
                mend: "Take tokenizer.json from the model's own folder again.")
        }
        return child
    }

    /// The child of a key, which must be an object.
    func object(_ name: String) throws -> TokenizerNode {
        let child = try required(name)
        guard case .object = child.value else { throw child.mismatch("an object") }
        return child
    }

    /// The text of a key, nil when absent.
    func optionalString(_ name: String) throws -> String? {
        guard let child = optional(name) else { return nil }
        guard let text = child.value.string else { throw child.mismatch("a string") }
        return text
    }

    /// The text of a key, which must be there.
    func string(_ name: String) throws -> String {
        let child = try required(name)
        guard let text = child.value.string else { throw child.mismatch("a string") }
        return text
    }

    /// The truth value of a key, with what an absent one means.
    func bool(_ name: String, default fallback: Bool) throws -> Bool {
        guard let child = optional(name) else { return fallback }
        guard let flag = child.value.bool else { throw child.mismatch("true or false") }
        return flag
    }

    /// A token id: a whole number below `limit`.
    func id(below limit: Int = TokenizerFile.maximumID) throws -> Int32 {
        guard let number = value.integer else { throw mismatch("a whole number") }
        guard 0..<limit ~= number else {
            throw error(.malformed, "is \(number), which is no token id (0 to \(limit - 1)).")
        }
        return Int32(number)
    }

    /// The elements of an array.
    func elements() throws -> [TokenizerNode] {
        guard let values = value.array else { throw mismatch("an array") }
        return values.enumerated().map { TokenizerNode(value: $1, path: path, key: "\(key)[\($0)]") }
    }

    func mismatch(_ expected: String) -> TextError {
        error(.malformed, "is \(value.typeName); \(expected) was expected.")
    }

    /// A complaint about this key, or about the file's top-level key `name`.
    func error(_ kind: TextError.Kind, _ problem: String, named name: String? = nil) -> TextError {
        TextError(kind, path: path, problem: "The key \"\(name ?? key)\" \(problem)")
    }
}
