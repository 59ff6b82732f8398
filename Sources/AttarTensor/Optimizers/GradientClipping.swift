import CAttarKernels

/// Scales all gradients down so that their common Euclidean norm is at most `maximum` (Pascanu, Mikolov & Bengio 2013).
///
/// - Parameters:
///   - parameters: Those without a gradient count as zero.
///   - maximum: The largest norm allowed; infinity to measure only.
///   - threads: The number of threads; the result does not depend on it.
/// - Returns: The norm before clipping. NaN or infinity when a gradient is not finite: then nothing is scaled.
/// - Complexity: O(elements with a gradient).
@discardableResult
public func clipGradientNorm(
    _ parameters: [Parameter], maximum: Double, threads: Int = Parallel.processorCount
) -> Double {
    let pieces = parameters.flatMap(gradientPieces)
    let sums = Storage(zeros: 2 * pieces.count)
    let partial = UncheckedSendable(UnsafeMutableRawPointer(sums.pointer).assumingMemoryBound(to: Double.self))
    let shared = UncheckedSendable(pieces)
    Parallel.forEach(count: pieces.count, threads: threads) { index in
        partial.value[index] = attar_sum_squares_f32(shared.value[index].pointer, shared.value[index].count)
    }
    var total = 0.0
    for index in pieces.indices { total += partial.value[index] }
    let norm = total.squareRoot()
    guard norm.isFinite, norm > maximum else { return norm }
    let factor = Float(maximum / norm)
    Parallel.forEach(count: pieces.count, threads: threads) { index in
        attar_scale_f32(factor, shared.value[index].pointer, shared.value[index].count)
    }
    return norm
}

/// The gradient of a parameter in runs of 65,536 floats.
private func gradientPieces(_ parameter: Parameter) -> [(pointer: UnsafeMutablePointer<Float>, count: Int)] {
    guard parameter.tensor.hasGradient else { return [] }
    let (pointer, count): (UnsafeMutablePointer<Float>, Int)
    if let rows = parameter.tensor.rowGradient {
        (pointer, count) = (rows.pointer, rows.count)
    } else if let storage = parameter.tensor.gradientStorage {
        (pointer, count) = (storage.pointer, storage.count)
    } else {
        return []
    }
    return stride(from: 0, to: count, by: 65_536).map { (pointer + $0, min(65_536, count - $0)) }
}
