/// Intervals and tests for several runs measured on the same judgements.
struct PairedComparisons {
    let scores: [RunScores]
    let options: StatisticsOptions

    /// The mean and interval of every metric of one run.
    func measurements(of run: RunScores) -> [Measurement] {
        let intervals = Bootstrap.intervals(of: run.values, options: options)
        return zip(run.metrics, intervals).map { metric, interval in
            Measurement(metric: metric, mean: run.mean(of: metric) ?? 0, interval: interval)
        }
    }

    /// Every pair of runs, in their order, on every metric; Holm's correction within a metric.
    func comparisons(on metrics: [Metric]) -> [Comparison] {
        metrics.flatMap { comparisons(on: $0) }
    }

    private func comparisons(on metric: Metric) -> [Comparison] {
        var pairs: [(first: String, second: String, differences: [Double])] = []
        for first in scores.indices {
            for second in scores.indices.dropFirst(first + 1) {
                let differences = differences(scores[first], scores[second], on: metric)
                pairs.append((scores[first].name, scores[second].name, differences))
            }
        }
        let pValues = pairs.map { pair in
            RandomisationTest.pValue(
                ofDifferences: pair.differences, permutations: options.permutations, seed: options.seed)
        }
        return zip(pairs, zip(zip(pValues, Holm.adjusted(pValues)), intervals(of: pairs.map(\.differences)))).map {
            pair, numbers in
            let count = pair.differences.count
            return Comparison(
                metric: metric, first: pair.first, second: pair.second,
                difference: count == 0 ? 0 : pair.differences.reduce(0, +) / Double(count),
                interval: numbers.1, pValue: numbers.0.0, adjustedPValue: numbers.0.1, queries: count)
        }
    }

    /// With all queries in common, one resampling serves every pair.
    private func intervals(of differences: [[Double]]) -> [Interval?] {
        if Set(differences.map(\.count)).count <= 1 { return Bootstrap.intervals(of: differences, options: options) }
        return differences.map { Bootstrap.interval(of: $0, options: options) }
    }

    /// The differences on the queries that both runs have.
    private func differences(_ first: RunScores, _ second: RunScores, on metric: Metric) -> [Double] {
        guard let minuends = first.values(of: metric), let subtrahends = second.values(of: metric) else { return [] }
        if first.queryIDs == second.queryIDs { return zip(minuends, subtrahends).map { $0 - $1 } }
        let values = Dictionary(uniqueKeysWithValues: zip(second.queryIDs, subtrahends))
        return zip(first.queryIDs, minuends).compactMap { query, value in values[query].map { value - $0 } }
    }
}
