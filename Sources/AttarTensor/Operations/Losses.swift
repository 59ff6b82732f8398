import CAttarKernels
import Foundation

extension Tape {
    /// Squared error, summed over a row and averaged over rows: `L = 1/B Σ_i ‖y_i − ŷ_i‖²`, the loss of LEAF
    /// (Vujanic & Rueckstiess 2025).
    ///
    /// Derivatives: `dprediction = 2/B (prediction − target)`, `dtarget` the opposite. Falls as they approach.
    ///
    /// - Parameters:
    ///   - prediction: `[rows, dim]`, at least one row.
    ///   - target: `[rows, dim]`.
    /// - Returns: A single number.
    public func squaredError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
        precondition(
            prediction.shape == target.shape && prediction.rows > 0,
            "squaredError: shapes \(prediction.shape) and \(target.shape)")
        let loss = output([], from: prediction, target)
        let difference = scratch(prediction.count)
        difference.pointer.update(from: prediction.storage.pointer, count: prediction.count)
        attar_axpy_f32(-1, target.storage.pointer, difference.pointer, prediction.count)
        let rows = Double(prediction.rows)
        loss.storage.pointer[0] = Float(attar_sum_squares_f32(difference.pointer, prediction.count) / rows)
        record(loss) { tape, dloss in
            let factor = Float(2 / rows) * dloss[0]
            tape.addGradient(difference.pointer, to: prediction, scaledBy: factor)
            tape.addGradient(difference.pointer, to: target, scaledBy: -factor)
        }
        return loss
    }

    /// Cosine distance, averaged over rows: `L = 1/B Σ_i (1 − cos(y_i, t_i))`.
    ///
    /// Derivative, with c the cosine: `dy = −1/B (t̂ − c ŷ) / ‖y‖`, hats for normalised rows; likewise `dt`. Built from
    /// normalisation and products, so a row of zeros has cosine zero.
    ///
    /// - Parameters:
    ///   - prediction: `[rows, dim]`, at least one row.
    ///   - target: `[rows, dim]`.
    /// - Returns: A single number.
    public func cosineLoss(_ prediction: Tensor, _ target: Tensor) -> Tensor {
        precondition(
            prediction.shape == target.shape && prediction.rows > 0,
            "cosineLoss: shapes \(prediction.shape) and \(target.shape)")
        let cosines = sum(multiply(normalizeRows(prediction), normalizeRows(target)))
        let loss = output([], from: cosines)
        let rows = Float(prediction.rows)
        loss.storage.pointer[0] = 1 - cosines.scalar / rows
        record(loss) { tape, dloss in tape.addGradient(dloss, to: cosines, scaledBy: -1 / rows) }
        return loss
    }

    /// Cross-entropy with one right class a row, averaged over rows: `L = −1/B Σ_i ln softmax(logits_i)[targets_i]`.
    ///
    /// Derivative: `dlogits_i = 1/B (softmax(logits_i) − onehot(targets_i))`.
    ///
    /// - Parameters:
    ///   - logits: `[rows, classes]`, at least one row.
    ///   - targets: A class for each row, each in `0 ..< classes`.
    /// - Returns: A single number.
    public func crossEntropy(logits: Tensor, targets: [Int32]) -> Tensor {
        let classes = logits.columns
        precondition(
            targets.count == logits.rows && !targets.isEmpty
                && targets.allSatisfy { $0 >= 0 && Int($0) < classes },
            "crossEntropy: \(targets.count) targets, at most \(targets.max() ?? 0), for logits \(logits.shape)")
        return averaged(logits) { row, logarithms in
            -Double(logarithms[Int(targets[row])])
        } backward: { row, factor, probabilities, gradient in
            attar_axpy_f32(factor, probabilities, gradient, classes)
            gradient[Int(targets[row])] -= factor
        }
    }

    /// Kullback–Leibler divergence of the model's distribution from the target's, averaged over rows:
    /// `L = 1/B Σ_i Σ_j p_ij (ln p_ij − ln softmax(logits_i)_j)`, with `0 · ln 0 = 0`.
    ///
    /// Derivative: `dlogits_i = 1/B (softmax(logits_i) · Σ_j p_ij − p_i)`. The targets get no gradient.
    ///
    /// - Parameters:
    ///   - logits: `[rows, classes]`, at least one row.
    ///   - targetProbabilities: p, `[rows, classes]`: probabilities, not logits; each row sums to one.
    /// - Returns: A single number; zero when the distributions agree.
    public func klDivergence(logits: Tensor, targetProbabilities: Tensor) -> Tensor {
        divergence("klDivergence", logits, targetProbabilities) { p, logarithm in p * (Foundation.log(p) - logarithm) }
    }

    /// Cross-entropy with a distribution as target, averaged over rows: `L = −1/B Σ_i Σ_j p_ij ln softmax(logits_i)_j`.
    /// With p the softmax of a teacher's scores it is ListNet (Cao et al. 2007): the divergence from the target's
    /// distribution plus its entropy, which is the least it can be.
    ///
    /// Derivative: `dlogits_i = 1/B (softmax(logits_i) · Σ_j p_ij − p_i)`. The targets get no gradient.
    ///
    /// - Parameters:
    ///   - logits: `[rows, classes]`, at least one row.
    ///   - targetProbabilities: p, `[rows, classes]`: probabilities, not logits; each row sums to one.
    /// - Returns: A single number.
    public func crossEntropy(logits: Tensor, targetProbabilities: Tensor) -> Tensor {
        divergence("crossEntropy", logits, targetProbabilities) { p, logarithm in -p * logarithm }
    }

    /// A sum over classes of `term(p, ln softmax(logits))` whose derivative is that of the cross-entropy, as what
    /// `term` adds to it depends on p alone.
    private func divergence(
        _ operation: String, _ logits: Tensor, _ targetProbabilities: Tensor,
        term: @escaping (_ p: Double, _ logarithm: Double) -> Double
    ) -> Tensor {
        precondition(
            logits.shape == targetProbabilities.shape && logits.rows > 0,
            "\(operation): logits \(logits.shape), targets \(targetProbabilities.shape)")
        let (columns, targets) = (logits.columns, targetProbabilities.storage)
        return averaged(logits) { row, logarithms in
            let target = targets.pointer + row * columns
            return (0..<columns).reduce(0.0) { sum, column in
                target[column] > 0 ? sum + term(Double(target[column]), Double(logarithms[column])) : sum
            }
        } backward: { row, factor, probabilities, gradient in
            let target = targets.pointer + row * columns
            var mass: Float = 0
            for column in 0..<columns { mass += target[column] }
            for column in 0..<columns { gradient[column] += factor * (probabilities[column] * mass - target[column]) }
        }
    }

    /// The mean over rows of a loss of each row's log-softmax.
    ///
    /// - Parameters:
    ///   - loss: Of a row, from its number and log-softmax.
    ///   - backward: Adds a row's gradient, from its number, what the loss is multiplied by, its softmax.
    private func averaged(
        _ logits: Tensor, _ loss: (Int, UnsafePointer<Float>) -> Double,
        backward: @escaping (Int, Float, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> Tensor {
        let (rows, columns) = (logits.rows, logits.columns)
        let result = output([], from: logits)
        let probabilities = scratch(logits.count)
        var losses = [Double](repeating: 0, count: rows)
        losses.withUnsafeMutableBufferPointer { losses in
            parallelRows(rows, columns: columns) { range in
                let logarithms = scratch(columns)
                for row in range {
                    let first = row * columns
                    logSoftmaxRow(
                        logits.storage.pointer + first, columns, logarithms.pointer, probabilities.pointer + first)
                    losses[row] = loss(row, logarithms.pointer)
                }
            }
        }
        result.storage.pointer[0] = Float(losses.reduce(0, +) / Double(rows))
        record(result) { tape, dresult in
            let gradient = logits.gradientToAddTo()
            let factor = dresult[0] / Float(rows)
            tape.parallelRows(rows, columns: columns) { range in
                for row in range {
                    let first = row * columns
                    backward(row, factor, probabilities.pointer + first, gradient + first)
                }
            }
        }
        return result
    }
}
