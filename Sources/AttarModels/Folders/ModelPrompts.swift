import AttarText

/// The texts that a model wants before a query or a passage.
public struct ModelPrompts: Sendable, Equatable {
    /// The prompts by name.
    public let named: [String: String]
    /// The name of the prompt for texts that have none of their own.
    public let defaultName: String?

    /// Prompts.
    public init(named: [String: String] = [:], defaultName: String? = nil) {
        self.named = named
        self.defaultName = defaultName
    }

    init(folder: String) throws {
        guard let file = try ConfigurationFile(ifPresent: folder + "/config_sentence_transformers.json") else {
            self.init()
            return
        }
        var named: [String: String] = [:]
        for member in file.value["prompts"]?.members ?? [] where !member.value.isNull {
            guard let prompt = member.value.string else { throw file.bad("prompts", "\"\(member.key)\" is no text") }
            named[member.key] = prompt
        }
        let defaultName = try file.text("default_prompt_name")
        if let defaultName, named[defaultName] == nil {
            throw file.bad("default_prompt_name", "there is no prompt \"\(defaultName)\"")
        }
        self.init(named: named, defaultName: defaultName)
    }

    /// The prompt for a role; empty when there is none.
    ///
    /// A plain text has none. A query has the prompt `query`; a passage the first of `document`, `passage`, `corpus`
    /// that is not empty. A role for which the model names no prompt at all has the default prompt.
    public func prompt(for role: TextRole) -> String {
        let names: [String] =
            switch role {
            case .plain: []
            case .query: ["query"]
            case .passage: ["document", "passage", "corpus"]
            }
        let prompts = names.compactMap { named[$0] }
        if let prompt = prompts.first(where: { !$0.isEmpty }) { return prompt }
        guard prompts.isEmpty, role != .plain, let defaultName else { return "" }
        return named[defaultName] ?? ""
    }
}
