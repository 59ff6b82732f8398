extension PreTokenizer {
    /// Reads the key `pre_tokenizer`; without one a text is a single word.
    ///
    /// - Parameter allowsByteLevel: whether `ByteLevel` may stand in it, as the last.
    /// - Throws: `TextError` for a type, or a pattern of `Split`, that Attar does not know.
    init(_ node: TokenizerNode?, allowsByteLevel: Bool) throws {
        steps = try node.map { try Self.steps($0, allowsByteLevel: allowsByteLevel) } ?? []
    }

    /// Whether the last pre-tokenizer is `ByteLevel`.
    ///
    /// - Throws: `TextError` when the file's parts have the wrong types.
    static func endsInByteLevel(_ node: TokenizerNode?, depth: Int = 0) throws -> Bool {
        guard let node, depth <= TokenizerFile.maximumDepth else { return false }
        switch try node.optionalString("type") ?? "" {
        case "ByteLevel": return true
        case "Sequence":
            return try endsInByteLevel(node.required("pretokenizers").elements().last, depth: depth + 1)
        default: return false
        }
    }

    private static func steps(_ node: TokenizerNode, allowsByteLevel: Bool, depth: Int = 0) throws -> [Step] {
        switch try node.optionalString("type") ?? "" {
        case "Sequence":
            guard depth < TokenizerFile.maximumDepth else { throw node.error(.tooLarge, "is nested too deeply.") }
            let parts = try node.required("pretokenizers").elements()
            return try parts.enumerated().flatMap { index, part in
                try steps(part, allowsByteLevel: allowsByteLevel && index == parts.count - 1, depth: depth + 1)
            }
        case "WhitespaceSplit": return [.whitespaceSplit]
        case "Metaspace": return [try metaspace(node)]
        case "Digits": return [.digits(individual: try node.bool("individual_digits", default: false))]
        case "Split": return [.split(try pattern(node))]
        case "ByteLevel" where allowsByteLevel:
            return (try node.bool("add_prefix_space", default: true) ? [.prefixSpace] : [])
                + (try node.bool("use_regex", default: true) ? [.split(.gpt2)] : [])
        case let type:
            throw node.error(
                .unsupported,
                "has the type \"\(type)\"; Attar reads Sequence, WhitespaceSplit, Metaspace, Digits, Split, and with "
                    + "BPE ByteLevel as the last.")
        }
    }

    /// The old form has `add_prefix_space`, the new one `prepend_scheme` and `split`.
    private static func metaspace(_ node: TokenizerNode) throws -> Step {
        let replacement = try node.optionalString("replacement") ?? "\u{2581}"
        guard replacement.unicodeScalars.count == 1, replacement != " " else {
            throw node.error(.unsupported, "replaces spaces by \"\(replacement)\"; one other character was expected.")
        }
        let addsPrefix = try node.bool("add_prefix_space", default: true)
        let name = try node.optionalString("prepend_scheme") ?? (addsPrefix ? "always" : "never")
        guard let scheme = PrependScheme(rawValue: name) else {
            throw node.error(.unsupported, "has the prepend_scheme \"\(name)\"; Attar knows always, first and never.")
        }
        guard addsPrefix || scheme == .never else {
            throw node.error(.malformed, "says both \"add_prefix_space\": false and \"prepend_scheme\": \"\(name)\".")
        }
        return .metaspace(
            replacement: Array(replacement.utf8), scheme: scheme, splits: try node.bool("split", default: true))
    }

    /// A pattern that matches every character, so that keeping the matches (`Isolated`) and removing what is between
    /// them (`Removed` with `invert`) are the same.
    private static func pattern(_ node: TokenizerNode) throws -> SplitPattern {
        let behavior = try node.string("behavior")
        let isInverted = try node.bool("invert", default: false)
        guard (behavior == "Isolated" && !isInverted) || (behavior == "Removed" && isInverted) else {
            throw node.error(
                .unsupported, "has the behavior \"\(behavior)\" with invert \(isInverted); Attar knows Isolated.")
        }
        let pattern = try node.object("pattern")
        let expression = try pattern.string("Regex")
        guard let known = SplitPattern(expression) else {
            throw pattern.error(
                .unsupported,
                "is the regular expression \"\(expression)\"; Attar knows those of GPT-2, cl100k (Llama 3) and Qwen 2.")
        }
        return known
    }
}
