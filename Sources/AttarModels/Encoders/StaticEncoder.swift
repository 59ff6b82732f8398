import AttarStorage
import AttarTensor
import AttarText
import CAttarKernels

/// A table of token vectors: a text's vector is the mean of its tokens' vectors, mapped and normalised.
///
/// The table is used where it stands in the file, so a model of any size is open at once, and only the rows of tokens
/// that occur are ever read. A query costs its tokenisation and some microseconds.
public final class StaticEncoder: TextEncoder {
    /// Who makes the vectors.
    public var fingerprint: EncoderFingerprint { lazyFingerprint.value }
    private let lazyFingerprint: LazyFingerprint
    /// The most tokens of a text that are read.
    public let maximumLength: Int
    /// Whether every vector has length 1.
    public let isNormalized: Bool
    /// The tokenizer; no special tokens are added.
    public let tokenizer: any Tokenizer
    private let table: TokenTable
    private let heads: VectorHeads
    private let preparation: TextPreparation
    private let workspaces: WorkspacePool<StaticWorkspace>

    /// The width of the vectors.
    public var dimension: Int { heads.outputs }
    /// The width of the table's vectors.
    public var tableWidth: Int { table.columns }

    /// Loads a model folder.
    ///
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    public convenience init(path: String) throws {
        try self.init(ModelFolder(path: path))
    }

    /// Loads the weights of a folder whose configuration was read.
    ///
    /// - Throws: as `init(path:)`.
    public init(_ folder: ModelFolder) throws {
        guard folder.backbone == .staticTable else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "it is a transformer, a static token table was expected.")
        }
        tokenizer = try folder.tokenizer()
        let weights = try folder.weights()
        let shape = try weights.entry(named: "embedding.weight").shape
        guard shape.count == 2, shape[1] > 0 else {
            throw ModelError.mismatch(
                file: folder.weightsPath, detail: "embedding.weight has the shape \(shape), not [tokens, width].")
        }
        table = try TokenTable(weights, named: "embedding.weight", shape: shape)
        try tokenizer.requireRows(table.rows, path: folder.tokenizerPath)
        heads = try VectorHeads(folder.heads, inputs: table.columns)
        lazyFingerprint = try FingerprintBuilder.fingerprint(
            of: folder, weights: weights, tokenizer: tokenizer, dimension: heads.outputs)
        preparation = TextPreparation(
            tokenizer: tokenizer, prompts: folder.prompts, lowercases: folder.lowercases, addsSpecialTokens: false)
        maximumLength = folder.maximumLength
        isNormalized = folder.isNormalized
        let widest = heads.widest
        workspaces = WorkspacePool { StaticWorkspace(widest: widest) }
    }

    /// The vectors of the texts; a text without tokens has the zero vector before the heads.
    ///
    /// - Returns: `[texts, dimension]`, in the order of `texts`.
    /// - Throws: `ModelError.badOption` for a maximum length below 1.
    /// - Complexity: O(tokens · width), and O(width · dimension) a text for a dense layer.
    public func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        let limit = min(options.maximumLength ?? maximumLength, maximumLength)
        guard limit >= 1 else {
            throw ModelError.badOption("A maximum length of \(limit) tokens leaves no room for text; give at least 1.")
        }
        let progress = ProgressCounter(total: texts.count, options.progress)
        var values = [Float](repeating: 0, count: texts.count * dimension)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let rows = SharedRows(start: base, columns: dimension)
            Parallel.forEachRange(count: texts.count, chunk: 64, threads: options.threads) { range in
                workspaces.withWorkspace { workspace in
                    for index in range { encode(texts[index], role, limit, workspace, into: rows.row(index)) }
                }
                progress.add(range.count)
            }
        }
        return Matrix(rows: texts.count, columns: dimension, values: values)
    }

    /// The vector of one text, on the calling thread.
    public func encodeOne(_ text: String, role: TextRole) -> [Float] {
        [Float](unsafeUninitializedCapacity: dimension) { buffer, count in
            count = dimension
            guard let base = buffer.baseAddress else { return }
            workspaces.withWorkspace { encode(text, role, maximumLength, $0, into: base) }
        }
    }

    private func encode(
        _ text: String, _ role: TextRole, _ limit: Int, _ work: StaticWorkspace,
        into vector: UnsafeMutablePointer<Float>
    ) {
        work.ids.removeAll(keepingCapacity: true)
        preparation.append(text, role: role, maximumLength: limit == .max ? nil : limit, to: &work.ids)
        let mean = work.mean.start
        if work.ids.isEmpty {
            mean.update(repeating: 0, count: table.columns)
        } else {
            work.ids.withUnsafeBufferPointer {
                attar_embedding_bag_f32(table.base, table.columns, $0.baseAddress, nil, $0.count, mean)
            }
            attar_scale_f32(1 / Float(work.ids.count), mean, table.columns)
        }
        vector.update(from: heads.apply(rows: 1, mean, work.mapped.start, scratch: work.linear), count: dimension)
    }
}

/// The memory of one text's encoding, used again and again.
private final class StaticWorkspace: @unchecked Sendable {
    let linear = LinearScratch()
    var ids: [Int32] = []
    let mean: FloatBuffer
    let mapped: FloatBuffer

    init(widest: Int) {
        mean = FloatBuffer(count: widest)
        mapped = FloatBuffer(count: widest)
    }
}
