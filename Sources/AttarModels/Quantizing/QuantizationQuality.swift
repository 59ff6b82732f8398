/// How near a quantised model is to the one that it was made from, measured on texts.
public struct QuantizationQuality: Sendable, Codable, Equatable {
    /// The number of texts.
    public let texts: Int
    /// The least cosine.
    public let minimum: Double
    /// The cosine that 1 % of the texts fall below.
    public let firstPercentile: Double
    /// The cosine that half of the texts fall below.
    public let median: Double
    /// The mean cosine.
    public let mean: Double

    /// - Parameter cosines: one a text; at least one.
    init(cosines: [Double]) {
        precondition(!cosines.isEmpty, "quality over no texts")
        let sorted = cosines.sorted()
        texts = sorted.count
        minimum = sorted[0]
        firstPercentile = Self.quantile(0.01, of: sorted)
        median = Self.quantile(0.5, of: sorted)
        mean = sorted.reduce(0, +) / Double(sorted.count)
    }

    /// Linear between the two nearest, as NumPy has it.
    private static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}

extension ModelQuantizer {
    /// Compares what the source and the folder that was written make of texts, each at its own precision.
    ///
    /// Vectors and SPLADE weights are compared by their cosine. A cross-encoder makes scores of pairs, for which texts
    /// alone say nothing: nil, as for no texts.
    ///
    /// - Throws: what the encoders throw.
    public func quality(
        of path: String, on texts: [String], options: EncodingOptions = EncodingOptions()
    ) throws -> QuantizationQuality? {
        guard !texts.isEmpty else { return nil }
        let written = try ModelFolder(path: path)
        let first = try ComparableEncoder(source, source.weights())
        let second = try ComparableEncoder(written, written.weights())
        return try second.cosines(to: first, texts: texts, options: options).map { QuantizationQuality(cosines: $0) }
    }
}
