import AttarStorage
import AttarTensor
import CAttarKernels
import Foundation

/// Turns a time budget into a number of steps, once and for all before training.
///
/// Training never looks at the clock to decide when to stop: a run that was killed and resumed, or shared the machine
/// with others, would end elsewhere than an undisturbed one. Instead the machine's speed is measured once and kept in a
/// cache; equal budgets on one machine then mean equal steps.
public struct ComputeBudget: Sendable {
    /// Multiply-adds a second, of forward and backward passes through linear layers.
    public let productsPerSecond: Double

    /// The part of a step's time that linear layers take; the rest goes to attention, normalisation and the optimiser.
    private static let shareOfProducts = 0.6

    /// A budget for a machine of known speed.
    public init(productsPerSecond: Double) {
        self.productsPerSecond = productsPerSecond
    }

    /// The steps that fit into a time, at least 1.
    ///
    /// - Parameters:
    ///   - tokens: tokens a step.
    ///   - weights: weights that each token is multiplied with.
    public func steps(in time: Duration, tokens: Int, weights: Int) -> Int {
        max(1, Int(time.inSeconds / secondsPerStep(tokens: tokens, weights: weights)))
    }

    /// The seconds of one step: forward, gradient of the inputs, gradient of the weights.
    public func secondsPerStep(tokens: Int, weights: Int) -> Double {
        3 * Double(tokens) * Double(weights) / (productsPerSecond * Self.shareOfProducts)
    }

    /// The speed of this machine, from the cache where it was measured before.
    ///
    /// - Parameter cacheFolder: the folder of the cache; a file that cannot be read or written there is no error.
    public static func ofThisMachine(threads: Int, cacheFolder: String = defaultCacheFolder) -> ComputeBudget {
        let kernels = String(cString: attar_cpu_name(attar_cpu_current()))
        let path = "\(cacheFolder)/speed-\(kernels)-\(threads).json"
        if let data = FileManager.default.contents(atPath: path),
            let speed = try? JSONDecoder().decode(Double.self, from: data), speed.isFinite, speed > 0 {
            return ComputeBudget(productsPerSecond: speed)
        }
        // Two significant digits: the figure is a plan, not a measurement.
        let speed = rounded(measure(threads: threads))
        try? FileManager.default.createDirectory(atPath: cacheFolder, withIntermediateDirectories: true)
        if let data = try? JSONEncoder().encode(speed) { try? AtomicFile.write([UInt8](data), to: path) }
        return ComputeBudget(productsPerSecond: speed)
    }

    /// `~/.cache/attar`.
    public static var defaultCacheFolder: String { NSHomeDirectory() + "/.cache/attar" }

    private static func rounded(_ speed: Double) -> Double {
        let unit = pow(10, floor(log10(speed)) - 1)
        return (speed / unit).rounded() * unit
    }

    /// The fastest of twelve forward and backward passes through a layer of MiniLM's size: the machine's own speed,
    /// also when others are using it at the moment.
    private static func measure(threads: Int) -> Double {
        let (rows, inputs, outputs) = (1024, 384, 1536)
        let tape = Tape(threads: threads)
        var generator = SeededGenerator(seed: 1)
        let weight = Parameter(
            name: "weight", TensorValues(shape: [outputs, inputs], standardDeviation: 0.02, generator: &generator))
        let input = Parameter(
            name: "input", TensorValues(shape: [rows, inputs], standardDeviation: 1, generator: &generator))
        let clock = ContinuousClock()
        let times = (0..<12).map { _ in
            clock.measure { tape.backward(from: tape.sum(tape.linear(input.tensor, weight: weight.tensor))) }.inSeconds
        }
        return 3 * Double(rows * inputs * outputs) / max(1e-9, times.min() ?? 1)
    }
}
