extension BertConfiguration {
    /// The configuration of a trained student, for its folder.
    public init(_ trained: TrainableBert.Configuration) throws {
        guard let activation = Activation(rawValue: trained.activation.rawValue) else {
            throw ModelError.badOption("The activation \(trained.activation.rawValue) cannot be run after training.")
        }
        self.init(
            hiddenSize: trained.hiddenSize, layers: trained.layerCount, heads: trained.headCount,
            intermediateSize: trained.intermediateSize, vocabularySize: trained.vocabularySize,
            positions: trained.maximumPositions, segments: trained.typeVocabularySize, activation: activation,
            epsilon: trained.layerNormEpsilon)
    }
}

extension TrainableBert.Configuration {
    /// The configuration of a model folder, for training it or a part of it.
    ///
    /// - Throws: `ModelError.badOption` for other families than BERT itself, and for an activation without a gradient.
    public init(_ configuration: BertConfiguration) throws {
        guard configuration.family == .bert else {
            throw ModelError.badOption(
                "Layers of the \(configuration.family.rawValue) family cannot be trained; a BERT model, or a static or "
                    + "narrow student, can.")
        }
        guard let activation = Activation(rawValue: configuration.activation.rawValue) else {
            throw ModelError.badOption("The activation \(configuration.activation.rawValue) cannot be trained.")
        }
        self.init(
            vocabularySize: configuration.vocabularySize, hiddenSize: configuration.hiddenSize,
            layerCount: configuration.layers, headCount: configuration.heads,
            intermediateSize: configuration.intermediateSize, maximumPositions: configuration.positions,
            typeVocabularySize: configuration.segments, layerNormEpsilon: configuration.epsilon, activation: activation)
    }
}
