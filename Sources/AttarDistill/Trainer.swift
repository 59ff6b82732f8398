import AttarEvidence
import AttarStorage
import AttarTensor
import Foundation

/// The numbers that every training run has.
public struct TrainerSettings: Codable, Sendable, Equatable {
    /// Texts a step.
    public var batch: Int
    /// Steps at most.
    public var steps: Int
    /// The share of steps in which the learning rate rises.
    public var warmUpShare: Double
    /// The shape of its fall.
    public var decay: LearningRateSchedule.Decay
    /// The largest norm of the gradient.
    public var clipNorm: Double
    /// Steps between two looks at the held-out texts.
    public var evaluationInterval: Int
    /// How many looks in a row may bring nothing better before training ends; 0 goes on to the last step.
    public var patience: Int
    /// What is minimised.
    public var objective: AlignmentObjective

    /// Settings.
    public init(
        batch: Int, steps: Int, warmUpShare: Double, decay: LearningRateSchedule.Decay, clipNorm: Double,
        evaluationInterval: Int, patience: Int, objective: AlignmentObjective
    ) {
        self.batch = batch
        self.steps = steps
        self.warmUpShare = warmUpShare
        self.decay = decay
        self.clipNorm = clipNorm
        self.evaluationInterval = evaluationInterval
        self.patience = patience
        self.objective = objective
    }
}

/// Pulls a student towards its teacher, step by step; stops when held-out texts get no better; survives a kill.
///
/// What a run computes depends on the student's start, the examples, the settings and the seed: not on threads, nor on
/// how often it was killed and resumed, nor on when checkpoints are written.
public final class Trainer {
    private let student: any TrainableEncoder
    private let training: AlignmentExamples
    private let heldOut: AlignmentExamples
    private let documents: Matrix?
    private let settings: TrainerSettings
    private let checkpoint: Checkpoint?
    private let tape: Tape
    private let measuringTape: Tape
    private let optimizer: AdamW
    private let schedule: LearningRateSchedule
    private let seed: UInt64
    private var sampler: BatchSampler
    private var progress: TrainingProgress
    private let clock = ContinuousClock()

    /// A trainer.
    ///
    /// - Parameters:
    ///   - name: the student's name in the curve.
    ///   - documents: the teacher's document vectors, for objectives that need them.
    ///   - checkpoint: where the run is kept; nil keeps nothing.
    public init(
        name: String, student: any TrainableEncoder, training: AlignmentExamples, heldOut: AlignmentExamples,
        documents: Matrix? = nil, settings: TrainerSettings, seed: UInt64, threads: Int, checkpoint: Checkpoint? = nil
    ) {
        self.student = student
        progress = TrainingProgress(student: name)
        self.training = training
        self.heldOut = heldOut
        self.documents = documents
        self.settings = settings
        self.seed = seed
        self.checkpoint = checkpoint
        tape = Tape(threads: threads)
        measuringTape = Tape(threads: threads, pool: tape.pool, isRecording: false)
        optimizer = AdamW(groups: student.parameterGroups(), threads: threads)
        schedule = LearningRateSchedule(
            warmUpSteps: Int(settings.warmUpShare * Double(settings.steps)), totalSteps: settings.steps,
            decay: settings.decay)
        sampler = BatchSampler(count: training.tokens.count, batch: settings.batch, seed: seed)
    }

    /// Trains to the end, and leaves the best parameters in the student.
    ///
    /// - Parameter report: called after each step with the steps done, the steps at most, and the last look; what it
    ///   throws ends the run, which can be resumed from its checkpoint.
    /// - Throws: `DistillError.diverged`, `CancellationError` (after writing a checkpoint), `DistillError.checkpoint`.
    public func run(
        report: (_ step: Int, _ of: Int, _ last: TrainingCurve.Point?) throws -> Void = { _, _, _ in }
    ) throws -> TrainingCurve {
        try resume()
        var lastSave = clock.now
        if progress.curve.points.isEmpty { try look() }
        while progress.step < settings.steps, !isExhausted {
            if Task.isCancelled {
                try save()
                throw CancellationError()
            }
            try takeStep()
            if progress.step % settings.evaluationInterval == 0 || progress.step == settings.steps { try look() }
            try report(progress.step, settings.steps, progress.curve.points.last)
            if let checkpoint, clock.now - lastSave >= checkpoint.interval {
                try save()
                lastSave = clock.now
            }
        }
        progress.restoreBest(into: student.parameters)
        return progress.curve
    }

    /// Whether the last looks brought nothing better.
    private var isExhausted: Bool {
        settings.patience > 0
            && progress.stepsSinceBest >= settings.patience * settings.evaluationInterval
    }

    private func takeStep() throws {
        let start = clock.now
        let batch = sampler.batch(ofStep: progress.step)
        optimizer.zeroGradients()
        let vectors = student.vectors(of: batch.map { training.tokens[$0] }, on: tape)
        let loss = settings.objective.loss(
            vectors, tape.constant(training.targets.gathered(batch)), documents: documents(ofStep: progress.step, on: tape),
            on: tape)
        let value = Double(loss.scalar)
        tape.backward(from: loss)
        let norm = clipGradientNorm(optimizer.parameters, maximum: settings.clipNorm, threads: tape.threads)
        guard value.isFinite, norm.isFinite else { throw DistillError.diverged(step: progress.step, loss: value) }
        optimizer.step(rateFactor: schedule.factor(at: progress.step))
        progress.add(loss: value, seconds: (clock.now - start).inSeconds)
    }

    /// A sample of the documents for one step, a function of the step alone; step −1 is that of every look.
    private func documents(ofStep step: Int, on tape: Tape) -> Tensor? {
        let wanted = settings.objective.documentCount
        guard let documents, wanted > 0 else { return nil }
        guard documents.rows > wanted else { return tape.constant(documents) }
        var generator = SeededGenerator(seed: seed ^ UInt64(bitPattern: Int64(step)) &* 0xD1B5_4A32_D192_ED03)
        let rows = (0..<wanted).map { _ in Int.random(in: 0..<documents.rows, using: &generator) }
        return tape.constant(documents.gathered(rows))
    }

    /// Measures the student on the held-out texts, and keeps its parameters if the loss was never lower there.
    ///
    /// - Throws: `DistillError.diverged` when it has no finite loss or cosine there.
    private func look() throws {
        let start = clock.now
        var (loss, cosine) = (0.0, 0.0)
        let documents = documents(ofStep: -1, on: measuringTape)
        for first in stride(from: 0, to: heldOut.tokens.count, by: 64) {
            let range = first..<min(heldOut.tokens.count, first + 64)
            let vectors = student.vectors(of: Array(heldOut.tokens[range]), on: measuringTape)
            let targets = heldOut.targets.gathered(range)
            let part = settings.objective.loss(
                vectors, measuringTape.constant(targets), documents: documents, on: measuringTape)
            loss += Double(part.scalar) * Double(range.count)
            cosine += Self.cosines(vectors.matrix, targets).reduce(0, +)
        }
        let count = Double(max(1, heldOut.tokens.count))
        guard loss.isFinite, cosine.isFinite else { throw DistillError.diverged(step: progress.step, loss: loss / count) }
        let isBest = progress.addPoint(
            heldOutLoss: loss / count, heldOutCosine: cosine / count, seconds: (clock.now - start).inSeconds)
        if isBest { progress.keepBest(student.parameters) }
    }

    private static func cosines(_ vectors: Matrix, _ targets: Matrix) -> [Double] {
        (0..<vectors.rows).map { Similarity.cosine(vectors.row($0), targets.row($0)) }
    }

    /// The mean cosine between a student's vectors and the teacher's.
    public static func meanCosine(
        of student: any TrainableEncoder, on examples: AlignmentExamples, tape: Tape
    ) -> Double {
        let all = cosines(student.vectors(of: examples.tokens, on: tape).matrix, examples.targets)
        return all.reduce(0, +) / Double(max(1, all.count))
    }

    private func resume() throws {
        guard let checkpoint, let bytes = try checkpoint.read() else { return }
        do {
            let state = try TrainingState.restore(bytes, into: optimizer)
            progress = try TrainingProgress(decoding: state.note)
            guard progress.step == state.step else {
                throw DistillError.checkpoint(path: checkpoint.path, detail: "its two step counts differ")
            }
        } catch let error where error is TensorError || error is DecodingError {
            throw DistillError.checkpoint(path: checkpoint.path, detail: "\(error)")
        }
    }

    private func save() throws {
        try checkpoint?.write(
            TrainingState.encode(optimizer: optimizer, step: progress.step, note: try progress.encoded()))
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
