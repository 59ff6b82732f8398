import AttarCollection
import AttarDistill
import AttarModels
import AttarSignals
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// What a dense distillation has at hand: the collection, the teacher with its memory, the folder of the run.
///
/// One task uses it. Every step can be cancelled between two batches, and is found done when the run is repeated.
final class Workbench {
    let context: RunContext
    let teacherFolder: ModelFolder
    let teacher: EmbeddingTeacher
    private(set) var collection: Collection
    /// Seconds spent encoding the collection by encoder id, in this process; the teacher's own are in its ledger.
    private(set) var indexSeconds: [String: Double] = [:]

    /// Opens the collection and the teacher.
    init(_ context: RunContext) throws {
        self.context = context
        collection = try Collection.open(at: context.collection)
        guard collection.livePassageCount > 0 else { throw DistillError.tooFewTexts(found: 0, needed: 8) }
        teacherFolder = try ModelFolder(path: ModelStore().resolve(context.teacher))
        let store = try SignalStore(path: context.collection + "/signals.sqlite")
        teacher = EmbeddingTeacher(encoder: try EncoderLoader.load(path: teacherFolder.path), store: store)
        try LocalFileSystem().makeDirectory(context.output + "/state")
    }

    /// Passages of the collection as training sees them.
    func corpus() throws -> [CorpusPassage] {
        var passages: [CorpusPassage] = []
        passages.reserveCapacity(collection.livePassageCount)
        try collection.forEachPassage { passage in
            passages.append(CorpusPassage(
                title: passage.title, heading: passage.heading, text: passage.text,
                encodedText: passage.embeddingText))
        }
        return passages
    }

    // MARK: The teacher

    /// Encodes the collection with the teacher, through its memory.
    func indexWithTeacher(maximumLength: Int) throws {
        let options = EncodingOptions(threads: context.threads, maximumLength: maximumLength)
        let before = teacher.account.seconds
        collection = try collection.addVectors(
            of: teacher.encoder.fingerprint, progress: progress("teacher reads passages", "passages")
        ) { passages in
            try Task.checkCancellation()
            return try self.teacher.vectors(for: passages.map(\.embeddingText), role: .passage, options: options)
        }
        indexSeconds[teacher.encoder.fingerprint.id] = teacher.account.seconds - before
    }

    /// The teacher's vectors of training texts, each in its role.
    func teacherVectors(of texts: [TrainingText], maximumLength: Int, stage: String) throws -> Matrix {
        let options = EncodingOptions(threads: context.threads, maximumLength: maximumLength)
        var result = Matrix(rows: texts.count, columns: teacher.encoder.dimension)
        var done = 0
        for role in TextRole.allCases {
            let indices = texts.indices.filter { texts[$0].role == role }
            guard !indices.isEmpty else { continue }
            let vectors = try teacher.vectors(for: indices.map { texts[$0].text }, role: role, options: options) {
                self.context.progress(.init(stage: stage, completed: done + $0, total: texts.count, unit: "texts"))
                _ = $1
            }
            for (row, index) in indices.enumerated() { result.setRow(index, to: vectors.row(row)) }
            done += indices.count
        }
        return result
    }

    // MARK: Students

    /// Encodes the collection with a student, after dropping the vectors of earlier students of the same name.
    func index(with student: any TextEncoder, maximumLength: Int) throws {
        let fingerprint = student.fingerprint
        for stale in collection.manifest.encoders
        where stale.fingerprint.name == fingerprint.name && stale.fingerprint.id != fingerprint.id {
            collection = try collection.removeVectors(of: stale.fingerprint)
        }
        let options = EncodingOptions(threads: context.threads, maximumLength: min(maximumLength, student.maximumLength))
        let clock = ContinuousClock()
        let start = clock.now
        collection = try collection.addVectors(
            of: fingerprint, progress: progress("\(fingerprint.name) reads passages", "passages")
        ) { passages in
            try Task.checkCancellation()
            return try student.encode(passages.map(\.embeddingText), role: .passage, options: options)
        }
        indexSeconds[fingerprint.id] = (clock.now - start).seconds
    }

    private func progress(_ stage: String, _ unit: String) -> (Int, Int) -> Void {
        { [context] done, total in
            context.progress(.init(stage: stage, completed: done, total: total, unit: unit))
        }
    }
}
