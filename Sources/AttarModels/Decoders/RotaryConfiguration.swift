import Foundation

/// The angles of rotary positions (Su et al. 2021): pair i of a head turns by position · theta^(−2i / headSize).
public struct RotaryConfiguration: Sendable, Equatable {
    /// How long contexts change the frequencies.
    public enum Scaling: Sendable, Equatable {
        /// Not at all.
        case none
        /// All frequencies are divided by a factor.
        case linear(factor: Double)
        /// Llama 3.1: low frequencies are divided by the factor, high ones stay, between them it changes smoothly.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalPositions: Double)
        /// Frequencies are divided by the file's own numbers, one a pair (`rope_freqs.weight` of GGUF).
        case divisors([Float])
    }

    /// The base of the frequencies.
    public var theta: Double
    /// How long contexts change them.
    public var scaling: Scaling

    /// A configuration.
    public init(theta: Double = 10_000, scaling: Scaling = .none) {
        self.theta = theta
        self.scaling = scaling
    }

    func check(file: String) throws {
        var numbers = [theta]
        switch scaling {
        case .none: break
        case .linear(let factor): numbers.append(factor)
        case .llama3(let factor, let low, let high, let original):
            numbers += [factor, low, high, original, high - low]
        case .divisors(let divisors): numbers += divisors.map(Double.init)
        }
        guard numbers.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw ModelError.badConfiguration(
                file: file, detail: "its rotary positions have numbers that are not above 0: \(numbers.prefix(5)).")
        }
    }

    /// The angle of each pair at position 1.
    ///
    /// In the single precision of the reference, whose angles at high positions depend on it.
    func frequencies(headSize: Int) -> [Float] {
        (0..<headSize / 2).map { pair in
            let exponent = Float(2 * pair) / Float(headSize)
            let frequency = 1 / Float(pow(theta, Double(exponent)))
            return scaled(frequency, pair: pair)
        }
    }

    private func scaled(_ frequency: Float, pair: Int) -> Float {
        switch scaling {
        case .none: return frequency
        case .linear(let factor): return frequency / Float(factor)
        case .divisors(let divisors): return frequency / divisors[pair]
        case .llama3(let factor, let low, let high, let original):
            let wavelength = 2 * Double.pi / Double(frequency)
            if wavelength < original / high { return frequency }
            if wavelength > original / low { return frequency / Float(factor) }
            let smooth = (original / wavelength - low) / (high - low)
            return Float((1 - smooth) * Double(frequency) / factor + smooth * Double(frequency))
        }
    }
}

/// Cosines and sines of the angles of positions; it grows as positions are asked for.
final class RotaryTable {
    private let frequencies: [Float]
    /// Half the size of a head.
    var pairs: Int { frequencies.count }
    private let limit: Int
    private var positions = 0
    /// `[positions, headSize / 2]` each.
    private(set) var cosines = FloatBuffer(count: 0)
    private(set) var sines = FloatBuffer(count: 0)

    init(_ configuration: DecoderConfiguration) {
        frequencies = configuration.rotary.frequencies(headSize: configuration.headSize)
        limit = configuration.positions
    }

    /// Makes sure that the positions below `count` are there.
    func reserve(_ count: Int) {
        guard count > positions else { return }
        let pairs = frequencies.count
        let grown = max(count, min(limit, max(256, 2 * positions)))
        let (newCosines, newSines) = (FloatBuffer(count: grown * pairs), FloatBuffer(count: grown * pairs))
        newCosines.start.update(from: cosines.start, count: positions * pairs)
        newSines.start.update(from: sines.start, count: positions * pairs)
        for position in positions..<grown {
            for (pair, frequency) in frequencies.enumerated() {
                let angle = Double(Float(position) * frequency)
                newCosines.start[position * pairs + pair] = Float(cos(angle))
                newSines.start[position * pairs + pair] = Float(sin(angle))
            }
        }
        (cosines, sines, positions) = (newCosines, newSines, grown)
    }
}
