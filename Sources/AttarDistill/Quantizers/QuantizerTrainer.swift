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
/// 2022). What a run computes depends on the start, the lessons, the settings and the seed.
public final class QuantizerTrainer {
    private let lessons: QuantizerLessons
    private let lists: [UInt32]
    private let settings: QuantizerSettings
    private let seed: UInt64
    private let student: TrainableQuantizer
    private let tape: Tape
    private let schedule: LearningRateSchedule
    private var sampler: BatchSampler
    /// What the centroids' loss is multiplied by, so that it weighs as much as the codes' loss: set by the first batch.
    private var balance: Float?

    /// A trainer.
    public init(
        _ start: IVFQuantizer, lessons: QuantizerLessons, settings: QuantizerSettings, seed: UInt64, threads: Int
    ) {
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
    /// - Parameter report: called after each step with the steps done and the steps in all.
    /// - Returns: the tuned quantiser, and the codes' loss above the least it can be, the teacher's entropy.
    /// - Throws: `DistillError.diverged`, `CancellationError`.
    public func run(
        name: String, report: (_ step: Int, _ of: Int) -> Void = { _, _ in }
    ) throws -> (quantizer: IVFQuantizer, curve: TrainingCurve) {
        var curve = TrainingCurve(name: name, points: [])
        let clock = ContinuousClock()
        let start = clock.now
        var (sum, terms) = (0.0, 0)
        for step in 0..<settings.steps {
            try Task.checkCancellation()
            sum += try takeStep(step)
            terms += 1
            if (step + 1) % Self.stepsAPoint == 0 || step + 1 == settings.steps {
                curve.points.append(.init(
                    step: step + 1, loss: sum / Double(terms), heldOutCosine: nil,
                    seconds: (clock.now - start).inSeconds))
                (sum, terms) = (0, 0)
            }
            report(step + 1, settings.steps)
        }
        return (student.quantizer, curve)
    }

    private static let stepsAPoint = 25

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
        let weight = balance ?? codes.scalar / (centroids.scalar + 1e-6)
        balance = weight
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
