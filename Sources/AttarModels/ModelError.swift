import AttarStorage

/// A failure of a model: its folder, its weights, its download.
public enum ModelError: AttarError, Equatable {
    /// A file that every model of this kind has is not there.
    case missingFile(folder: String, file: String, mend: String)
    /// A configuration file cannot be understood.
    case badConfiguration(file: String, detail: String)
    /// The folder holds a kind of model that Attar cannot run.
    case unsupported(folder: String, detail: String)
    /// Two parts of a model do not fit together.
    case mismatch(file: String, detail: String)
    /// The catalogue does not know the name, and it is no folder.
    case unknownModel(name: String, known: [String])
    /// The catalogue knows the name, but the model is not on this machine.
    case notPulled(name: String, root: String)
    /// A name or path that could leave the store.
    case unsafePath(String)
    /// What arrived is not what the catalogue promises.
    case badHash(file: String, source: String, expected: [String], found: String)
    /// No source could deliver the model.
    case noSource(name: String, attempts: [String])
    /// A download failed.
    case download(address: String, detail: String)
    /// A vector of the model holds infinity or not-a-number; `text` counts the texts from 1.
    case notFinite(model: String, text: Int)
    /// A decoder has no next token to give; `text` counts the texts of the call from 1.
    case noNextToken(model: String, text: Int)
    /// An option asks for what no model can do.
    case badOption(String)
    /// A helper program is missing or failed.
    case tool(name: String, detail: String)

    /// Who has to act: the giver of the model, the caller, or whoever looks after network and tools.
    public var category: ErrorCategory {
        switch self {
        case .missingFile, .badConfiguration, .unsupported, .mismatch, .unsafePath, .unknownModel, .notPulled,
            .notFinite, .noNextToken:
            .input
        case .badOption: .usage
        case .badHash, .noSource, .download, .tool: .resource
        }
    }

    /// What was found, what was expected, how to mend it.
    public var description: String {
        switch self {
        case .missingFile(let folder, let file, let mend):
            "The model folder \(folder) has no \(file). \(mend)"
        case .badConfiguration(let file, let detail):
            "\(file) cannot be understood: \(detail)"
        case .unsupported(let folder, let detail):
            "The model in \(folder) cannot be run: \(detail)"
        case .mismatch(let file, let detail):
            "\(file) does not fit the rest of the model: \(detail)"
        case .unknownModel(let name, let known):
            "There is no model \"\(name)\": it is neither a folder nor a name of the catalogue, which has "
                + known.joined(separator: ", ") + "."
        case .notPulled(let name, let root):
            "The model \"\(name)\" is not in \(root). Fetch it with: attar models pull \(name)"
        case .unsafePath(let path):
            "The path \"\(path)\" is refused: a file of a model must stay inside its folder."
        case .badHash(let file, let source, let expected, let found):
            "\(file) from \(source) has the SHA-256 \(found), where \(expected.joined(separator: " or ")) was expected. "
                + "It was removed."
        case .noSource(let name, let attempts):
            "The model \"\(name)\" could not be fetched. " + attempts.joined(separator: " ")
        case .download(let address, let detail):
            "Fetching \(address) failed: \(detail)"
        case .notFinite(let model, let text):
            "The vector that \(model) gives for text \(text) holds infinity or not-a-number, so nothing was written. "
                + "Its weights or its configuration are damaged; fetch the model again."
        case .noNextToken(let model, let text):
            "No token can follow in text \(text) of \(model): its logits are not numbers, or the vocabulary cannot spell "
                + "what may follow."
        case .badOption(let sentence): sentence
        case .tool(let name, let detail):
            "\(name) is needed and \(detail)"
        }
    }
}
