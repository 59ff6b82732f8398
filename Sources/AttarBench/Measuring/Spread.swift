/// A median and the quartiles around it.
public struct Spread: Codable, Sendable, Equatable {
    /// A quarter of the values is not above it.
    public var lowerQuartile: Double
    /// The middle value.
    public var median: Double
    /// A quarter of the values is not below it.
    public var upperQuartile: Double

    /// The spread of values, interpolated linearly between neighbours (as NumPy does); zeros without values.
    ///
    /// - Complexity: O(n log n).
    public init(of values: [Double]) {
        let sorted = values.sorted()
        func quantile(_ share: Double) -> Double {
            guard let last = sorted.indices.last else { return 0 }
            let place = share * Double(last)
            let index = Int(place)
            guard index < last else { return sorted[last] }
            return sorted[index] + (sorted[index + 1] - sorted[index]) * (place - Double(index))
        }
        lowerQuartile = quantile(0.25)
        median = quantile(0.5)
        upperQuartile = quantile(0.75)
    }
}
