import AttarStorage
import AttarText

/// Holds output to a JSON Schema: at each step only tokens may come whose bytes keep the text a beginning of a value
/// that the schema allows, and the text can end only where such a value is whole.
///
/// Text that was not cut by a limit of tokens parses, and validates. Between parts stands at most one space, behind a
/// colon or comma.
public struct JSONSchemaConstraint: TokenConstraint {
    private let vocabulary: ConstraintVocabulary
    private let endIDs: Set<Int32>
    private var automaton: GrammarAutomaton
    private var configurations: [GrammarAutomaton.Configuration]
    private var levels: [[GrammarAutomaton.Configuration]] = []
    /// The tokens that may come in a configuration: texts often stand in the same again, such as within a string.
    private var known: [GrammarAutomaton.Configuration: TokenSet] = [:]
    private static let mostKnown = 64

    init(_ grammar: Grammar, vocabulary: ConstraintVocabulary, endIDs: Set<Int32>) {
        self.vocabulary = vocabulary
        self.endIDs = endIDs
        automaton = GrammarAutomaton(grammar)
        configurations = automaton.start()
    }

    /// Whether the text may end here.
    public var isComplete: Bool { configurations.contains { automaton.isComplete($0) } }

    /// Whether some text may still come, be it none at all.
    var canGoOn: Bool { !configurations.isEmpty }
    /// The bytes of each token.
    var vocabularyBytes: [[UInt8]] { vocabulary.bytes }

    /// - Complexity: O(tokens / 64) for a place that was met before, else O(bytes of the tokens that begin rightly).
    public mutating func mask(_ logits: UnsafeMutableBufferPointer<Float>) {
        let ends = isComplete ? endIDs.filter { Int($0) < logits.count }.map { ($0, logits[Int($0)]) } : []
        allowed().mask(logits)
        for (token, logit) in ends { logits[Int(token)] = logit }
    }

    public mutating func accept(_ token: Int32) {
        var next: [GrammarAutomaton.Configuration] = []
        for byte in vocabulary.bytes.indices.contains(Int(token)) ? vocabulary.bytes[Int(token)] : [] {
            automaton.step(configurations, byte, into: &next)
            swap(&configurations, &next)
        }
    }

    /// The tokens that may come next, endings left aside.
    mutating func allowed() -> TokenSet {
        var all = TokenSet(count: vocabulary.bytes.count)
        for configuration in configurations { all.formUnion(allowed(configuration)) }
        return all
    }

    private mutating func allowed(_ configuration: GrammarAutomaton.Configuration) -> TokenSet {
        if let found = known[configuration] { return found }
        var set = TokenSet(count: vocabulary.bytes.count)
        if let (count, maximum) = automaton.stringLimit(configuration) {
            set = maximum.map { tokensInside(atMost: $0 - count) } ?? vocabulary.inside
            vocabulary.closing.walk(&automaton, from: configuration, levels: &levels) { set.insert($0) }
        } else {
            vocabulary.trie.walk(&automaton, from: configuration, levels: &levels) { set.insert($0) }
        }
        if known.count >= Self.mostKnown { known.removeAll(keepingCapacity: true) }
        known[configuration] = set
        return set
    }

    /// The tokens within which at most so many characters begin.
    private func tokensInside(atMost characters: Int) -> TokenSet {
        var set = TokenSet(count: vocabulary.bytes.count)
        for (token, count) in vocabulary.charactersInside.enumerated() where count >= 0 && Int(count) <= characters {
            set.insert(Int32(token))
        }
        return set
    }
}

/// Makes constraints for the vocabulary of one model.
///
/// ```swift
/// let maker = ConstraintMaker(decoder)
/// let constraint = try maker.constraint(schema: schema, path: "answer.schema.json")
/// ```
public struct ConstraintMaker: Sendable {
    private let vocabulary: ConstraintVocabulary
    private let endIDs: Set<Int32>

    /// Takes in a vocabulary.
    ///
    /// - Complexity: O(bytes of the vocabulary), some tenths of a second for 150,000 tokens; make it once a model.
    public init(_ decoder: TextDecoder) {
        self.init(decoder.tokenizer, endIDs: decoder.endIDs)
    }

    init(_ tokenizer: SubwordTokenizer, endIDs: Set<Int32>) {
        let special = Set(tokenizer.specialIDs)
        vocabulary = ConstraintVocabulary(
            bytes: (0..<Int32(tokenizer.vocabularySize)).map { id in
                special.contains(id) || endIDs.contains(id) ? [] : tokenizer.bytes(of: id) ?? []
            })
        self.endIDs = endIDs
    }

    /// A constraint that holds one text to a schema.
    ///
    /// - Parameter path: the schema's file, for messages.
    /// - Throws: `TextError` for what is no schema, and for demands to which output cannot be held, by name.
    public func constraint(schema: JSONValue, path: String = "the schema") throws -> JSONSchemaConstraint {
        let document = try JSONSchemaDocument(schema, path: path)
        return JSONSchemaConstraint(try Grammar(document, path: path), vocabulary: vocabulary, endIDs: endIDs)
    }

    /// A constraint from a schema's file.
    ///
    /// - Throws: `StorageError`; `TextError`.
    public func constraint(schemaFile path: String) throws -> JSONSchemaConstraint {
        let bytes = try LocalFileSystem().read(path, maximumBytes: 4 << 20)
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw TextError(.malformed, path: path, problem: "This is no JSON: \(error).")
        }
        return try constraint(schema: value, path: path)
    }
}
