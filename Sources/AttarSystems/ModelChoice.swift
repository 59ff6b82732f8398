import AttarCollection
import AttarModels
import AttarSearch
import AttarStorage

/// Which encoder a search uses when the user names one, or none.
public struct ModelChoice: Sendable {
    private let collection: String
    private let encoder: String?

    /// A choice for a collection.
    ///
    /// - Parameter encoder: what the user named: a student of the last distillation, a catalogue name, a folder; or
    ///   nil.
    public init(collection: String, encoder: String?) {
        self.collection = collection
        self.encoder = encoder
    }

    /// The pipeline that the last verdict recommends; `bm25` without one, for it needs no model.
    public func recommended() throws -> PipelineChoice {
        if encoder != nil { return .asymmetric }
        return try CollectionModels.read(collection: collection)?.recommendedPipeline ?? .bm25
    }

    /// The encoder of a dense search: the named one, else the teacher.
    public func dense() throws -> any TextEncoder {
        if encoder != nil { return try named() }
        return try EncoderLoader.load(path: models().teacher)
    }

    /// The encoder of an asymmetric search: the named one, else the preferred student.
    public func asymmetric() throws -> any TextEncoder {
        if encoder != nil { return try named() }
        let models = try models()
        guard let preferred = models.preferred, let folder = models.students[preferred] else {
            throw SystemError.noModels(collection: collection)
        }
        return try EncoderLoader.load(path: folder)
    }

    /// The encoder of learned sparse weights: the named one, else the one that made those of a collection.
    public func sparse(_ collection: Collection) throws -> SparseEncoder {
        try SparseEncoder(path: folder(.weights, of: collection))
    }

    /// The encoder of token vectors: the named one, else the one that made those of a collection.
    public func tokens(_ collection: Collection) throws -> LateInteractionEncoder {
        try Self.tokens(path: folder(.tokens, of: collection))
    }

    /// The encoder of token vectors that a model folder holds.
    ///
    /// - Throws: `ModelError` for a folder of another kind of model.
    public static func tokens(path: String) throws -> LateInteractionEncoder {
        LateInteractionEncoder(try BertEncoder(path: path))
    }

    private func folder(_ kind: LearnedIndexRecord.Kind, of collection: Collection) throws -> String {
        if let encoder { return try ModelStore().resolve(encoder) }
        guard let record = collection.manifest.learnedIndexes.first(where: { $0.kind == kind }) else {
            throw SearchError.noLearnedIndex(kind: kind, query: "any model", indexes: [])
        }
        return try ModelStore().resolve(record.modelName)
    }

    /// The named encoder: a student's name first, then whatever the model store makes of it.
    private func named() throws -> any TextEncoder {
        let name = encoder ?? ""
        let student = try CollectionModels.read(collection: collection)?.students[name]
        return try EncoderLoader.load(path: student ?? ModelStore().resolve(name))
    }

    private func models() throws -> CollectionModels {
        guard let models = try CollectionModels.read(collection: collection) else {
            throw SystemError.noModels(collection: collection)
        }
        return models
    }
}

/// The pipelines that the command line names.
public enum PipelineChoice: String, Codable, Sendable, CaseIterable {
    /// Words.
    case bm25
    /// Documents and queries by one model.
    case dense
    /// Queries by a student, documents by its teacher.
    case asymmetric
    /// BM25 and vectors, fused.
    case hybrid
    /// Learned sparse weights.
    case sparse
    /// Vectors of tokens, of every passage.
    case lateInteraction = "late-interaction"
    /// Another pipeline finds candidates, vectors of their tokens put them in order.
    case twoStage = "two-stage"
}
