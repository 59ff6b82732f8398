/// What was measured of a case.
public struct CaseResult: Codable, Sendable {
    /// One of ours compared with another contender.
    public struct Ratio: Codable, Sendable {
        /// The contender of ours.
        public var ours: String
        /// Our value divided by the other's, round by round: below 1 is faster for times, above 1 for rates.
        public var spread: Spread
    }

    /// What was measured of a contender.
    public struct Entry: Codable, Sendable {
        /// Who.
        public var label: ContenderLabel
        /// The value that is shown, over the rounds.
        public var value: Spread
        /// The share of the core's peak, where operations are known.
        public var shareOfPeak: Spread?
        /// How each of ours compares with it; empty for our own.
        public var ratios: [Ratio]
        /// What was found out about agreement.
        public var agreement: String?
    }

    /// The case.
    public var name: String
    /// What the values are.
    public var quantity: BenchCase.Quantity
    /// The peak of the core over the rounds, in operations a second; nil when operations are not known.
    public var peak: Spread?
    /// Who was measured, in the order of the case.
    public var entries: [Entry]

    /// - Parameters:
    ///   - secondsByRound: `[contenders][rounds]`: the seconds of a repetition.
    ///   - peaks: `[rounds]`, or empty.
    init(_ bench: BenchCase, secondsByRound: [[Double]], peaks: [Double]) {
        let values = secondsByRound.map { rounds in rounds.map { bench.quantity.value($0, amount: bench.amount) } }
        let labels = bench.contenders.map(\.label)
        name = bench.name
        quantity = bench.quantity
        peak = peaks.isEmpty ? nil : Spread(of: peaks)
        entries = labels.indices.map { index in
            let others = labels[index].isOurs ? [] : labels.indices.filter { labels[$0].isOurs }
            return Entry(
                label: labels[index], value: Spread(of: values[index]),
                shareOfPeak: bench.operations.flatMap { operations in
                    peaks.isEmpty ? nil : Spread(of: zip(secondsByRound[index], peaks).map { operations / $0 / $1 })
                },
                ratios: others.map { other in
                    Ratio(ours: labels[other].description, spread: Spread(of: zip(values[other], values[index]).map(/)))
                },
                agreement: bench.agreement[labels[index].description])
        }
    }
}

extension BenchCase.Quantity {
    /// What is shown of the seconds of a repetition that worked through `amount`.
    func value(_ seconds: Double, amount: Double) -> Double {
        switch self {
        case .milliseconds: 1e3 * seconds
        case .microseconds: 1e6 * seconds / amount
        case .rate: amount / seconds
        }
    }
}
