/// Which pipelines a pipeline is significantly better than, as the letters of a table.
struct SignificanceMarks {
    private let report: EvaluationReport

    init(_ report: EvaluationReport) {
        self.report = report
    }

    /// The letter of the pipeline at a place: a to z, then aa, ab and so on.
    static func letter(_ index: Int) -> String {
        let last = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index % 26)))
        return index < 26 ? last : letter(index / 26 - 1) + last
    }

    /// The letters of all pipelines that the named one beats on a metric, in order.
    func letters(of name: String, on metric: Metric) -> [String] {
        report.pipelines.enumerated().compactMap { index, other in
            guard other.name != name, let comparison = report.comparison(of: name, with: other.name, on: metric) else {
                return nil
            }
            let isBetter = comparison.difference > 0 && comparison.adjustedPValue < report.statistics.significance
            return isBetter ? Self.letter(index) : nil
        }
    }

    /// Whether a pipeline has the highest mean on a metric.
    func isBest(_ name: String, on metric: Metric) -> Bool {
        let means = report.pipelines.compactMap { $0.measurement(of: metric)?.mean }
        guard let highest = means.max(), means.count > 1 else { return false }
        return report.pipeline(named: name)?.measurement(of: metric)?.mean == highest
    }
}
