import CAttarKernels
import Foundation

extension Tape {
    /// The natural logarithm of the probability that a linear layer over many classes gives to one class of each row,
    /// such as the token that came next: `y_i = s_{i,t_i} − ln Σ_j exp s_ij` with `s = x Wᵀ` and `t` the targets.
    ///
    /// Derivative: `dx_i = dy_i (W_{t_i} − Σ_j p_ij W_j)` with `p = softmax(s)`. W gets none.
    ///
    /// The same as gathering from `logSoftmax(linear(x, weight: W))`, but s, which has as many columns as a language
    /// model has tokens, is never there as a whole. It is made in blocks of classes; a running sum of exponentials and,
    /// for the way back, a running mean of W's rows under p are corrected as each block comes, as attention does with
    /// its values (Rabe & Staats 2021; Dao et al. 2022). The way back then needs no product at all.
    ///
    /// - Parameters:
    ///   - x: `[rows, dim]`.
    ///   - classes: W, `[classes, dim]`, which requires no gradient.
    ///   - targets: t, a class for each row, each in `0 ..< classes`.
    ///   - precision: nil for the tape's.
    /// - Returns: `[rows]`.
    /// - Complexity: O(rows · classes · dim), twice that when recording; memory for `rows · (1536 + dim)` numbers, of
    ///   which `rows · dim` are kept.
    public func logProbabilities(
        _ x: Tensor, classes: Tensor, targets: [Int32], precision: ProductPrecision? = nil
    ) -> Tensor {
        precondition(
            classes.shape.count == 2 && classes.columns == x.columns && targets.count == x.rows
                && targets.allSatisfy { $0 >= 0 && Int($0) < classes.rows },
            "logProbabilities: input \(x.shape), classes \(classes.shape), \(targets.count) targets, at most "
                + "\(targets.max() ?? 0)")
        precondition(!classes.requiresGradient, "logProbabilities: classes of shape \(classes.shape) get no gradient")
        let dim = x.columns
        let y = output([x.rows], from: x)
        let means = y.requiresGradient ? scratch(x.count) : nil
        means?.clear()
        var sums = [Double](repeating: -.infinity, count: x.rows)
        sums.withUnsafeMutableBufferPointer { sums in
            let running = RunningClasses(
                x: x, classes: classes, targets: targets, precision: precision ?? self.precision, logarithms: sums,
                chosen: y.storage.pointer, means: means?.pointer)
            for first in stride(from: 0, to: classes.rows, by: RunningClasses.block) {
                running.add(first..<min(classes.rows, first + RunningClasses.block), tape: self)
            }
        }
        for row in 0..<x.rows { y.storage.pointer[row] = Float(Double(y.storage.pointer[row]) - sums[row]) }
        record(y) { tape, dy in
            guard let means else { return }
            let dx = x.gradientToAddTo()
            tape.parallelRows(x.rows, columns: dim) { range in
                for row in range {
                    attar_axpy_f32(dy[row], classes.storage.pointer + Int(targets[row]) * dim, dx + row * dim, dim)
                    attar_axpy_f32(-dy[row], means.pointer + row * dim, dx + row * dim, dim)
                }
            }
        }
        return y
    }
}

/// What is known of each row's softmax after some blocks of classes.
private struct RunningClasses {
    let x: Tensor
    let classes: Tensor
    let targets: [Int32]
    let precision: ProductPrecision
    /// `ln Σ exp s` over the classes so far, `[rows]`; minus infinity at the beginning.
    let logarithms: UnsafeMutableBufferPointer<Double>
    /// The target's s, once its block has come, `[rows]`.
    let chosen: UnsafeMutablePointer<Float>
    /// `Σ_j p_j W_j` with the softmax of the classes so far, `[rows, dim]`; nil when nobody goes back.
    let means: UnsafeMutablePointer<Float>?

    /// The classes of a block: scores of some hundred rows stay in the second-level cache.
    static let block = 1536

    func add(_ range: Range<Int>, tape: Tape) {
        let (count, dim) = (range.count, x.columns)
        let weights = classes.storage.pointer + range.lowerBound * dim
        let scores = tape.scratch(x.rows * count)
        PackedMatrix(
            weights, stride: dim, columns: count, inner: dim, transposed: false, precision: precision, tape: tape
        ).multiply(
            rows: x.rows, left: x.storage.pointer, leftStride: dim, result: scores.pointer, resultStride: count,
            accumulate: false, tape: tape)
        tape.parallelRows(x.rows, columns: count) { rows in
            for row in rows { absorb(row, range, scores.pointer + row * count) }
        }
        guard let means else { return }
        // The block's own sum, added as one: in a chain over all classes what is small would vanish beside what is
        // large.
        let part = tape.scratch(x.count)
        PackedMatrix(
            weights, stride: dim, columns: dim, inner: count, transposed: true, precision: precision, tape: tape
        ).multiply(
            rows: x.rows, left: scores.pointer, leftStride: count, result: part.pointer, resultStride: dim,
            accumulate: false, tape: tape)
        tape.parallelElements(x.count) { elements in
            attar_add_f32(part.pointer + elements.lowerBound, means + elements.lowerBound, elements.count)
        }
    }

    /// Takes a row's scores of a block; leaves their probabilities in place of them.
    private func absorb(_ row: Int, _ range: Range<Int>, _ scores: UnsafeMutablePointer<Float>) {
        if range.contains(Int(targets[row])) { chosen[row] = scores[Int(targets[row]) - range.lowerBound] }
        let old = logarithms[row], new = attar_log_sum_exp_f32(scores, range.count)
        let larger = max(old, new), smaller = min(old, new)
        let both = smaller == -.infinity ? larger : larger + log1p(Foundation.exp(smaller - larger))
        logarithms[row] = both
        guard let means else { return }
        for index in 0..<range.count { scores[index] = Float(Double(scores[index]) - both) }
        attar_exp_f32(scores, scores, range.count)
        attar_scale_f32(Float(Foundation.exp(old - both)), means + row * x.columns, x.columns)
    }
}
