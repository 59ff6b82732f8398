import CAttarKernels

extension Tape {
    /// The value of one tensor with the gradient of another: `y = hard`, `dsoft = dy` (Bengio, Léonard & Courville
    /// 2013).
    ///
    /// - Parameters:
    ///   - hard: What the result is; gets no gradient.
    ///   - soft: What learns; the same shape.
    public func straightThrough(hard: Tensor, soft: Tensor) -> Tensor {
        precondition(hard.shape == soft.shape, "straightThrough: hard \(hard.shape), soft \(soft.shape)")
        let y = output(soft.shape, from: soft)
        y.storage.pointer.update(from: hard.storage.pointer, count: y.count)
        record(y) { tape, dy in tape.addGradient(dy, to: soft) }
        return y
    }

    /// The nearest choice of each row as a one-hot vector, with the gradient of the soft choice
    /// `a = softmax(−distances / temperature)`: the assignment to code words that product quantisation learns through
    /// (Xiao et al. 2022, Distill-VQ).
    ///
    /// Forward: y is 1 at the first smallest distance, else 0. Derivative: that of a,
    /// `ddistances = −a · (dy − Σ_j a_j dy_j) / temperature`.
    ///
    /// - Parameters:
    ///   - distances: `[rows, choices]`, at least one choice.
    ///   - temperature: Above zero.
    /// - Returns: `[rows, choices]`. Times the code book, `[choices, dim]`, it gives the chosen code words.
    public func straightThroughNearest(_ distances: Tensor, temperature: Float = 1) -> Tensor {
        let columns = distances.columns
        precondition(
            columns > 0 && temperature > 0,
            "straightThroughNearest: distances \(distances.shape), temperature \(temperature)")
        let soft = softmax(scale(distances, by: -1 / temperature))
        let hard = constant(shape: distances.shape, [Float](repeating: 0, count: distances.count))
        for row in 0..<distances.rows {
            let values = distances.storage.pointer + row * columns
            var best = 0
            for column in 1..<columns where values[column] < values[best] { best = column }
            hard.storage.pointer[row * columns + best] = 1
        }
        return straightThrough(hard: hard, soft: soft)
    }
}
