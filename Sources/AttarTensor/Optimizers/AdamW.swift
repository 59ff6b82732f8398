import CAttarKernels
import Foundation

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019), dense and for tables whose gradient is row-sparse.
///
/// Dense parameters: `m = β₁m + (1−β₁)g`, `v = β₂v + (1−β₂)g²`,
/// `p −= rate · (decay · p + m̂ / (√v̂ + ε))` with `m̂ = m / (1−β₁ᵗ)`, `v̂ = v / (1−β₂ᵗ)`. A parameter without a
/// gradient is left alone, decay included.
///
/// Row-sparse parameters: the same for touched rows only, so that a step costs nothing for the others. Each row counts
/// its own steps t for the bias correction: with the step count of the whole run a row met late would move more than
/// three times too far at its first meeting (`(1−β₁)/√(1−β₂)` = 3.2).
///
/// The state grows on demand: two floats a trained parameter.
public final class AdamW {
    /// What all groups share.
    public struct Configuration: Codable, Sendable, Equatable {
        /// How much of the mean of gradients stays from step to step.
        public var beta1: Float
        /// How much of the mean of squared gradients stays from step to step.
        public var beta2: Float
        /// Added to the root of the mean square.
        public var epsilon: Float

        /// The defaults are those of the paper.
        public init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
        }
    }

    /// Parameters that learn at one rate.
    public struct Group {
        /// The parameters; frozen ones are left alone.
        public var parameters: [Parameter]
        /// The learning rate, before the schedule.
        public var learningRate: Float
        /// The weight decay, multiplied by the learning rate.
        public var weightDecay: Float

        /// A group.
        public init(parameters: [Parameter], learningRate: Float, weightDecay: Float = 0) {
            self.parameters = parameters
            self.learningRate = learningRate
            self.weightDecay = weightDecay
        }
    }

    /// What all groups share.
    public let configuration: Configuration
    /// The groups; rates may be changed between steps.
    public var groups: [Group]
    /// The number of steps done.
    public internal(set) var stepCount = 0
    /// The number of threads.
    public let threads: Int

    var moments: [String: Moments] = [:]

    /// An optimiser at its beginning.
    ///
    /// - Precondition: Names are unique over all groups.
    public init(groups: [Group], configuration: Configuration = Configuration(), threads: Int = Parallel.processorCount)
    {
        let names = groups.flatMap { $0.parameters.map(\.name) }
        precondition(Set(names).count == names.count, "AdamW: a parameter's name occurs twice")
        self.groups = groups
        self.configuration = configuration
        self.threads = threads
    }

    /// The two usual groups: matrices with weight decay, biases and normalisation without.
    public static func groups(_ parameters: [Parameter], learningRate: Float, weightDecay: Float) -> [Group] {
        [
            Group(
                parameters: parameters.filter(\.isDecayedByRule), learningRate: learningRate, weightDecay: weightDecay),
            Group(parameters: parameters.filter { !$0.isDecayedByRule }, learningRate: learningRate),
        ]
    }

    /// All parameters of all groups that are trained.
    public var parameters: [Parameter] { groups.flatMap(\.parameters).filter(\.isTrainable) }

    /// Changes the parameters by their gradients.
    ///
    /// - Parameter rateFactor: What the schedule multiplies every learning rate with.
    /// - Complexity: O(elements with a gradient).
    public func step(rateFactor: Float = 1) {
        stepCount += 1
        for group in groups {
            for parameter in group.parameters where parameter.isTrainable && parameter.tensor.hasGradient {
                let update = Update(
                    configuration: configuration, rate: group.learningRate * rateFactor, decay: group.weightDecay)
                let moments = momentsOf(parameter)
                if let rows = parameter.tensor.rowGradient {
                    stepRows(parameter, rows, moments, update)
                } else {
                    stepDense(parameter, moments, update)
                }
            }
        }
    }

    /// Forgets all gradients.
    public func zeroGradients() {
        for group in groups {
            for parameter in group.parameters { parameter.tensor.zeroGradient() }
        }
    }

    private func stepDense(_ parameter: Parameter, _ moments: Moments, _ update: Update) {
        guard let gradient = parameter.tensor.gradientStorage else { return }
        moments.steps += 1
        let step = moments.steps
        share(parameter.count, chunk: 65_536) { range in
            let first = range.lowerBound
            update.apply(
                parameter.tensor.storage.pointer, gradient.pointer + first, moments, first, range.count, step)
        }
    }

    private func stepRows(_ parameter: Parameter, _ rows: RowSparseGradient, _ moments: Moments, _ update: Update) {
        let dim = rows.dimension
        for row in rows.rows { moments.rowSteps[Int(row)] += 1 }
        share(rows.rows.count, chunk: 64) { range in
            for slot in range {
                let row = Int(rows.rows[slot])
                update.apply(
                    parameter.tensor.storage.pointer, rows.pointer + slot * dim, moments, row * dim, dim,
                    Int(moments.rowSteps[row]))
            }
        }
    }

    /// The moments of a parameter, zero at its first step.
    func momentsOf(_ parameter: Parameter) -> Moments {
        if let known = moments[parameter.name] { return known }
        let new = Moments(count: parameter.count, rows: parameter.tensor.rowGradient?.rowCount ?? 0)
        moments[parameter.name] = new
        return new
    }

    private func share(_ count: Int, chunk: Int, _ body: (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { body in
            let shared = UncheckedSendable(body)
            Parallel.forEachRange(count: count, chunk: chunk, threads: threads) { shared.value($0) }
        }
    }
}

/// The moving averages of one parameter's gradients.
final class Moments {
    /// The mean of the gradient.
    let first: Storage
    /// The mean of its square.
    let second: Storage
    /// The number of steps of a dense parameter.
    var steps = 0
    /// The number of steps of each row of a row-sparse one.
    var rowSteps: [UInt32]

    init(count: Int, rows: Int) {
        first = Storage(zeros: count)
        second = Storage(zeros: count)
        rowSteps = [UInt32](repeating: 0, count: rows)
    }
}

/// One step for a run of elements.
private struct Update {
    let configuration: AdamW.Configuration
    let rate: Float
    let decay: Float

    /// - Parameters:
    ///   - values: All elements of the parameter.
    ///   - gradient: The gradient of the elements from `first` on.
    func apply(
        _ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, _ moments: Moments, _ first: Int,
        _ count: Int, _ step: Int
    ) {
        attar_adamw_f32(
            values + first, gradient, moments.first.pointer + first, moments.second.pointer + first, count, rate,
            configuration.beta1, configuration.beta2, configuration.epsilon, decay,
            Float(1 - pow(Double(configuration.beta1), Double(step))),
            Float(1 - pow(Double(configuration.beta2), Double(step))))
    }
}
