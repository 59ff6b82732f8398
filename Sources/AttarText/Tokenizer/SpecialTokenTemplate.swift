/// What a post-processor puts around a text: ids before it and behind it.
struct SpecialTokenTemplate: Sendable, Equatable {
    /// Ids before the text.
    var prefix: [Int32] = []
    /// Ids behind the text.
    var suffix: [Int32] = []

    /// How many ids it adds.
    var count: Int { prefix.count + suffix.count }
}

extension SpecialTokenTemplate {
    /// Reads `TemplateProcessing`, `BertProcessing` or `RobertaProcessing`, or a `Sequence` of them; nothing is added
    /// without a post-processor.
    ///
    /// - Parameter allowsByteLevel: whether `ByteLevel` may stand in it, which adds no ids.
    /// - Throws: `TextError` for another type, or a template that holds the text not exactly once.
    init(_ node: TokenizerNode?, allowsByteLevel: Bool = false) throws {
        self.init()
        if let node { try read(node, allowsByteLevel: allowsByteLevel, depth: 0) }
    }

    private mutating func read(_ node: TokenizerNode, allowsByteLevel: Bool, depth: Int) throws {
        switch try node.optionalString("type") ?? "" {
        case "TemplateProcessing": try read(template: node)
        case "BertProcessing", "RobertaProcessing":
            prefix.insert(try Self.pairID(node.required("cls")), at: 0)
            suffix.append(try Self.pairID(node.required("sep")))
            try Self.check(count, node)
        case "ByteLevel" where allowsByteLevel: break
        case "Sequence":
            guard depth < TokenizerFile.maximumDepth else { throw node.error(.tooLarge, "is nested too deeply.") }
            for part in try node.required("processors").elements() {
                try read(part, allowsByteLevel: allowsByteLevel, depth: depth + 1)
            }
        case let type:
            throw node.error(
                .unsupported,
                "has the type \"\(type)\"; Attar reads TemplateProcessing, BertProcessing, RobertaProcessing, Sequence, "
                    + "with BPE ByteLevel, and none.")
        }
    }

    /// `["[CLS]", 101]`
    static func pairID(_ node: TokenizerNode) throws -> Int32 {
        let pair = try node.elements()
        guard pair.count == 2, pair[0].value.string != nil else { throw node.mismatch("[token, id]") }
        return try pair[1].id()
    }

    /// - Throws: `TextError` when a post-processor adds too many ids, or names too many tokens.
    static func check(_ count: Int, _ node: TokenizerNode) throws {
        guard count <= TokenizerFile.maximumTemplate else {
            throw node.error(.tooLarge, "adds more tokens than the limit, \(TokenizerFile.maximumTemplate).")
        }
    }

    /// The ids that a template's special token stands for.
    static func ids(of piece: TokenizerNode, in template: TokenizerNode) throws -> [Int32] {
        let name = try piece.required("id")
        guard let name = name.value.string else { throw name.mismatch("a string") }
        let tokens = try template.object("special_tokens")
        try check(tokens.value.members?.count ?? 0, tokens)
        let ids = try tokens.object(name).required("ids")
        try check(ids.value.array?.count ?? 0, ids)
        return try ids.elements().map { try $0.id() }
    }

    private mutating func read(template node: TokenizerNode) throws {
        let single = try node.required("single")
        var hasText = false
        var before: [Int32] = []
        try Self.check(single.value.array?.count ?? 0, single)
        for piece in try single.elements() {
            if let sequence = piece.optional("Sequence") {
                guard try sequence.optionalString("id") == "A", !hasText else {
                    throw sequence.error(.unsupported, "must name the sequence \"A\", once.")
                }
                hasText = true
            } else {
                let ids = try Self.ids(of: piece.object("SpecialToken"), in: node)
                if hasText { suffix += ids } else { before += ids }
                try Self.check(count + before.count, single)
            }
        }
        guard hasText else { throw single.error(.malformed, "holds no place for the text.") }
        // A template in a sequence goes around what the ones before it made.
        prefix = before + prefix
    }
}
