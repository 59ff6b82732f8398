import AttarTensor

/// A BERT encoder (Devlin et al. 2019) that can be trained: the forward pass on a tape.
///
/// Parameters are named like Hugging Face's tensors, so weights come from and go to a `model.safetensors` as they are.
/// The segment is always the first; the pooler is not part of it.
///
///     let student = try TrainableBert(configuration: configuration, weights: weights).keepingLayers([1, 3, 5])
///     let tape = Tape()
///     let (states, layout) = student.forward(tape, ids: batch)
///     let vectors = tape.meanPooling(states, layout: layout)
///     tape.backward(from: tape.squaredError(vectors, targets))
public final class TrainableBert {
    /// The sizes.
    public let configuration: Configuration
    /// All parameters, in the order of a file of weights.
    public let parameters: [Parameter]

    private let embeddings: Embeddings
    private let layers: [Layer]

    /// A student with given weights.
    ///
    /// - Parameters:
    ///   - weights: By name. Names may begin with `bert.`; what the encoder does not know (pooler, heads) is ignored.
    ///   - trainsWordEmbeddings: Whether word, position and segment embeddings are trained. Small training sets do well
    ///     without; the step is a little faster.
    /// - Throws: `TensorError` when a tensor is missing or has another shape.
    public convenience init(
        configuration: Configuration, weights: [String: TensorValues], trainsWordEmbeddings: Bool = true
    ) throws {
        let prefix = weights["bert.embeddings.word_embeddings.weight"] == nil ? "" : "bert."
        let parameters = try configuration.parameterShapes.map { name, shape in
            guard let values = weights[prefix + name] else {
                throw TensorError(.missing, "The model's weights lack the tensor \(prefix + name) of shape \(shape).")
            }
            guard values.shape == shape else {
                throw TensorError(
                    .mismatch,
                    "The model's tensor \(prefix + name) has shape \(values.shape), but its configuration asks for "
                        + "\(shape).")
            }
            return Self.parameter(name, values, trainsWordEmbeddings)
        }
        self.init(configuration, parameters)
    }

    /// A student with fresh weights: normal with the configuration's standard deviation, biases zero, normalisation
    /// one.
    public convenience init(
        configuration: Configuration, generator: inout SeededGenerator, trainsWordEmbeddings: Bool = true
    ) {
        let parameters = configuration.parameterShapes.map { name, shape in
            let values: TensorValues
            if shape.count > 1 {
                values = TensorValues(
                    shape: shape, standardDeviation: configuration.initializerRange, generator: &generator)
            } else {
                values = TensorValues(shape: shape, repeating: name.hasSuffix("LayerNorm.weight") ? 1 : 0)
            }
            return Self.parameter(name, values, trainsWordEmbeddings)
        }
        self.init(configuration, parameters)
    }

    private init(_ configuration: Configuration, _ parameters: [Parameter]) {
        precondition(
            configuration.headCount > 0 && configuration.hiddenSize % configuration.headCount == 0,
            "\(configuration.headCount) heads for a width of \(configuration.hiddenSize)")
        self.configuration = configuration
        self.parameters = parameters
        let byName = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.tensor) })
        // Every name comes from `parameterShapes`, as do the parameters.
        let tensor: (String) -> Tensor = { name in
            guard let tensor = byName[name] else { preconditionFailure("no parameter \(name)") }
            return tensor
        }
        embeddings = Embeddings(tensor)
        layers = (0..<configuration.layerCount).map { index in
            Layer { tensor(Configuration.layerPrefix(index) + $0) }
        }
    }

    /// Position and segment tables are small or met as a whole: only the word table is row-sparse.
    private static func parameter(_ name: String, _ values: TensorValues, _ trainsEmbeddings: Bool) -> Parameter {
        let isTable = name.hasPrefix("embeddings.") && values.shape.count > 1
        return Parameter(
            name: name, values, isTrainable: trainsEmbeddings || !isTable,
            rowSparse: name == "embeddings.word_embeddings.weight")
    }

    /// A student with some of the layers, in the given order, and a copy of their weights.
    ///
    /// - Parameter indices: Layers of this one, counted from zero. Keep the last one: what reads the encoder's output
    ///   was made for it.
    public func keepingLayers(_ indices: [Int]) -> TrainableBert {
        precondition(
            indices.allSatisfy { $0 >= 0 && $0 < configuration.layerCount },
            "layers \(indices) of a model with \(configuration.layerCount)")
        var kept = configuration
        kept.layerCount = indices.count
        let byName = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
        let copies = kept.parameterShapes.compactMap { name, _ -> Parameter? in
            guard let source = byName[Self.sourceName(of: name, keeping: indices)] else { return nil }
            return Parameter(
                name: name, source.values, isTrainable: source.isTrainable,
                rowSparse: source.tensor.rowGradient != nil)
        }
        return TrainableBert(kept, copies)
    }

    private static func sourceName(of name: String, keeping indices: [Int]) -> String {
        for (new, old) in indices.enumerated() where name.hasPrefix(Configuration.layerPrefix(new)) {
            return Configuration.layerPrefix(old) + name.dropFirst(Configuration.layerPrefix(new).count)
        }
        return name
    }

    /// All weights, copied, by name.
    public var weights: [String: TensorValues] {
        Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.values) })
    }

    /// The states of all tokens after the last layer.
    ///
    /// - Parameters:
    ///   - tape: Where operations are recorded.
    ///   - ids: The token ids of each sequence, special tokens included; no padding. Lengths may differ; at most
    ///     `maximumPositions`.
    ///   - dropout: The rate after embeddings and after each linear map that ends in a residual sum, and whence the
    ///     random numbers come.
    /// - Returns: `[tokens, hiddenSize]`, and which rows belong to which sequence.
    /// - Complexity: O(layers · tokens · hiddenSize · (4 hiddenSize + 2 intermediateSize + 2 length)) multiplications.
    public func forward(
        _ tape: Tape, ids: [[Int32]], dropout: inout Dropout
    ) -> (states: Tensor, layout: SequenceLayout) {
        let layout = SequenceLayout(of: ids)
        precondition(
            layout.longest <= configuration.maximumPositions,
            "a sequence of \(layout.longest) tokens for a model with \(configuration.maximumPositions) positions")
        var states = dropout.apply(tape, embeddings.forward(tape, ids, configuration))
        for layer in layers {
            states = layer.forward(tape, states, layout, configuration, &dropout)
        }
        return (states, layout)
    }

    /// The same without dropout.
    public func forward(_ tape: Tape, ids: [[Int32]]) -> (states: Tensor, layout: SequenceLayout) {
        var dropout = Dropout.none
        return forward(tape, ids: ids, dropout: &dropout)
    }
}
