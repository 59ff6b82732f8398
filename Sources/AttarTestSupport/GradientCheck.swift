import AttarTensor

/// An input of an operation under a gradient check.
public struct GradientInput {
    /// The size of each dimension.
    public let shape: [Int]
    /// The elements: floats, so that both sides compute from the same numbers.
    public let values: [Float]
    /// Whether its gradient is row-sparse.
    public let rowSparse: Bool

    /// An input with given elements.
    public init(shape: [Int], values: [Float], rowSparse: Bool = false) {
        self.shape = shape
        self.values = values
        self.rowSparse = rowSparse
    }

    /// An input drawn from a normal distribution.
    public static func random(
        _ shape: Int..., scale: Double = 1, offset: Double = 0, rowSparse: Bool = false,
        using generator: inout SeededGenerator
    ) -> GradientInput {
        let count = shape.reduce(1, *)
        let values = (0..<count).map { _ in Float(offset + scale * generator.normal()) }
        return GradientInput(shape: shape, values: values, rowSparse: rowSparse)
    }
}

/// How exact a gradient check is.
public struct GradientTolerance: Sendable {
    /// Relative to the larger of the two numbers.
    public var relative: Double
    /// Relative to the largest number of the compared tensor.
    public var ofLargest: Double

    /// The defaults suit single precision.
    public init(relative: Double = 1e-3, ofLargest: Double = 2e-5) {
        self.relative = relative
        self.ofLargest = ofLargest
    }
}

/// Compares an operation of the tape, forward and backward, with a reference that computes in double precision.
///
/// The reference is differentiated by central differences, `(f(x + h) − f(x − h)) / 2h` with h about 1e-5: in double
/// precision their error is about 1e-9, so what is found is the error of the tape. A result of several numbers is
/// reduced to one by fixed random coefficients.
///
/// - Parameters:
///   - inputs: Of each at most `samples` elements are checked backward, evenly spread; all are checked forward.
///   - tape: The operation under test.
///   - reference: The same from the elements of all inputs, in double precision; plain loops.
/// - Returns: What is wrong, a sentence each; empty when all agrees.
public func checkGradients(
    _ inputs: [GradientInput], samples: Int = 48, tolerance: GradientTolerance = GradientTolerance(), threads: Int = 2,
    precision: ProductPrecision = .fp32, tape operation: (Tape, [Tensor]) -> Tensor, reference: ([[Double]]) -> [Double]
) -> [String] {
    let tape = Tape(threads: threads, precision: precision)
    let tensors = inputs.map {
        Tensor(shape: $0.shape, values: $0.values, requiresGradient: true, rowSparse: $0.rowSparse)
    }
    let result = operation(tape, tensors)
    let exactInputs = inputs.map { $0.values.map(Double.init) }
    let exact = reference(exactInputs)
    guard exact.count == result.count else { return ["\(result.count) results, the reference has \(exact.count)"] }
    var failures = differences(result.values.map(Double.init), exact, "result", tolerance)

    var generator = SeededGenerator(seed: 7)
    let coefficients = exact.map { _ in Float(generator.normal()) }
    func objective(_ inputs: [[Double]]) -> Double {
        zip(reference(inputs), coefficients).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    tape.backward(from: result, gradient: coefficients)
    for (index, tensor) in tensors.enumerated() {
        guard let gradient = tensor.gradient else {
            failures.append("input \(index) has no gradient")
            continue
        }
        let step = max(1, (tensor.count + samples - 1) / samples)
        let places = stride(from: (index * 7) % step, to: tensor.count, by: step)
        let expected = places.map { centralDifference(objective, exactInputs, index, $0) }
        failures += differences(places.map { Double(gradient[$0]) }, expected, "gradient of input \(index)", tolerance)
    }
    return failures
}

private func centralDifference(
    _ function: ([[Double]]) -> Double, _ inputs: [[Double]], _ input: Int, _ place: Int
) -> Double {
    var moved = inputs
    let value = inputs[input][place]
    let step = 1e-5 * max(1, abs(value))
    moved[input][place] = value + step
    let above = function(moved)
    moved[input][place] = value - step
    return (above - function(moved)) / (2 * step)
}

private func differences(
    _ found: [Double], _ expected: [Double], _ what: String, _ tolerance: GradientTolerance
) -> [String] {
    let largest = expected.reduce(0) { max($0, abs($1)) }
    for (place, (found, expected)) in zip(found, expected).enumerated() {
        let allowed = tolerance.relative * max(abs(found), abs(expected)) + tolerance.ofLargest * largest + 1e-7
        if !(abs(found - expected) <= allowed) {
            return ["\(what), sampled element \(place): \(found), double precision says \(expected)"]
        }
    }
    return []
}
