import AttarModels
import AttarTensor

extension TransformerStudent {
    /// A student made of some of the teacher's layers, embeddings included.
    ///
    /// - Parameters:
    ///   - specification: `layers` or `chosenLayers`.
    ///   - teacher: a folder whose backbone is BERT.
    ///   - trainsEmbeddings: whether word, position and segment tables are trained too.
    /// - Throws: `DistillError.unsuitableTeacher`, `DistillError.badStudent`, and what reading the weights throws.
    public static func copyingLayers(
        _ specification: StudentSpecification, of teacher: ModelFolder, dimension: Int, rates: Rates,
        trainsEmbeddings: Bool
    ) throws -> TransformerStudent {
        let configuration = try bertConfiguration(of: teacher)
        let kept = try specification.copiedLayers(ofTeacherWith: configuration.layers)
        let weights = try teacher.weights()
        let values = try Dictionary(uniqueKeysWithValues: weights.names
            .filter { !$0.hasSuffix("position_ids") }
            .map { ($0, try weights.tensor(named: $0)) })
        let whole = try TrainableBert(
            configuration: .init(configuration), weights: values, trainsWordEmbeddings: trainsEmbeddings)
        return TransformerStudent(backbone: whole.keepingLayers(kept), dimension: dimension, rates: rates)
    }

    /// A narrower student that shares no weights with the teacher, but does not start from nothing: its word table is
    /// the teacher's vectors of single tokens, turned onto their principal directions. Fresh layers begin close to the
    /// identity, so the student begins as a static one and learns what the order of words adds.
    ///
    /// - Parameter tokenVectors: the teacher's vector of each token, `[vocabulary, teacher width]`.
    public static func narrow(
        width: Int, layers: Int, of teacher: ModelFolder, tokenVectors: Matrix, rates: Rates, seed: UInt64
    ) throws -> TransformerStudent {
        let configuration = try bertConfiguration(of: teacher)
        guard width <= tokenVectors.columns else {
            throw DistillError.badStudent(
                StudentSpecification.narrow(width: width, layers: layers).description,
                detail: "the teacher's vectors are only \(tokenVectors.columns) wide")
        }
        var generator = SeededGenerator(seed: seed)
        let backbone = TrainableBert(
            configuration: TrainableBert.Configuration(
                vocabularySize: configuration.vocabularySize, hiddenSize: width, layerCount: layers,
                headCount: width / 32, intermediateSize: 4 * width, maximumPositions: configuration.positions,
                typeVocabularySize: configuration.segments, layerNormEpsilon: configuration.epsilon),
            generator: &generator)
        let directions = PrincipalComponents.directions(of: tokenVectors, count: width)
        let tape = Tape(isRecording: false)
        let projected = tape.linear(Tensor(tokenVectors), weight: Tensor(directions))
        for parameter in backbone.parameters where parameter.name == "embeddings.word_embeddings.weight" {
            parameter.tensor.assign(projected.values)
        }
        return TransformerStudent(backbone: backbone, dimension: tokenVectors.columns, rates: rates)
    }

    private static func bertConfiguration(of teacher: ModelFolder) throws -> BertConfiguration {
        guard case .bert(let configuration, _) = teacher.backbone else {
            throw DistillError.unsuitableTeacher(
                name: teacher.name, detail: "it has no transformer layers, so only a static student can learn from it")
        }
        return configuration
    }

    /// Writes the student as a sentence-transformers folder: transformer, mean pooling, dense, normalisation.
    ///
    /// - Throws: `StorageError`.
    public func write(to path: String, teacher: ModelFolder, maximumLength: Int, facts: AttarFacts) throws {
        let weight = Matrix(rows: headWeight.shape[0], columns: headWeight.shape[1], values: headWeight.tensor.values)
        let writer = ModelFolderWriter(
            path: path, tokenizerFrom: teacher,
            dense: .init(weight: weight, bias: headBias.tensor.values), normalizes: true, prompts: teacher.prompts,
            facts: facts)
        try writer.writeBert(
            BertConfiguration(backbone.configuration), weights: backbone.weights, maximumLength: maximumLength)
    }
}
