import AttarText

/// How texts and conversations become the tokens of a decoder: its tokenizer and its chat template.
public struct DecoderPrompts: Sendable {
    /// The tokenizer, of bytes.
    public let tokenizer: SubwordTokenizer
    /// How conversations are written down; nil when the model has no template, or one that is not known.
    public let chatTemplate: ChatTemplate?
    /// The tokens that end a text.
    public let endIDs: Set<Int32>
    /// The model's name for people.
    public let name: String
    private let templateProblem: ModelError?
    /// The model's file or folder, for messages.
    private let path: String

    /// - Throws: `ModelError.mismatch` when the tokenizer has ids for which the model has no vectors.
    init(_ source: DecoderSource, path: String) throws {
        tokenizer = source.tokenizer
        endIDs = source.endIDs
        name = source.name
        self.path = path
        guard tokenizer.vocabularySize <= source.configuration.vocabularySize else {
            throw ModelError.mismatch(
                file: path,
                detail: "the tokenizer has ids up to \(tokenizer.vocabularySize - 1), but the model has vectors for "
                    + "\(source.configuration.vocabularySize) tokens. Weights and tokenizer are of two models.")
        }
        do {
            chatTemplate = try source.template.map { try ChatTemplate($0, path: path) }
            templateProblem = nil
        } catch let error as ModelError {
            (chatTemplate, templateProblem) = (nil, error)
        }
    }

    /// The tokens of a conversation in the model's own form, ending where the assistant is to speak.
    ///
    /// Special tokens in what people say are plain text.
    ///
    /// - Throws: `ModelError.unsupported` when the model has no template, or one that is not known; `mismatch` when its
    ///   tokenizer lacks a token of the template.
    public func prompt(for messages: [ChatMessage]) throws -> [Int32] {
        guard let chatTemplate else {
            throw templateProblem
                ?? ModelError.unsupported(
                    folder: name, detail: "it has no chat template. Give the whole prompt yourself, with --raw.")
        }
        return try chatTemplate.ids(of: messages, tokenizer: tokenizer, path: path)
    }

    /// The tokens of a prompt given as it is: special tokens in it are recognised, and the model's own beginning of
    /// text is put before it unless it stands there.
    public func prompt(raw text: String) -> [Int32] {
        let ids = tokenizer.encode(text, addSpecialTokens: false)
        let whole = tokenizer.encode(text)
        return whole.count == ids.count + 1 && ids.first == whole.first ? ids : whole
    }
}
