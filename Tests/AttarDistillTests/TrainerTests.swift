import AttarDistill
import AttarEvidence
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// A small static student: sums rows of a table.
private final class TableStudent: TrainableEncoder {
    let model: TrainableStatic
    let rate: Float

    init(seed: UInt64, rate: Float = 0.05) {
        var generator = SeededGenerator(seed: seed)
        model = TrainableStatic(
            table: TensorValues(shape: [40, 6], standardDeviation: 0.3, generator: &generator),
            tokenWeights: [Float](repeating: 1, count: 40))
        self.rate = rate
    }

    var parameters: [Parameter] { model.parameters }
    func parameterGroups() -> [AdamW.Group] { [AdamW.Group(parameters: parameters, learningRate: rate)] }
    func vectors(of batch: [[Int32]], on tape: Tape) -> Tensor { model.forward(tape, ids: batch) }
}

@Suite struct TrainerTests {
    private static let settings = TrainerSettings(
        batch: 16, steps: 60, warmUpShare: 0.1, decay: .linear, clipNorm: 1, evaluationInterval: 10, patience: 0,
        objective: .squaredDistance)

    /// Texts of random tokens, and targets that a table can reproduce.
    private static func examples(count: Int, seed: UInt64) -> AlignmentExamples {
        var truth = SeededGenerator(seed: 99)
        let table = (0..<40).map { _ in (0..<6).map { _ in Float(truth.normal()) } }
        var generator = SeededGenerator(seed: seed)
        let tokens = (0..<count).map { _ in
            (0..<Int.random(in: 1...5, using: &generator)).map { _ in Int32.random(in: 0..<40, using: &generator) }
        }
        let targets = tokens.flatMap { ids in
            (0..<6).map { column in ids.reduce(0) { $0 + table[Int($1)][column] } / Float(ids.count) }
        }
        return AlignmentExamples(tokens: tokens, targets: Matrix(rows: count, columns: 6, values: targets))
    }

    private func trainer(
        _ student: TableStudent, settings: TrainerSettings = TrainerTests.settings, threads: Int = 2,
        checkpoint: Checkpoint? = nil
    ) -> Trainer {
        Trainer(
            name: "table", student: student, training: Self.examples(count: 300, seed: 1), heldOut: Self.examples(count: 50, seed: 2),
            settings: settings, seed: 7, threads: threads, checkpoint: checkpoint)
    }

    private func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.appending(path: "attar-trainer-\(UUID()).checkpoint").path
    }

    @Test func aStudentThatCanLearnLearns() throws {
        let curve = try trainer(TableStudent(seed: 3)).run()
        let first = try #require(curve.points.first), last = try #require(curve.points.last)
        #expect(first.step == 0 && (first.heldOutCosine ?? 1) < 0.5)
        #expect(last.step == 60 && (last.heldOutCosine ?? 0) > 0.8)
    }

    @Test func threadsDoNotChangeTheResult() throws {
        let one = TableStudent(seed: 3), two = TableStudent(seed: 3)
        _ = try trainer(one, threads: 1).run()
        _ = try trainer(two, threads: 2).run()
        #expect(one.model.table.values == two.model.table.values)
    }

    /// A run that is cancelled again and again, each time resumed by a new trainer with a fresh student.
    @Test func anInterruptedRunEndsBitForBitWhereAnUndisturbedOneDoes() async throws {
        let undisturbed = TableStudent(seed: 3)
        let curve = try trainer(undisturbed).run()
        let checkpoint = Checkpoint(path: temporaryPath(), interval: .zero)
        defer { try? checkpoint.remove() }
        var resumed = TableStudent(seed: 3)
        var resumedCurve: TrainingCurve?
        for stop in [1, 13, 14, 37, 59, 1000] {
            resumed = TableStudent(seed: 3)
            resumedCurve = try? Self.run(trainer(resumed, checkpoint: checkpoint), until: stop)
        }
        #expect(resumed.model.table.values == undisturbed.model.table.values)
        #expect(resumed.model.tokenWeights?.values == undisturbed.model.tokenWeights?.values)
        let looks = try #require(resumedCurve).points.map { [$0.heldOutCosine ?? -1, $0.loss ?? -1, Double($0.step)] }
        #expect(looks == curve.points.map { [$0.heldOutCosine ?? -1, $0.loss ?? -1, Double($0.step)] })
    }

    private struct Stop: Error {}

    private static func run(_ trainer: Trainer, until stop: Int) throws -> TrainingCurve {
        // The report is called before the checkpoint of its step is written: what is lost must be computed again.
        try trainer.run { step, _, _ in if step >= stop { throw Stop() } }
    }

    @Test func trainingStopsWhenNothingImproves() throws {
        var settings = Self.settings
        settings.steps = 2000
        settings.patience = 3
        let curve = try trainer(TableStudent(seed: 3, rate: 0), settings: settings).run()
        #expect(curve.points.last?.step == 30)
        let cosines = curve.points.compactMap(\.heldOutCosine)
        #expect(Set(cosines).count == 1)
    }

    @Test func theBestParametersAreKeptNotTheLast() throws {
        var settings = Self.settings
        settings.objective = .cosine
        let student = TableStudent(seed: 3, rate: 5)
        let curve = try trainer(student, settings: settings).run()
        let best = try #require(curve.points.compactMap(\.heldOutCosine).max())
        let tape = Tape(threads: 1, isRecording: false)
        let kept = Trainer.meanCosine(of: student, on: Self.examples(count: 50, seed: 2), tape: tape)
        #expect(abs(kept - best) < 1e-12)
    }

    @Test func aDamagedCheckpointIsNamed() throws {
        let path = temporaryPath()
        let checkpoint = Checkpoint(path: path, interval: .zero)
        defer { try? checkpoint.remove() }
        _ = try trainer(TableStudent(seed: 3), checkpoint: checkpoint).run()
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[bytes.count / 2] ^= 0x40
        try bytes.write(to: URL(filePath: path))
        #expect { try trainer(TableStudent(seed: 3), checkpoint: checkpoint).run() } throws: { "\($0)".contains(path) }
    }

    /// Checkpoints damaged in any bytes, and with a checksum that agrees with the damage: training begins where they
    /// say, or they are refused. `ATTAR_FUZZ_MINUTES=10 swift test … --filter damagedCheckpointsNeverCrash` goes on for
    /// 10 minutes.
    @Test func damagedCheckpointsNeverCrash() throws {
        let folder = try TemporaryFolder()
        let checkpoint = Checkpoint(path: folder.file("run.checkpoint"), interval: .zero)
        var settings = Self.settings
        (settings.steps, settings.evaluationInterval, settings.patience) = (4, 1, 2)
        _ = try trainer(TableStudent(seed: 3), settings: settings, threads: 1, checkpoint: checkpoint).run()
        let whole = try LocalFileSystem().read(checkpoint.path)
        settings.steps = 6
        let outcome = FuzzBudget.outcome(of: "checkpoint", rounds: 600) { seed in
            try folder.write(Self.damaged(whole, seed: seed), to: "run.checkpoint")
        } use: { _ in
            let curve = try trainer(TableStudent(seed: 3), settings: settings, threads: 1, checkpoint: checkpoint).run()
            #expect(!curve.points.isEmpty)
        } isRefusal: { error in
            if case DistillError.diverged = error { return true }
            return (error as? DistillError)?.description.contains(folder.path) == true
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 20 && outcome.refused > 200)
        #expect(outcome.growth ?? 0 < 64 << 20)
    }

    /// Half of the damages are in the note about the run's progress, which is JSON: the first `{` to its end.
    private static func damaged(_ whole: [UInt8], seed: UInt64) -> [UInt8] {
        var (mutator, hostile) = (ByteMutator(seed: seed), JSONMutator(seed: seed))
        guard seed % 4 > 0 else { return mutator.damaged(whole) }
        var bytes = Array(whole.dropLast(8))
        if seed % 4 == 1 {
            bytes = mutator.damaged(bytes)
        } else if let start = bytes.firstRange(of: Array("{\"".utf8))?.lowerBound {
            // The lengths of the header, and of the note that it begins, stand before it.
            let length = Int(littleEndian: bytes, at: start - 8)
            let header = hostile.damaged(Array(bytes[start..<(start + length)]), limit: 1 << 16)
            let note = Int(littleEndian: bytes, at: start - 16) + header.count - length
            bytes.replaceSubrange(start..<(start + length), with: header)
            bytes.replaceSubrange((start - 8)..<start, with: little(header.count))
            bytes.replaceSubrange((start - 16)..<(start - 8), with: little(note))
        }
        return bytes + little(Int(bytes.withUnsafeBytes { CRC32C.checksum(of: $0) }))
    }

    private static func little(_ number: Int) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }
}

extension Int {
    fileprivate init(littleEndian bytes: [UInt8], at position: Int) {
        self = bytes[position..<(position + 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
