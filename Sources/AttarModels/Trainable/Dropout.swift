import AttarTensor

/// How much of what layers hand on is dropped in training, and the random numbers that choose it.
public struct Dropout {
    /// The rate; zero for none.
    public let rate: Float
    /// The generator, which moves on with every use.
    public var generator: SeededGenerator

    /// Dropout at a rate.
    public init(rate: Float, generator: SeededGenerator) {
        self.rate = rate
        self.generator = generator
    }

    /// No dropout.
    public static var none: Dropout { Dropout(rate: 0, generator: SeededGenerator(seed: 0)) }

    mutating func apply(_ tape: Tape, _ x: Tensor) -> Tensor {
        rate > 0 ? tape.dropout(x, rate: rate, generator: &generator) : x
    }
}

extension TrainableBert {
    /// How much of a layer's results is dropped.
    public typealias Dropout = AttarModels.Dropout
}
