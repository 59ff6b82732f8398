import AttarEvidence
import AttarTensor
import Foundation

/// Where a training run stands, beside parameters and moments.
struct TrainingProgress {
    /// Steps done.
    private(set) var step = 0
    /// What was seen so far.
    private(set) var curve: TrainingCurve
    private var lossSum = 0.0
    private var lossCount = 0
    private var seconds = 0.0
    private var bestLoss = Double.infinity
    private var bestStep = 0
    /// The best parameters so far, by name; bit patterns, so that they survive exactly.
    private var best: [String: [Float]] = [:]

    /// The beginning of a run of the student of this name.
    init(student: String) {
        curve = TrainingCurve(name: student, points: [])
    }

    mutating func add(loss: Double, seconds: Double) {
        step += 1
        lossSum += loss
        lossCount += 1
        self.seconds += seconds
    }

    /// How many steps before the last look the best one was.
    var stepsSinceBest: Int { (curve.points.last?.step ?? 0) - bestStep }

    /// Adds a look.
    ///
    /// - Returns: whether the loss on held-out texts was never lower.
    mutating func addPoint(heldOutLoss: Double, heldOutCosine: Double, seconds: Double) -> Bool {
        self.seconds += seconds
        let isBest = heldOutLoss < bestLoss
        if isBest { (bestLoss, bestStep) = (heldOutLoss, step) }
        curve.points.append(.init(
            step: step, loss: lossCount > 0 ? lossSum / Double(lossCount) : nil, heldOutCosine: heldOutCosine,
            seconds: self.seconds))
        lossSum = 0
        lossCount = 0
        return isBest
    }

    mutating func keepBest(_ parameters: [Parameter]) {
        for parameter in parameters where parameter.isTrainable { best[parameter.name] = parameter.tensor.values }
    }

    func restoreBest(into parameters: [Parameter]) {
        for parameter in parameters where parameter.isTrainable {
            if let values = best[parameter.name], values.count == parameter.count { parameter.tensor.assign(values) }
        }
    }
}

extension TrainingProgress {
    /// What stands before the parameters in a checkpoint's note.
    private struct Header: Codable {
        var step: Int
        var curve: TrainingCurve
        var lossSum: UInt64
        var lossCount: Int
        var seconds: Double
        var bestLoss: UInt64
        var bestStep: Int
        var names: [String]
        var counts: [Int]

        /// Whether its numbers can be those of a run, so that counting on from them overflows nowhere.
        var isPlausible: Bool {
            (0..<(1 << 53)).contains(step) && (0...step).contains(bestStep) && (0...step).contains(lossCount)
                && curve.points.allSatisfy { (0...step).contains($0.step) } && names.count == counts.count
                && Double(bitPattern: lossSum).isFinite && seconds.isFinite && !Double(bitPattern: bestLoss).isNaN
        }
    }

    /// The progress as bytes: length of the header, header as JSON, best parameters as little-endian floats.
    func encoded() throws -> [UInt8] {
        let names = best.keys.sorted()
        let header = try JSONEncoder().encode(Header(
            step: step, curve: curve, lossSum: lossSum.bitPattern, lossCount: lossCount, seconds: seconds,
            bestLoss: bestLoss.bitPattern, bestStep: bestStep,
            names: names, counts: names.map { best[$0, default: []].count }))
        var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian) { [UInt8]($0) }
        bytes += header
        for name in names {
            best[name, default: []].withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Reads what `encoded` wrote.
    ///
    /// - Throws: `TensorError` when the lengths do not fit, `DecodingError` when the header is broken.
    init(decoding bytes: [UInt8]) throws {
        let damaged = TensorError(.corrupt, "The progress in the checkpoint is cut short or damaged.")
        guard bytes.count >= 8 else { throw damaged }
        let length = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= UInt64(bytes.count - 8) else { throw damaged }
        var position = 8 + Int(length)
        let header = try JSONDecoder().decode(Header.self, from: Data(bytes[8..<position]))
        guard header.isPlausible else { throw damaged }
        (step, curve, lossCount, seconds) = (header.step, header.curve, header.lossCount, header.seconds)
        lossSum = Double(bitPattern: header.lossSum)
        (bestLoss, bestStep) = (Double(bitPattern: header.bestLoss), header.bestStep)
        for (name, count) in zip(header.names, header.counts) {
            guard count >= 0, count <= (bytes.count - position) / 4 else { throw damaged }
            best[name] = bytes.withUnsafeBytes { raw in
                (0..<count).map { raw.loadUnaligned(fromByteOffset: position + 4 * $0, as: Float.self) }
            }
            position += 4 * count
        }
    }
}
