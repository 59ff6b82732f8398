import AttarEvidence
import AttarIndex
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarDistill

/// Distill-VQ (Xiao et al. 2022): the golden numbers of hand examples, and what training must do.
@Suite struct QuantizerTests {
    private func row(_ values: [Float], on tape: Tape) -> Tensor { tape.constant(shape: [1, values.count], values) }

    /// t = (0.9, 0.5, 0.1), s = (0.7, 0.6, 0.0), τ = 1: Φᵗ = (.471776, .316241, .211983), Φˢ = (.416420, .376792,
    /// .206788), so −Σ Φᵗ ln Φˢ = 1.056073, the teacher's entropy is 1.047333, and the gradient is Φˢ − Φᵗ.
    @Test func listNetOfTheHandExample() {
        let (tape, objective) = (Tape(threads: 1), ListNetObjective(temperature: 1))
        let teacher = row([0.9, 0.5, 0.1], on: tape)
        let target = objective.target(teacher, on: tape)
        for (found, expected) in zip(target.values, [0.471776, 0.316241, 0.211983] as [Float]) {
            #expect(abs(found - expected) < 1e-6)
        }
        let scores = Tensor(shape: [1, 3], values: [0.7, 0.6, 0], requiresGradient: true)
        let loss = objective.loss(scores, target: target, on: tape)
        #expect(abs(loss.scalar - 1.056073) < 1e-6)
        #expect(abs(objective.loss(teacher, target: target, on: tape).scalar - 1.047333) < 1e-6)
        // KL(Φᵗ ‖ Φˢ) = ListNet − entropy = 0.008740.
        let logits = row([0.7, 0.6, 0], on: tape)
        #expect(abs(tape.klDivergence(logits: logits, targetProbabilities: target).scalar - 0.008740) < 1e-6)
        tape.backward(from: loss)
        for (found, expected) in zip(scores.gradient ?? [], [-0.055356, 0.060551, -0.005195] as [Float]) {
            #expect(abs(found - expected) < 1e-6)
        }
        // A constant added to all scores changes nothing, and does change the squared error.
        let shifted = row([5.7, 5.6, 5], on: tape)
        #expect(abs(objective.loss(shifted, target: target, on: tape).scalar - 1.056073) < 1e-5)
        #expect(tape.squaredError(shifted, teacher).scalar > tape.squaredError(logits, teacher).scalar + 1)
    }

    /// v = (.9, .1, −.4, .3), centroids (.8, 0, −.5, 0) and (−.5, .5, .5, .5), codebooks {(0, 0), (.1, .2)} and
    /// {(0, 0), (.2, .4)}; filled up to 16 codewords with ones too far away to matter.
    private var handExample: IVFQuantizer {
        func book(_ second: [Float]) -> Matrix {
            Matrix(rows: 16, columns: 2, values: [0, 0] + second + [Float](repeating: 30, count: 28))
        }
        return IVFQuantizer(
            rotation: nil, centroids: Matrix(rows: 2, columns: 4, values: [0.8, 0, -0.5, 0, -0.5, 0.5, 0.5, 0.5]),
            product: ProductQuantizer(codebooks: [book([0.1, 0.2]), book([0.2, 0.4])]), codesResiduals: true)
    }

    /// Squared distances .12 and 2.97: the first list; residual (.1, .1, .1, .3); second codewords; reconstruction
    /// (.9, .2, −.3, .4). With q = (1, 0, 0, 1): teacher 1.2, centroid .8, with the code 1.3.
    @Test func quantisingTheHandExample() {
        let (quantizer, vector) = (handExample, Matrix(rows: 1, columns: 4, values: [0.9, 0.1, -0.4, 0.3]))
        let encoded = quantizer.encode(vector, threads: 1)
        #expect(encoded.lists == [0] && encoded.codes == [1, 1])
        let tape = Tape(threads: 1)
        let student = TrainableQuantizer(quantizer, codebookRate: 0, centroidRate: 0, threads: 1)
        let (coarse, fine) = student.reconstructions(
            of: tape.constant(vector), lists: encoded.lists, temperature: 1, on: tape)
        let decoded = quantizer.decodedRotated(lists: encoded.lists, codes: encoded.codes)
        for (index, expected) in ([0.9, 0.2, -0.3, 0.4] as [Float]).enumerated() {
            #expect(abs(fine.values[index] - expected) < 1e-6 && abs(decoded.values[index] - expected) < 1e-6)
        }
        let query = row([1, 0, 0, 1], on: tape)
        #expect(abs(tape.matmulNT(query, tape.constant(vector)).scalar - 1.2) < 1e-6)
        #expect(abs(tape.matmulNT(query, coarse).scalar - 0.8) < 1e-6)
        #expect(abs(tape.matmulNT(query, fine).scalar - 1.3) < 1e-6)
    }

    /// Soft assignments (.4975, .5025) and (.480011, .519989) of the hand example.
    @Test func softAssignmentsOfTheHandExample() {
        let tape = Tape(threads: 1)
        for (distances, expected) in [([0.02, 0.01], [0.4975, 0.5025]), ([0.1, 0.02], [0.480011, 0.519989])] {
            let soft = tape.softmax(tape.scale(row(distances.map(Float.init), on: tape), by: -1))
            for (found, expected) in zip(soft.values, expected) { #expect(abs(Double(found) - expected) < 1e-5) }
        }
    }

    private func lessons(dimension: Int = 8, seed: UInt64 = 1) -> (IVFQuantizer, QuantizerLessons) {
        var generator = SeededGenerator(seed: seed)
        func normal(_ rows: Int) -> Matrix {
            // Directions that queries ask for more than documents differ in.
            let values = (0..<(rows * dimension)).map { Float(generator.normal()) * ($0 % dimension < 2 ? 1 : 0.5) }
            return Matrix(rows: rows, columns: dimension, values: values)
        }
        let documents = normal(600)
        let queries = Matrix(
            rows: 300, columns: dimension,
            values: normal(300).values.enumerated().map { $0.offset % dimension < 2 ? 3 * $0.element : 0.1 * $0.element })
        let parameters = IVFParameters(lists: 4, subspaces: 2)
        guard let start = try? IVFQuantizer(documents, parameters: parameters, threads: 1) else {
            preconditionFailure("600 vectors train 16 codewords")
        }
        let candidates = (0..<queries.rows).map { query in
            let scores = (0..<600).map { Similarity.dot(queries.row(query), documents.row($0)) }
            return (0..<600).sorted { scores[$0] > scores[$1] }.prefix(50).map(UInt32.init)
        }
        return (start, QuantizerLessons(documents: documents, queries: queries, candidates: candidates))
    }

    private func settings(rate: Float, steps: Int = 120) -> QuantizerSettings {
        QuantizerSettings(
            batch: 16, steps: steps, documentsAQuery: 12, objective: ListNetObjective(temperature: 0.5),
            choiceTemperature: 0.1, codebookRate: rate, centroidRate: rate, warmUpShare: 0.1)
    }

    /// Without a rate nothing moves, not by a bit.
    @Test func withoutARateTheQuantizerStaysAsItIs() throws {
        let (start, lessons) = lessons()
        let trainer = try QuantizerTrainer(
            start, lessons: lessons, settings: settings(rate: 0, steps: 5), seed: 1, threads: 2)
        #expect(try trainer.run(name: "still").quantizer == start)
    }

    /// Training lowers the loss, whatever the number of threads by the same bits, and raises the share of the true
    /// best that are found by codes, for queries that it has not seen.
    @Test func trainingOrdersDocumentsAsTheTeacherDoes() throws {
        let (start, all) = lessons()
        let training = QuantizerLessons(
            documents: all.documents, queries: all.queries.gathered(0..<200), candidates: Array(all.candidates[..<200]))
        func trained(threads: Int) throws -> (quantizer: IVFQuantizer, curve: TrainingCurve) {
            try QuantizerTrainer(start, lessons: training, settings: settings(rate: 0.01), seed: 1, threads: threads)
                .run(name: "q")
        }
        let (quantizer, curve) = try trained(threads: 1)
        #expect(try trained(threads: 2).quantizer == quantizer)
        let losses = curve.points.compactMap(\.loss)
        #expect(losses.count == 5 && (losses.last ?? 1) < 0.8 * (losses.first ?? 0))
        func recall(_ quantizer: IVFQuantizer) -> Double {
            let encoded = quantizer.encode(all.documents, threads: 1)
            let decoded = quantizer.decodedRotated(lists: encoded.lists, codes: encoded.codes)
            let hits = (200..<300).map { query in
                let scores = (0..<600).map { Similarity.dot(all.queries.row(query), decoded.row($0)) }
                let found = (0..<600).sorted { scores[$0] > scores[$1] }.prefix(10)
                return Set(found.map(UInt32.init)).intersection(all.candidates[query].prefix(10)).count
            }
            return Double(hits.reduce(0, +)) / 1000
        }
        #expect(recall(quantizer) > recall(start) + 0.02)
    }

    // ---------------------------------------------------------------------------------------------------- checkpoints

    private func temporaryCheckpoint(interval: Duration) -> Checkpoint {
        let path = FileManager.default.temporaryDirectory.appending(path: "attar-quantizer-\(UUID()).checkpoint").path
        return Checkpoint(path: path, interval: interval)
    }

    private func trainer(seed: UInt64 = 1, steps: Int = 60) throws -> QuantizerTrainer {
        let (start, lessons) = lessons()
        return try QuantizerTrainer(
            start, lessons: lessons, settings: settings(rate: 0.01, steps: steps), seed: seed, threads: 2)
    }

    /// All floats of a quantiser, bit by bit.
    private func bits(_ quantizer: IVFQuantizer) -> [UInt32] {
        ([quantizer.centroids] + quantizer.product.codebooks).flatMap { $0.values.map(\.bitPattern) }
    }

    private func losses(_ curve: TrainingCurve) -> [[Double]] { curve.points.map { [Double($0.step), $0.loss ?? -1] } }

    private struct Stop: Error {}

    /// A run that ends again and again, each time resumed by a new trainer.
    @Test func anInterruptedRunEndsBitForBitWhereAnUndisturbedOneDoes() throws {
        let undisturbed = try trainer().run(name: "q")
        let checkpoint = temporaryCheckpoint(interval: .zero)
        defer { try? checkpoint.remove() }
        for stop in [1, 2, 25, 26, 49, 60] {
            // What is reported is not written yet: the last step must be taken again.
            #expect(throws: Stop.self) {
                try trainer().run(name: "q", checkpoint: checkpoint) { step, _ in if step >= stop { throw Stop() } }
            }
        }
        var steps = 0
        let resumed = try trainer().run(name: "q", checkpoint: checkpoint) { _, _ in steps += 1 }
        #expect(steps == 1)
        #expect(bits(resumed.quantizer) == bits(undisturbed.quantizer))
        #expect(losses(resumed.curve) == losses(undisturbed.curve) && resumed.curve.points.count == 3)
        // The end is kept too: nothing is left to do.
        let again = try trainer().run(name: "q", checkpoint: checkpoint) { _, _ in steps += 1 }
        #expect(steps == 1 && bits(again.quantizer) == bits(undisturbed.quantizer) && again.curve == resumed.curve)
    }

    private func cancelledRun(at stop: Int, _ checkpoint: Checkpoint) async throws {
        let task = Task {
            try trainer().run(name: "q", checkpoint: checkpoint) { step, _ in
                if step == stop { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        _ = try await task.value
    }

    @Test func aCancelledRunWritesItsCheckpoint() async throws {
        let undisturbed = try trainer().run(name: "q")
        let checkpoint = temporaryCheckpoint(interval: .seconds(3600))
        defer { try? checkpoint.remove() }
        for stop in [3, 31] {
            await #expect(throws: CancellationError.self) { try await cancelledRun(at: stop, checkpoint) }
        }
        var first: Int?
        let resumed = try trainer().run(name: "q", checkpoint: checkpoint) { step, _ in first = first ?? step }
        #expect(first == 32)
        #expect(bits(resumed.quantizer) == bits(undisturbed.quantizer))
        #expect(losses(resumed.curve) == losses(undisturbed.curve))
    }

    @Test func checkpointsOfOtherRunsAndDamagedOnesAreRefused() throws {
        let checkpoint = temporaryCheckpoint(interval: .zero)
        defer { try? checkpoint.remove() }
        _ = try trainer().run(name: "q", checkpoint: checkpoint)
        for other in [try trainer(seed: 2), try trainer(steps: 61)] {
            #expect(try other.identity != trainer().identity)
            #expect {
                try other.run(name: "q", checkpoint: checkpoint)
            } throws: { "\($0)".contains("another run") && "\($0)".contains(checkpoint.path) }
        }
        let bytes = try #require(FileManager.default.contents(atPath: checkpoint.path))
        for place in stride(from: 0, to: bytes.count, by: 211) {
            var damaged = bytes
            damaged[place] ^= 0x20
            try damaged.write(to: URL(filePath: checkpoint.path))
            #expect { try trainer().run(name: "q", checkpoint: checkpoint) } throws: { error in
                "\(error)".contains(checkpoint.path)
            }
        }
    }

    /// With the choices fixed the loss is smooth in the codewords: the chosen ones' gradients are those of central
    /// differences. A cold choice leaves the soft gradient nothing.
    @Test func gradientsOfChosenCodewords() {
        let documents = Matrix(rows: 3, columns: 4, values: [0.9, 0.1, -0.4, 0.3, 0.7, 0, -0.6, 0.1, -0.4, 0.6, 0.6, 0.9])
        let start = handExample
        let lists = start.lists(ofRotated: documents, threads: 1)
        func loss(_ quantizer: IVFQuantizer, on tape: Tape) -> (Tensor, TrainableQuantizer) {
            let student = TrainableQuantizer(quantizer, codebookRate: 0, centroidRate: 0, threads: 1)
            let objective = ListNetObjective(temperature: 1)
            let query = row([1, -0.5, 0.3, 1], on: tape)
            let fine = student.reconstructions(
                of: tape.constant(documents), lists: lists, temperature: 1e-4, on: tape).fine
            let target = objective.target(tape.matmulNT(query, tape.constant(documents)), on: tape)
            return (objective.loss(tape.matmulNT(query, fine), target: target, on: tape), student)
        }
        let tape = Tape(threads: 1)
        let (value, student) = loss(start, on: tape)
        tape.backward(from: value)
        let gradient = student.codebookGradient(0)
        for index in 0..<4 {
            func moved(_ by: Float) -> Double {
                var books = start.product.codebooks
                books[0].values[index] += by
                let quantizer = IVFQuantizer(
                    rotation: nil, centroids: start.centroids, product: ProductQuantizer(codebooks: books),
                    codesResiduals: true)
                return Double(loss(quantizer, on: Tape(threads: 1)).0.scalar)
            }
            let difference = (moved(1e-3) - moved(-1e-3)) / 2e-3
            #expect(abs(Double(gradient[index]) - difference) < 1e-3, "\(index): \(gradient[index]), \(difference)")
        }
    }
}
