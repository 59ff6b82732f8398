/// A tensor with a name that persists from step to step and is trained: what a model consists of.
public final class Parameter {
    /// The name, as in the file of weights: `encoder.layer.0.output.dense.weight`.
    public let name: String
    /// The values, and the gradient.
    public let tensor: Tensor

    /// A parameter with given values.
    ///
    /// - Parameters:
    ///   - isTrainable: Whether a backward pass computes a gradient. A frozen parameter costs nothing in it.
    ///   - rowSparse: Whether gradients touch few rows: see `RowSparseGradient`.
    public init(name: String, _ values: TensorValues, isTrainable: Bool = true, rowSparse: Bool = false) {
        self.name = name
        tensor = Tensor(
            shape: values.shape, values: values.values, requiresGradient: isTrainable, rowSparse: rowSparse)
    }

    /// The size of each dimension.
    public var shape: [Int] { tensor.shape }

    /// The number of elements.
    public var count: Int { tensor.count }

    /// Whether the parameter is trained. A frozen one gets no gradient.
    public var isTrainable: Bool {
        get { tensor.requiresGradient }
        set {
            tensor.requiresGradient = newValue
            if !newValue { tensor.zeroGradient() }
        }
    }

    /// Shape and elements, copied.
    public var values: TensorValues { TensorValues(shape: shape, values: tensor.values) }

    /// Whether weight decay applies by the usual rule: to matrices, not to biases and normalisation.
    public var isDecayedByRule: Bool {
        !name.hasSuffix("bias") && !name.contains("LayerNorm") && shape.count > 1
    }
}

/// A shape and its elements: a tensor as a value, on its way from or to a file.
public struct TensorValues: Sendable, Equatable {
    /// The size of each dimension.
    public let shape: [Int]
    /// The elements, row-major.
    public var values: [Float]

    /// Elements with their shape.
    ///
    /// - Precondition: `values.count` is the product of `shape`.
    public init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values cannot have the shape \(shape)")
        self.shape = shape
        self.values = values
    }

    /// Elements all alike.
    public init(shape: [Int], repeating value: Float = 0) {
        self.init(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }

    /// Elements drawn from a normal distribution with mean zero.
    public init(shape: [Int], standardDeviation: Float, generator: inout SeededGenerator) {
        let count = shape.reduce(1, *)
        var values: [Float] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(standardDeviation * Float(generator.normal())) }
        self.init(shape: shape, values: values)
    }
}
