import AttarEvidence
import AttarIndex
import AttarTensor
import Foundation

/// The numbers of a training run of a quantiser.
public struct QuantizerSettings: Codable, Sendable, Equatable {
    /// Queries a step.
    public var batch: Int
    /// Steps.
    public var steps: Int
    /// Documents drawn for each query of a batch among its candidates; all queries of a batch are scored against all
    /// documents of the batch.
    public var documentsAQuery: Int
    /// What is minimised.
    public var objective: ListNetObjective
    /// The temperature of the soft choice of codewords.
    public var choiceTemperature: Float
    /// The rate of the codewords.
    public var codebookRate: Float
    /// The rate of the centroids.
    public var centroidRate: Float
    /// The share of steps in which rates rise; they fall to 0 afterwards.
    public var warmUpShare: Double

    /// Settings.
    public init(
        batch: Int, steps: Int, documentsAQuery: Int, objective: ListNetObjective, choiceTemperature: Float,
        codebookRate: Float, centroidRate: Float, warmUpShare: Double
    ) {
        self.batch = batch
        self.steps = steps
        self.documentsAQuery = documentsAQuery
        self.objective = objective
        self.choiceTemperature = choiceTemperature
        self.codebookRate = codebookRate
        self.centroidRate = centroidRate
        self.warmUpShare = warmUpShare
    }
}

/// What a quantiser learns from: unlabelled queries, and which documents the teacher ranks first for each.
public struct QuantizerLessons: Sendable {
    /// The teacher's vectors of the documents, rotated, `[documents, dimension]`.
    public let documents: Matrix
    /// The teacher's vectors of the queries, rotated, `[queries, dimension]`.
    public let queries: Matrix
    /// For each query the documents that score best, best first.
    public let candidates: [[UInt32]]

    /// Lessons.
    ///
    /// - Precondition: candidates for each query, at least one query, every candidate a document.
    public init(documents: Matrix, queries: Matrix, candidates: [[UInt32]]) {
        precondition(queries.rows > 0 && queries.rows == candidates.count, "\(candidates.count) lists of candidates")
        precondition(candidates.joined().allSatisfy { $0 < documents.rows }, "a candidate that is no document")
        (self.documents, self.queries, self.candidates) = (documents, queries, candidates)
    }
}

/// Tunes a quantiser so that scores of compressed documents order them as the teacher's do (Distill-VQ, Xiao et al.
/// 2022); survives a kill.
///
/// What a run computes depends on the start, the lessons, the settings and the seed: not on threads, nor on how often
/// it was killed and resumed. A trainer whose run has failed is of no further use; another one goes on from the
/// checkpoint.
public final class QuantizerTrainer {
    /// A digest of all that decides the run: the start, the lessons, the settings and the seed.
    public let identity: String

    private let lessons: QuantizerLessons
    private let lists: [UInt32]
    private let settings: QuantizerSettings
    private let seed: UInt64
    private let student: TrainableQuantizer
    private let tape: Tape
    private let schedule: LearningRateSchedule
    private var sampler: BatchSampler
    private var progress = QuantizerProgress()
    private let clock = ContinuousClock()

    /// A trainer.
    ///
    /// - Throws: `EncodingError` when a setting is no number.
    public init(
        _ start: IVFQuantizer, lessons: QuantizerLessons, settings: QuantizerSettings, seed: UInt64, threads: Int
    ) throws {
        identity = try QuantizerIdentity.of(start, lessons, settings, seed: seed)
        self.lessons = lessons
        self.settings = settings
        self.seed = seed
        // Once, and not again: only centroids move during training.
        lists = start.lists(ofRotated: lessons.documents, threads: threads)
        student = TrainableQuantizer(
            start, codebookRate: settings.codebookRate, centroidRate: settings.centroidRate, threads: threads)
        tape = Tape(threads: threads)
        schedule = LearningRateSchedule(
            warmUpSteps: Int(settings.warmUpShare * Double(settings.steps)), totalSteps: settings.steps, decay: .linear)
        sampler = BatchSampler(count: lessons.queries.rows, batch: settings.batch, seed: seed)
    }

    /// Trains to the end.
    ///
    /// - Parameters:
    ///   - checkpoint: where the run is kept, its end too, until the caller removes it; nil keeps nothing.
    ///   - report: called after each step with the steps done and the steps in all; what it throws ends the run, which
    ///     can be resumed from its checkpoint.
    /// - Returns: the tuned quantiser, and the codes' loss above the least it can be, the teacher's entropy.
    /// - Throws: `DistillError.diverged`, `CancellationError` (after writing a checkpoint), `DistillError.checkpoint`
    ///   when the file is damaged or of another run, `StorageError`.
    public func run(
        name: String, checkpoint: Checkpoint? = nil, report: (_ step: Int, _ of: Int) throws -> Void = { _, _ in }
    ) throws -> (quantizer: IVFQuantizer, curve: TrainingCurve) {
        try resume(from: checkpoint)
        var lastSave = clock.now
        while progress.step < settings.steps {
            if Task.isCancelled {
                try save(to: checkpoint)
                throw CancellationError()
            }
            let start = clock.now
            let loss = try takeStep(progress.step)
            progress.add(loss: loss, seconds: (clock.now - start).inSeconds, of: settings.steps)
            try report(progress.step, settings.steps)
            if let checkpoint, progress.step == settings.steps || clock.now - lastSave >= checkpoint.interval {
                try save(to: checkpoint)
                lastSave = clock.now
            }
        }
        return (student.quantizer, TrainingCurve(name: name, points: progress.curve.points))
    }

    private func resume(from checkpoint: Checkpoint?) throws {
        guard let checkpoint, let bytes = try checkpoint.read() else { return }
        do {
            let state = try student.restore(bytes)
            progress = try QuantizerProgress(decoding: state.note, identity: identity, steps: settings.steps)
            guard progress.step == state.step else { throw TensorError(.corrupt, "its two step counts differ") }
        } catch let error as TensorError {
            throw DistillError.checkpoint(path: checkpoint.path, detail: "\(error)")
        }
    }

    private func save(to checkpoint: Checkpoint?) throws {
        try checkpoint?.write(student.state(step: progress.step, note: progress.encoded(identity: identity)))
    }

    /// One step.
    ///
    /// - Returns: the codes' loss above the teacher's entropy.
    private func takeStep(_ step: Int) throws -> Double {
        let batch = sampler.batch(ofStep: step)
        let documents = documents(of: batch, step)
        let vectors = tape.constant(lessons.documents.gathered(documents))
        let queries = tape.constant(lessons.queries.gathered(batch))
        let (coarse, fine) = student.reconstructions(
            of: vectors, lists: documents.map { lists[$0] }, temperature: settings.choiceTemperature, on: tape)
        let objective = settings.objective
        let teacher = tape.matmulNT(queries, vectors)
        let target = objective.target(teacher, on: tape)
        let floor = Double(objective.loss(teacher, target: target, on: tape).scalar)
        let codes = objective.loss(tape.matmulNT(queries, fine), target: target, on: tape)
        let centroids = objective.loss(tape.matmulNT(queries, coarse), target: target, on: tape)
        let weight = progress.balance ?? codes.scalar / (centroids.scalar + 1e-6)
        progress.balance = weight
        let loss = tape.add(codes, tape.scale(centroids, by: weight))
        let value = Double(codes.scalar)
        guard value.isFinite, loss.scalar.isFinite else { throw DistillError.diverged(step: step, loss: value) }
        tape.backward(from: loss)
        student.step(rateFactor: schedule.factor(at: step))
        return value - floor
    }

    /// The documents of a batch, ascending, each once: some of each query's candidates. To the other queries they are
    /// what ranks low.
    private func documents(of batch: [Int], _ step: Int) -> [Int] {
        var generator = SeededGenerator(seed: seed ^ UInt64(step) &* 0xD1B5_4A32_D192_ED03)
        var chosen: Set<UInt32> = []
        for query in batch {
            chosen.formUnion(lessons.candidates[query].shuffled(using: &generator).prefix(settings.documentsAQuery))
        }
        return chosen.sorted().map(Int.init)
    }
}
