import AttarCollection
import AttarDistill
import AttarEvidence
import AttarIndex
import AttarModels
import AttarSignals
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// A quantiser with the index that it makes of the collection.
struct QuantizedStudent {
    let name: String
    let index: IVFIndex
    /// How it was trained; nil for one that was only fitted.
    let curve: TrainingCurve?
}

/// What the teacher says that a quantiser is tuned by: vectors of documents and of queries made of the corpus, and
/// which documents are the best for each query.
struct QuantizerSignals {
    /// The teacher's vectors of all passages, in a file of the run.
    let documents: FlatVectorIndex
    /// The teacher's vectors of the training queries, `[queries, dimension]`.
    let queries: Matrix
    /// The texts that stand in for queries where nobody gave any, and are not trained on.
    let heldOut: [TrainingText]
    private let candidates: [[UInt32]]
    private let bench: Workbench

    /// Draws queries, asks the teacher, or its memory, and searches.
    ///
    /// Queries that are measured with are never among those that are trained on.
    init(_ bench: Workbench, _ configuration: DistillVQ.Configuration) throws {
        self.bench = bench
        documents = try Self.documents(bench)
        let texts = try TrainingTexts(
            corpus: bench.corpus(), vocabulary: [], openings: QuestionOpenings.of(language: bench.language),
            mixture: configuration.mixture, seed: bench.context.seed)
        let measured = Set((bench.context.evaluation?.queries ?? []).map { Self.plain($0.text) })
        let training = texts.training.filter { !measured.contains(Self.plain($0.text)) }
        heldOut = texts.heldOut
        queries = try bench.teacherVectors(
            of: training, maximumLength: configuration.queryTokens, stage: "teacher reads training queries")
        bench.context.progress(.init(
            stage: "teacher ranks documents", completed: 0, total: queries.rows, unit: "queries"))
        candidates = try documents.search(queries, k: configuration.candidates, threads: bench.context.threads)
            .map { $0.map(\.ordinal) }
    }

    private static func plain(_ text: String) -> String {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: " ")
    }

    private static func documents(_ bench: Workbench) throws -> FlatVectorIndex {
        let path = bench.context.output + "/state/documents.vec"
        let fingerprint = bench.teacher.encoder.fingerprint
        let writer = try FlatVectorWriter(path: path, dimension: fingerprint.dimension, fingerprint: fingerprint.id)
        try bench.forEachTeacherVector { try writer.append($0) }
        try writer.finish()
        return try FlatVectorIndex(path: path)
    }

    /// The lessons of a quantiser: rotated as it is.
    func lessons(for quantizer: IVFQuantizer) throws -> QuantizerLessons {
        let threads = bench.context.threads
        let all = Matrix(
            rows: documents.count, columns: documents.dimension,
            values: (0..<UInt32(documents.count)).flatMap { documents.vector($0) })
        return QuantizerLessons(
            documents: quantizer.rotated(all, threads: threads), queries: quantizer.rotated(queries, threads: threads),
            candidates: candidates)
    }

    /// The collection's index by a quantiser, in a file of the run.
    func indexed(
        _ quantizer: IVFQuantizer, name: String, file: String, curve: TrainingCurve? = nil
    ) throws -> QuantizedStudent {
        let folder = bench.context.output + "/indexes"
        try LocalFileSystem().makeDirectory(folder)
        let builder = IVFBuilder(
            quantizer: quantizer, fingerprint: documents.fingerprint, seed: bench.context.seed)
        try builder.append(documents, threads: bench.context.threads) { done in
            try Task.checkCancellation()
            bench.context.progress(.init(
                stage: "encoding \(name)", completed: done, total: documents.count, unit: "passages"))
        }
        let path = "\(folder)/\(file).ivf"
        try builder.write(to: path)
        return QuantizedStudent(name: name, index: try IVFIndex(path: path), curve: curve)
    }
}

extension Workbench {
    /// The checkpoint of a quantiser's training; another run's has another name, so that neither stands in the way of
    /// the other.
    func checkpoint(of trainer: QuantizerTrainer, name: String) -> Checkpoint {
        Checkpoint(path: "\(context.output)/state/\(name)-\(trainer.identity.prefix(12)).checkpoint")
    }
}
