import AttarStorage
import AttarTensor
import AttarText

/// An encoder of the BERT family up to its token states, fused, over prepacked weights, without padding: what all
/// encoders that stand on it share.
///
/// Texts are sorted by length and run in groups of some hundred tokens; each group is one thread's work. Sequences of a
/// group stand one behind the other, so no time is spent on padding.
final class BertBackbone: Sendable {
    let tokenizer: any Tokenizer
    let configuration: BertConfiguration
    let precision: Precision
    let weights: BertWeights
    let preparation: TextPreparation
    /// The most tokens of a text that are read.
    let maximumLength: Int
    private let workspaces: WorkspacePool<BertWorkspace>

    /// Loads the weights of a folder whose configuration was read.
    ///
    /// - Parameters:
    ///   - precision: of the linear layers and word vectors; nil for the folder's own.
    ///   - widest: the widest vector of a text that heads make.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    init(_ folder: ModelFolder, weights file: Safetensors, precision: Precision?, widest: Int) throws {
        guard case .bert(let configuration, _) = folder.backbone else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "it is a static token table, a transformer was expected.")
        }
        let precision = precision ?? folder.precision
        tokenizer = try folder.tokenizer()
        let weights = try BertWeights(file, configuration, precision: precision)
        try tokenizer.requireRows(weights.words.rows, path: folder.tokenizerPath)
        self.precision = precision
        self.configuration = configuration
        self.weights = weights
        preparation = TextPreparation(
            tokenizer: tokenizer, prompts: folder.prompts, lowercases: folder.lowercases, addsSpecialTokens: true)
        maximumLength = folder.maximumLength
        let widest = max(widest, configuration.hiddenSize)
        workspaces = WorkspacePool {
            BertWorkspace(configuration, relativePositions: weights.relativePositions, widest: widest)
        }
    }

    /// The ids of texts, cut to what options and model allow.
    ///
    /// - Throws: `ModelError.badOption` for a maximum length below 3.
    func ids(of texts: [String], role: TextRole, options: EncodingOptions) throws -> [[Int32]] {
        preparation.ids(
            of: texts, role: role, maximumLength: try checkedLimit(options.maximumLength), threads: options.threads)
    }

    /// A caller may read more than the folder's usual limit, but not more than there are positions.
    func checkedLimit(_ asked: Int?) throws -> Int {
        guard let asked else { return maximumLength }
        guard asked >= 3 else {
            throw ModelError.badOption("A maximum length of \(asked) tokens leaves no room for text; give at least 3.")
        }
        return min(asked, configuration.positions)
    }

    /// Calls `body` once for each group, from several threads, each with a work area of its own.
    func forEach(
        _ groups: [TokenGroup], options: EncodingOptions, _ body: @Sendable (TokenGroup, BertWorkspace) -> Void
    ) {
        let progress = ProgressCounter(
            total: groups.reduce(0) { $0 + $1.texts.count }, options.progress)
        Parallel.forEach(count: groups.count, threads: options.threads) { index in
            workspaces.withWorkspace { body(groups[index], $0) }
            progress.add(groups[index].texts.count)
        }
    }

    /// Calls `body` with a work area, on the calling thread.
    func withWorkspace<Result>(_ body: (BertWorkspace) -> Result) -> Result {
        workspaces.withWorkspace(body)
    }
}

/// Texts that are encoded together, their ids one behind the other.
struct TokenGroup: Sendable {
    /// The texts, by their position in the call.
    var texts: [Int]
    /// All ids.
    var ids: [Int32]
    /// Where the ids of each text end.
    var ends: [Int]
    /// The ids that are of the second segment; no text of its own has any.
    var secondSegments: [Range<Int>] = []

    /// Texts sorted by length, longest first, in groups of at most `tokens` ids; a longer text is a group of its own.
    ///
    /// - Parameter secondSegments: for each text, which of its ids are of the second segment; empty: none.
    static func groups(of ids: [[Int32]], secondSegments: [Range<Int>] = [], tokens: Int) -> [TokenGroup] {
        let order = ids.indices.sorted { (ids[$0].count, $1) > (ids[$1].count, $0) }
        var groups: [TokenGroup] = []
        var group = TokenGroup(texts: [], ids: [], ends: [])
        for text in order {
            if !group.texts.isEmpty, group.ids.count + ids[text].count > tokens || group.texts.count >= tokens {
                groups.append(group)
                group = TokenGroup(texts: [], ids: [], ends: [])
            }
            if !secondSegments.isEmpty {
                let (start, range) = (group.ids.count, secondSegments[text])
                group.secondSegments.append(start + range.lowerBound..<start + range.upperBound)
            }
            group.texts.append(text)
            group.ids.append(contentsOf: ids[text])
            group.ends.append(group.ids.count)
        }
        if !group.texts.isEmpty { groups.append(group) }
        return groups
    }
}
