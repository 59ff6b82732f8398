import AttarEvidence
import AttarIndex
import AttarStorage
import AttarTensor
import Foundation

/// Where the training of a quantiser stands, beside parameters and moments.
struct QuantizerProgress {
    /// Steps done.
    private(set) var step = 0
    /// What the centroids' loss is multiplied by, so that it weighs as much as the codes' loss: set by the first batch.
    var balance: Float?
    /// What was seen so far.
    private(set) var curve = TrainingCurve(name: "", points: [])
    private var lossSum = 0.0
    private var lossCount = 0
    private var seconds = 0.0

    private static let stepsAPoint = 25

    /// The beginning of a run.
    init() {}

    /// Adds a step, and a point of the curve where one is due.
    mutating func add(loss: Double, seconds: Double, of total: Int) {
        step += 1
        lossSum += loss
        lossCount += 1
        self.seconds += seconds
        guard step % Self.stepsAPoint == 0 || step == total else { return }
        curve.points.append(.init(
            step: step, loss: lossSum / Double(lossCount), heldOutCosine: nil, seconds: self.seconds))
        (lossSum, lossCount) = (0, 0)
    }
}

extension QuantizerProgress {
    /// The note of a checkpoint; numbers that later steps depend on are bit patterns.
    private struct Note: Codable {
        var identity: String
        var step: Int
        var balance: UInt32?
        var curve: TrainingCurve
        var lossSum: UInt64
        var lossCount: Int
        var seconds: Double
    }

    /// The progress as a note of a checkpoint.
    ///
    /// - Parameter identity: of the run, see `QuantizerTrainer.identity`.
    func encoded(identity: String) throws -> [UInt8] {
        [UInt8](try JSONEncoder().encode(Note(
            identity: identity, step: step, balance: balance?.bitPattern, curve: curve, lossSum: lossSum.bitPattern,
            lossCount: lossCount, seconds: seconds)))
    }

    /// Reads what `encoded` wrote.
    ///
    /// - Parameter steps: as many as the run has.
    /// - Throws: `TensorError` when the note is no such, or of another run.
    init(decoding bytes: [UInt8], identity: String, steps: Int) throws {
        guard let note = try? JSONDecoder().decode(Note.self, from: Data(bytes)), (0...steps).contains(note.step),
            (0...note.step).contains(note.lossCount), (note.balance == nil) == (note.step == 0),
            note.balance.map({ Float(bitPattern: $0).isFinite }) ?? true, Double(bitPattern: note.lossSum).isFinite
        else { throw TensorError(.corrupt, "it is damaged, or no checkpoint of a quantiser") }
        guard note.identity == identity else {
            throw TensorError(
                .mismatch, "it is of another run, with other vectors, queries, settings or another seed "
                    + "(\(note.identity.prefix(12)), this one is \(identity.prefix(12)))")
        }
        (step, balance) = (note.step, note.balance.map(Float.init(bitPattern:)))
        (curve, lossCount, seconds) = (note.curve, note.lossCount, note.seconds)
        lossSum = Double(bitPattern: note.lossSum)
    }
}

/// What decides a run, in one digest.
struct QuantizerIdentity {
    private let hasher = SHA256Hasher()

    /// The digest of the start, the lessons, the settings and the seed, in hexadecimal digits.
    ///
    /// - Complexity: O(bytes of all vectors), about a second for a gigabyte.
    static func of(
        _ start: IVFQuantizer, _ lessons: QuantizerLessons, _ settings: QuantizerSettings, seed: UInt64
    ) throws -> String {
        let identity = QuantizerIdentity()
        for matrix in [start.centroids] + start.product.codebooks + [lessons.documents, lessons.queries] {
            identity.add(matrix)
        }
        for candidates in lessons.candidates { identity.add([UInt64(candidates.count)] + candidates.map(UInt64.init)) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        identity.hasher.update([UInt8](try encoder.encode(settings)))
        identity.add([start.codesResiduals ? 1 : 0, seed])
        return identity.hasher.finish().hex
    }

    private func add(_ matrix: Matrix) {
        add([UInt64(matrix.rows), UInt64(matrix.columns)])
        matrix.values.withUnsafeBytes { hasher.update($0) }
    }

    private func add(_ numbers: [UInt64]) { numbers.withUnsafeBytes { hasher.update($0) } }
}
