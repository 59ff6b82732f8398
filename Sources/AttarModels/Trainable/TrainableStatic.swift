import AttarTensor

/// A static encoder that can be trained: a table of token vectors, a weight for each token, the mean, a linear map.
///
/// `vector(text) = mean over tokens t of (weight[t] · table[t]) · mapᵀ + bias`. Because everything is linear, a trained
/// student without bias folds into one table (`folded`), which is all that search needs.
public final class TrainableStatic {
    /// What the student consists of.
    public struct Configuration: Codable, Sendable, Equatable {
        /// The number of tokens.
        public var vocabularySize: Int
        /// The width of the table.
        public var tableDimension: Int
        /// The width of the linear map's result; nil for no map.
        public var outputDimension: Int?
        /// Whether the linear map has a bias.
        public var hasBias: Bool
        /// Whether each token has a weight of its own, apart from the length of its vector.
        public var hasTokenWeights: Bool

        /// A configuration.
        public init(
            vocabularySize: Int, tableDimension: Int, outputDimension: Int? = nil, hasBias: Bool = false,
            hasTokenWeights: Bool = true
        ) {
            self.vocabularySize = vocabularySize
            self.tableDimension = tableDimension
            self.outputDimension = outputDimension
            self.hasBias = hasBias
            self.hasTokenWeights = hasTokenWeights
        }
    }

    /// What the student consists of.
    public let configuration: Configuration
    /// The table, `[vocabulary, tableDimension]`; its gradient is row-sparse.
    public let table: Parameter
    /// The tokens' weights, `[vocabulary]`, row-sparse.
    public let tokenWeights: Parameter?
    /// The linear map, `[outputDimension, tableDimension]`.
    public let map: Parameter?
    /// The bias, `[outputDimension]`.
    public let bias: Parameter?

    /// A student that begins with given values.
    ///
    /// - Parameters:
    ///   - table: `[vocabulary, tableDimension]`, for instance the teacher's vectors of single tokens.
    ///   - tokenWeights: `[vocabulary]`, for instance inverse document frequencies; nil for none.
    ///   - map: `[outputDimension, tableDimension]`, for instance the identity; nil for none.
    ///   - bias: `[outputDimension]`; nil for none.
    /// - Precondition: Shapes fit together.
    public init(table: TensorValues, tokenWeights: [Float]? = nil, map: TensorValues? = nil, bias: [Float]? = nil) {
        precondition(
            table.shape.count == 2 && (tokenWeights.map { $0.count == table.shape[0] } ?? true)
                && (map.map { $0.shape.count == 2 && $0.shape[1] == table.shape[1] } ?? true)
                && (bias.map { $0.count == map?.shape[0] } ?? true),
            "static student: table \(table.shape), \(tokenWeights?.count ?? 0) weights, map \(map?.shape ?? []), "
                + "\(bias?.count ?? 0) biases")
        configuration = Configuration(
            vocabularySize: table.shape[0], tableDimension: table.shape[1], outputDimension: map?.shape[0],
            hasBias: bias != nil, hasTokenWeights: tokenWeights != nil)
        self.table = Parameter(name: "embedding.weight", table, rowSparse: true)
        self.tokenWeights = tokenWeights.map {
            Parameter(name: "token_weights", TensorValues(shape: [$0.count], values: $0), rowSparse: true)
        }
        self.map = map.map { Parameter(name: "linear.weight", $0) }
        self.bias = bias.map { Parameter(name: "linear.bias", TensorValues(shape: [$0.count], values: $0)) }
    }

    /// All parameters.
    public var parameters: [Parameter] { [table] + [tokenWeights, map, bias].compactMap { $0 } }

    /// The width of the student's vectors.
    public var dimension: Int { configuration.outputDimension ?? configuration.tableDimension }

    /// One vector for each text, not normalised.
    ///
    /// - Parameters:
    ///   - tape: Where operations are recorded.
    ///   - ids: The token ids of each text. A text without tokens gives zeros, or the bias.
    /// - Returns: `[texts, dimension]`.
    /// - Complexity: O(tokens · tableDimension + texts · tableDimension · dimension).
    public func forward(_ tape: Tape, ids: [[Int32]]) -> Tensor {
        let layout = SequenceLayout(of: ids)
        let all = ids.flatMap { $0 }
        let weights = tokenWeights.map { tape.embedding($0.tensor, ids: all) }
        let means = tape.embeddingBag(table.tensor, ids: all, layout: layout, weights: weights)
        guard let map else { return means }
        return tape.linear(means, weight: map.tensor, bias: bias?.tensor)
    }

    /// The table with weights, and unless there is a bias the map, multiplied in: `[vocabulary, dimension]`. The mean
    /// of its rows is the student's vector (before the bias, if there is one).
    ///
    /// - Complexity: O(vocabulary · tableDimension · dimension).
    public func folded(threads: Int = Parallel.processorCount) -> Matrix {
        let tape = Tape(threads: threads, isRecording: false)
        var folded = table.tensor
        if let tokenWeights { folded = tape.scaleRows(folded, by: tokenWeights.tensor) }
        if let map { folded = tape.linear(folded, weight: map.tensor) }
        return folded.matrix
    }
}
