import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import Foundation

/// The two models of a search in two stages: one gives weights of vocabulary tokens, one a vector for each token of a
/// text.
public struct TwoStageModels: Sendable {
    /// The first stage's.
    public let sparse: SparseEncoder
    /// The second stage's.
    public let tokens: LateInteractionEncoder

    /// Texts that a projection is made from.
    private static let sampleTexts = 400

    /// Two models.
    public init(sparse: SparseEncoder, tokens: LateInteractionEncoder) {
        self.sparse = sparse
        self.tokens = tokens
    }

    /// A query's weights and token vectors.
    public func query(_ text: String) throws -> TwoStageQuery {
        let options = EncodingOptions(threads: 1)
        let vectors = try tokens.encode([text], role: .query, options: options)
        return TwoStageQuery(weights: sparse.encodeOne(text, role: .query), tokens: vectors[0])
    }

    /// The encoder whose vectors are projected as a file says; without the file, onto the main directions of some of
    /// the texts, and the file is written.
    ///
    /// - Parameters:
    ///   - dimension: of a projected vector; nil leaves vectors as they are.
    ///   - path: a safetensors file with the tensor `linear.weight`, as a dense layer has it.
    /// - Throws: `TensorError` when the file holds something else; `StorageError`; `ModelError`.
    public static func encoder(
        over encoder: BertEncoder, dimension: Int?, path: String, texts: [String], options: EncodingOptions
    ) throws -> LateInteractionEncoder {
        let hidden = encoder.configuration.hiddenSize
        guard let dimension, dimension < hidden else { return LateInteractionEncoder(encoder) }
        if try !LocalFileSystem().exists(path) {
            let step = max(1, texts.count / sampleTexts)
            let sample = stride(from: 0, to: texts.count, by: step).map { texts[$0] }
            let matrix = try LateInteractionEncoder(encoder).projection(to: dimension, from: sample, options: options)
            try SafetensorsWriter.write(
                ["linear.weight": TensorValues(shape: [dimension, hidden], values: matrix.values)], to: path)
        }
        let values = try Safetensors(path: path).floats(named: "linear.weight", shape: [dimension, hidden])
        return LateInteractionEncoder(
            encoder, projection: Matrix(rows: dimension, columns: hidden, values: values))
    }
}

/// A query as both stages want it.
public struct TwoStageQuery: Sendable {
    /// For the first stage.
    public var weights: SparseVector
    /// For the second, `[tokens, dimension]`.
    public var tokens: Matrix
}

extension TwoStageIndex {
    /// The k best by MaxSim of the candidates that the first stage finds.
    ///
    /// - Throws: as `search(columns:weights:tokens:k:options:allowed:)`.
    public func search(
        _ query: TwoStageQuery, k: Int, options: Options = Options(), allowed: OrdinalSet? = nil
    ) throws -> CascadeResponse {
        try search(
            columns: query.weights.ids, weights: query.weights.weights, tokens: query.tokens, k: k, options: options,
            allowed: allowed)
    }
}

/// Writes the indexes of both stages into a folder, as texts arrive: `weights.sparse` and `tokens.mvx`.
public final class TwoStageWriter {
    private let folder: String
    private let models: TwoStageModels
    private let encoding: EncodingOptions
    private let tokens: MultiVectorBuilder
    private var weights: SparseIndexBuilder

    /// - Parameters:
    ///   - documents: what tells these documents from others, such as a hash; both files keep it.
    ///   - encoding: threads and the most tokens of a text that are read.
    /// - Throws: as `MultiVectorBuilder`.
    public init(
        folder: String, models: TwoStageModels, documents: String, options: MultiVectorBuilder.Options,
        encoding: EncodingOptions
    ) throws {
        self.folder = folder
        self.models = models
        self.encoding = encoding
        let attributes = [TwoStageIndex.documentsAttribute: documents]
        let fingerprint = String(decoding: try JSONEncoder().encode(models.tokens.fingerprint), as: UTF8.self)
        tokens = try MultiVectorBuilder(
            path: folder + "/tokens.mvx", dimension: models.tokens.dimension, options: options,
            fingerprint: fingerprint, attributes: attributes)
        weights = SparseIndexBuilder(columns: models.sparse.vocabularySize, attributes: attributes)
    }

    /// Encodes texts by both models; a text is a document.
    ///
    /// - Throws: `ModelError`, `IndexError`, `StorageError`.
    public func append(_ texts: [String]) throws {
        let vectors = try models.tokens.encode(texts, role: .passage, options: encoding)
        var values: [Float] = []
        for matrix in vectors { values += matrix.values }
        let dimension = models.tokens.dimension
        try tokens.append(
            Matrix(rows: values.count / dimension, columns: dimension, values: values), lengths: vectors.map(\.rows))
        for vector in try models.sparse.encode(texts, role: .passage, options: encoding) {
            try weights.add(columns: vector.ids, weights: vector.weights)
        }
    }

    /// Completes both files and opens them.
    public func finish() throws -> TwoStageIndex {
        try weights.finish(to: folder + "/weights.sparse")
        try tokens.finish(threads: encoding.threads)
        return try TwoStageWriter.open(folder)
    }

    /// Opens what was written.
    ///
    /// - Throws: `StorageError`, `IndexError.otherDocuments`.
    public static func open(_ folder: String) throws -> TwoStageIndex {
        try TwoStageIndex(
            sparse: SparseIndex(path: folder + "/weights.sparse"), tokens: MultiVectorIndex(path: folder + "/tokens.mvx"))
    }
}
