import AttarStorage
import AttarTensor
import AttarText

/// An encoder of the BERT family for inference: the states of a text's tokens become one vector.
public final class BertEncoder: TextEncoder {
    /// Who makes the vectors.
    public var fingerprint: EncoderFingerprint { lazyFingerprint.value }
    private let lazyFingerprint: LazyFingerprint
    /// Whether every vector has length 1.
    public let isNormalized: Bool
    /// How token states become one vector.
    public let pooling: PoolingConfiguration
    let backbone: BertBackbone
    let heads: VectorHeads

    /// The most tokens of a text that are read.
    public var maximumLength: Int { backbone.maximumLength }
    /// The tokenizer.
    public var tokenizer: any Tokenizer { backbone.tokenizer }
    /// The shape of the transformer.
    public var configuration: BertConfiguration { backbone.configuration }
    /// The numbers in which linear layers are computed.
    public var precision: Precision { backbone.precision }
    /// The width of the vectors.
    public var dimension: Int { heads.outputs }

    /// Loads a model folder.
    ///
    /// - Parameter precision: of the linear layers and word vectors; nil for the folder's own.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    public convenience init(path: String, precision: Precision? = nil) throws {
        try self.init(ModelFolder(path: path), precision: precision)
    }

    /// Loads the weights of a folder whose configuration was read.
    ///
    /// - Parameter precision: as for `init(path:precision:)`.
    /// - Throws: as `init(path:)`.
    public init(_ folder: ModelFolder, precision: Precision? = nil) throws {
        guard case .bert(let configuration, let pooling) = folder.backbone else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "it is a static token table, a transformer was expected.")
        }
        heads = try VectorHeads(folder.heads, inputs: configuration.hiddenSize)
        guard !folder.isSparse else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "it gives weights of tokens (SPLADE), where vectors were asked for.")
        }
        let file = try folder.weights()
        backbone = try BertBackbone(folder, weights: file, precision: precision, widest: heads.widest)
        lazyFingerprint = try FingerprintBuilder.fingerprint(
            of: folder, weights: file, tokenizer: backbone.tokenizer, dimension: heads.outputs)
        self.pooling = pooling
        isNormalized = folder.isNormalized
    }

    /// The vectors of the texts.
    ///
    /// - Returns: `[texts, dimension]`, in the order of `texts`.
    /// - Throws: `ModelError.badOption` for a maximum length below 3.
    /// - Complexity: O(tokens), and O(length²) for the attention of each text.
    public func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        let ids = try backbone.ids(of: texts, role: role, options: options)
        let groups = TokenGroup.groups(of: ids, tokens: options.batchTokens)
        let skipped = skippedTokens(role)
        let dimension = dimension
        var values = [Float](repeating: 0, count: texts.count * dimension)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let rows = SharedRows(start: base, columns: dimension)
            backbone.forEach(groups, options: options) { group, workspace in
                let vectors = forward(group, skipping: skipped, in: workspace)
                for (row, text) in group.texts.enumerated() {
                    rows.row(text).update(from: vectors + row * dimension, count: dimension)
                }
            }
        }
        return Matrix(rows: texts.count, columns: dimension, values: values)
    }

    /// The vector of one text, on the calling thread.
    public func encodeOne(_ text: String, role: TextRole) -> [Float] {
        var group = TokenGroup(texts: [0], ids: [], ends: [])
        group.ids.reserveCapacity(64)
        backbone.preparation.append(text, role: role, maximumLength: maximumLength, to: &group.ids)
        group.ends.append(group.ids.count)
        return backbone.withWorkspace { workspace in
            let vector = forward(group, skipping: skippedTokens(role), in: workspace)
            return Array(UnsafeBufferPointer(start: vector, count: dimension))
        }
    }

    private func skippedTokens(_ role: TextRole) -> Int {
        pooling.includesPrompt ? 0 : backbone.preparation.promptLength(for: role)
    }
}
