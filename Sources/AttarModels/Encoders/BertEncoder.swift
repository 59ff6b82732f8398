import AttarStorage
import AttarTensor
import AttarText

/// A BERT encoder for inference: fused, over prepacked weights, without padding.
///
/// Texts are sorted by length and encoded in groups of some hundred tokens; each group is one thread's work from the
/// token table to the finished vectors. Sequences of a group stand one behind the other, so no time is spent on padding.
public final class BertEncoder: TextEncoder {
    /// Who makes the vectors.
    public let fingerprint: EncoderFingerprint
    /// The most tokens of a text that are read.
    public let maximumLength: Int
    /// Whether every vector has length 1.
    public let isNormalized: Bool
    /// The tokenizer.
    public let tokenizer: any Tokenizer
    /// The shape of the transformer.
    public let configuration: BertConfiguration
    /// How token states become one vector.
    public let pooling: PoolingConfiguration
    /// The numbers in which linear layers are computed.
    public let precision: Precision
    let weights: BertWeights
    let heads: VectorHeads
    let preparation: TextPreparation
    let workspaces: WorkspacePool<BertWorkspace>

    /// The width of the vectors.
    public var dimension: Int { heads.outputs }

    /// Loads a model folder.
    ///
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    public convenience init(path: String, precision: Precision? = nil) throws {
        try self.init(ModelFolder(path: path), precision: precision)
    }

    /// Loads the weights of a folder whose configuration was read.
    ///
    /// - Parameter precision: of the linear layers; nil: the one the folder was quantised for, else fp32.
    /// - Throws: as `init(path:)`.
    public init(_ folder: ModelFolder, precision: Precision? = nil) throws {
        guard case .bert(let configuration, let pooling) = folder.backbone else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "it is a static token table, a transformer was expected.")
        }
        tokenizer = try folder.tokenizer()
        self.precision = precision ?? folder.precision
        weights = try BertWeights(folder.weights(), configuration, precision: self.precision)
        try weights.words.check(tokenizer, path: folder.tokenizerPath)
        heads = try VectorHeads(folder.heads, inputs: configuration.hiddenSize)
        fingerprint = try FingerprintBuilder.fingerprint(of: folder, tokenizer: tokenizer, dimension: heads.outputs)
        preparation = TextPreparation(
            tokenizer: tokenizer, prompts: folder.prompts, lowercases: folder.lowercases, addsSpecialTokens: true)
        self.configuration = configuration
        self.pooling = pooling
        maximumLength = folder.maximumLength
        isNormalized = folder.isNormalized
        let widest = heads.widest
        workspaces = WorkspacePool { BertWorkspace(configuration, widest: widest) }
    }

    /// The vectors of the texts.
    ///
    /// - Returns: `[texts, dimension]`, in the order of `texts`.
    /// - Throws: `ModelError.badOption` for a maximum length below 3, or above the position table.
    /// - Complexity: O(tokens), and O(length²) for the attention of each text.
    public func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        let limit = try checkedLimit(options.maximumLength)
        let ids = preparation.ids(of: texts, role: role, maximumLength: limit, threads: options.threads)
        let groups = TokenGroup.groups(of: ids, tokens: options.batchTokens)
        let skipped = skippedTokens(role)
        let progress = ProgressCounter(total: texts.count, options.progress)
        var values = [Float](repeating: 0, count: texts.count * dimension)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let rows = SharedRows(start: base, columns: dimension)
            Parallel.forEach(count: groups.count, threads: options.threads) { index in
                let group = groups[index]
                workspaces.withWorkspace { workspace in
                    let vectors = forward(group, skipping: skipped, in: workspace)
                    for (row, text) in group.texts.enumerated() {
                        rows.row(text).update(from: vectors + row * dimension, count: dimension)
                    }
                }
                progress.add(group.texts.count)
            }
        }
        return Matrix(rows: texts.count, columns: dimension, values: values)
    }

    /// The vector of one text, on the calling thread.
    public func encodeOne(_ text: String, role: TextRole) -> [Float] {
        var group = TokenGroup(texts: [0], ids: [], ends: [])
        group.ids.reserveCapacity(64)
        preparation.append(text, role: role, maximumLength: maximumLength, to: &group.ids)
        group.ends.append(group.ids.count)
        return workspaces.withWorkspace { workspace in
            let vector = forward(group, skipping: skippedTokens(role), in: workspace)
            return Array(UnsafeBufferPointer(start: vector, count: dimension))
        }
    }

    private func checkedLimit(_ asked: Int?) throws -> Int {
        guard let asked else { return maximumLength }
        guard asked >= 3 else {
            throw ModelError.badOption("A maximum length of \(asked) tokens leaves no room for text; give at least 3.")
        }
        // A caller may read more than the folder's usual limit, but not more than there are positions.
        return min(asked, configuration.positions)
    }

    private func skippedTokens(_ role: TextRole) -> Int {
        pooling.includesPrompt ? 0 : preparation.promptLength(for: role)
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

    /// Texts sorted by length, longest first, in groups of at most `tokens` ids; a longer text is a group of its own.
    static func groups(of ids: [[Int32]], tokens: Int) -> [TokenGroup] {
        let order = ids.indices.sorted { (ids[$0].count, $1) > (ids[$1].count, $0) }
        var groups: [TokenGroup] = []
        var group = TokenGroup(texts: [], ids: [], ends: [])
        for text in order {
            if !group.texts.isEmpty, group.ids.count + ids[text].count > tokens || group.texts.count >= tokens {
                groups.append(group)
                group = TokenGroup(texts: [], ids: [], ends: [])
            }
            group.texts.append(text)
            group.ids.append(contentsOf: ids[text])
            group.ends.append(group.ids.count)
        }
        if !group.texts.isEmpty { groups.append(group) }
        return groups
    }
}
