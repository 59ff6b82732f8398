import Foundation

/// Maps values to coordinates, and knows where its ticks are.
struct Axis {
    /// The lowest and highest value shown.
    let lower, upper: Double
    /// The coordinates of the two.
    let start, end: Double
    /// Whether equal factors, not equal differences, are equally far apart.
    let isLogarithmic: Bool

    /// A linear axis over the values with some room at both ends.
    static func linear(
        covering values: [Double], from start: Double, to end: Double, padding: Double = 0.06,
        within limits: ClosedRange<Double>? = nil
    ) -> Axis {
        var (lower, upper) = (values.min() ?? 0, values.max() ?? 1)
        if upper - lower < 1e-9 { (lower, upper) = (lower - 0.05, upper + 0.05) }
        let room = (upper - lower) * padding
        (lower, upper) = (lower - room, upper + room)
        if let limits { (lower, upper) = (max(lower, limits.lowerBound), min(upper, limits.upperBound)) }
        return Axis(lower: lower, upper: upper, start: start, end: end, isLogarithmic: false)
    }

    /// A logarithmic axis over positive values with some room at both ends.
    static func logarithmic(covering values: [Double], from start: Double, to end: Double) -> Axis {
        let exponents = values.filter { $0 > 0 }.map { log10($0) }
        var (lower, upper) = (exponents.min() ?? 0, exponents.max() ?? 1)
        let room = max(0.12, (upper - lower) * 0.07)
        (lower, upper) = (lower - room, upper + room)
        if upper - lower < 1 {
            let middle = (lower + upper) / 2
            (lower, upper) = (middle - 0.5, middle + 0.5)
        }
        return Axis(lower: pow(10, lower), upper: pow(10, upper), start: start, end: end, isLogarithmic: true)
    }

    /// The coordinate of a value.
    func position(_ value: Double) -> Double {
        let fraction =
            isLogarithmic
            ? (log10(max(value, 1e-12)) - log10(lower)) / (log10(upper) - log10(lower))
            : (value - lower) / (upper - lower)
        return start + fraction * (end - start)
    }

    /// Round values within the axis, about as many as asked for.
    func ticks(about count: Int) -> [Double] {
        isLogarithmic ? logarithmicTicks(about: count) : linearTicks(about: count)
    }

    private func linearTicks(about count: Int) -> [Double] {
        let step = Self.roundStep((upper - lower) / Double(max(1, count)))
        guard step > 0, step.isFinite else { return [] }
        let first = Int((lower / step).rounded(.up))
        let last = Int((upper / step).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }

    /// The smallest of 1, 2, 5 times a power of ten that is not much below `step`.
    private static func roundStep(_ step: Double) -> Double {
        let power = pow(10, log10(step).rounded(.down))
        let factor = [1.0, 2, 5, 10].first { $0 * power >= step * 0.8 } ?? 10
        return factor * power
    }

    /// Powers of ten; with 2 and 5, or 3, between them where that gives no more than asked for.
    private func logarithmicTicks(about count: Int) -> [Double] {
        let powers = Int(log10(lower).rounded(.down))...Int(log10(upper).rounded(.up))
        let (lowest, highest) = (lower * (1 - 1e-9), upper * (1 + 1e-9))
        func ticks(_ factors: [Double]) -> [Double] {
            let all: [Double] = powers.flatMap { power in factors.map { factor in factor * pow(10, Double(power)) } }
            return all.filter { $0 >= lowest && $0 <= highest }
        }
        let candidates = [ticks([1, 2, 5]), ticks([1, 3]), ticks([1])]
        return candidates.first { $0.count <= count } ?? candidates[2]
    }
}
