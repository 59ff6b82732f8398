extension ByteTrie {
    /// The vocabulary `{token: id, …}` of WordPiece and BPE; `texts` receives the token of each id.
    ///
    /// - Throws: `TextError` for ids that are none or stand twice, and for vocabularies above the limits.
    init(vocabulary node: TokenizerNode, texts: inout [String?]) throws {
        guard let members = node.value.members else { throw node.mismatch("an object") }
        guard members.count <= TokenizerFile.maximumTokens else {
            throw node.error(.tooLarge, "holds \(members.count) entries; the limit is \(TokenizerFile.maximumTokens).")
        }
        self.init()
        texts = Array(repeating: nil, count: members.count)
        let limit = min(2 * members.count + TokenizerFile.maximumGap, TokenizerFile.maximumID)
        for member in members {
            guard nodeCount + member.key.utf8.count < ByteTrie.maximumNodes else {
                throw node.error(.tooLarge, "holds more text than \(ByteTrie.maximumNodes) bytes.")
            }
            let entry = { TokenizerNode(value: member.value, path: node.path, key: node.key + "." + member.key) }
            let id: Int32
            if case .integer(let number) = member.value, 0..<texts.count ~= number {
                id = Int32(number)
            } else {
                // Ids may have gaps; only then the table grows beyond the number of entries.
                id = try entry().id(below: limit)
                texts.append(contentsOf: repeatElement(nil, count: Int(id) + 1 - texts.count))
            }
            if let other = texts[Int(id)] {
                throw entry().error(.duplicate, "has the id \(id), which \"\(other)\" has already.")
            }
            texts[Int(id)] = member.key
            guard insert(member.key.utf8, value: id) else {
                throw entry().error(.duplicate, "stands twice in the vocabulary.")
            }
        }
        while texts.last == .some(nil) { texts.removeLast() }
    }
}
