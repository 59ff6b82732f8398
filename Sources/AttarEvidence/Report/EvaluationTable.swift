/// A report as a table for the terminal: aligned columns, intervals, and letters for significance.
///
///        nDCG@10                  MRR@10
///     a  bm25  0.506 [0.45–0.56]  0.702 [0.59–0.81]
///     b  tasb  0.721 [0.66–0.78]ᵃ 0.929 [0.86–0.98]ᵃ
public struct EvaluationTable: Sendable {
    private let report: EvaluationReport
    private let marks: SignificanceMarks

    /// The table of a report.
    public init(_ report: EvaluationReport) {
        self.report = report
        marks = SignificanceMarks(report)
    }

    /// The lines: quality, then time and size where measured, then what the letters mean.
    public var text: String {
        var blocks = [heading, Self.aligned([qualityHeader] + report.pipelines.indices.map(qualityRow))]
        if let costs { blocks.append(Self.aligned(costs)) }
        blocks.append(legend)
        if !report.notes.isEmpty { blocks.append(report.notes.map { "Note: \($0)" }.joined(separator: "\n")) }
        if let verdict = report.verdict { blocks.append(Self.text(of: verdict)) }
        return blocks.joined(separator: "\n\n") + "\n"
    }

    /// The verdict as lines: the headline, then the reasons.
    public static func text(of verdict: Verdict) -> String {
        let reasons = (verdict.reasons + [verdict.recommendation].compactMap { $0 }).map { "  - \($0)" }
        return (["Verdict: \(verdict.headline)"] + reasons).joined(separator: "\n")
    }

    private var heading: String {
        let judgements = report.dataset.judgements.map { ", \(NumberText.count($0)) judgements" } ?? ""
        return "\(report.title) (\(NumberText.count(report.dataset.queries)) queries\(judgements))"
    }

    private var qualityHeader: [String] { ["", "pipeline"] + report.metrics.map(\.description) }

    private func qualityRow(_ index: Int) -> [String] {
        let pipeline = report.pipelines[index]
        let values = report.metrics.map { metric in
            guard let measurement = pipeline.measurement(of: metric) else { return "–" }
            let interval = measurement.interval.map { " [\(NumberText.interval($0))]" } ?? ""
            let letters = marks.letters(of: pipeline.name, on: metric).map(Self.superscript).joined()
            return NumberText.fixed(measurement.mean, 4) + interval + letters
        }
        return [SignificanceMarks.letter(index), pipeline.name] + values
    }

    /// Latency and sizes; nil when no pipeline has any.
    private var costs: [[String]]? {
        let rows = report.pipelines.enumerated().compactMap { index, pipeline -> [String]? in
            guard pipeline.latency != nil || pipeline.indexBytes != nil || pipeline.overlapWithTeacher != nil else {
                return nil
            }
            let times = [\LatencySummary.p50Microseconds, \.p95Microseconds, \.p99Microseconds].map { percentile in
                pipeline.latency.map { NumberText.time(microseconds: $0[keyPath: percentile]) } ?? "–"
            }
            return [SignificanceMarks.letter(index), pipeline.name] + times + [
                pipeline.modelBytes.map(NumberText.bytes) ?? "–", pipeline.indexBytes.map(NumberText.bytes) ?? "–",
                pipeline.overlapWithTeacher.map { "\(NumberText.percent($0.mean)) of \($0.depth)" } ?? "–",
            ]
        }
        return rows.isEmpty
            ? nil : [["", "pipeline", "p50", "p95", "p99", "model", "index", "teacher's top"]] + rows
    }

    private var legend: String {
        let statistics = report.statistics
        let interval = "[ ]: \(NumberText.percent(statistics.confidence)) bootstrap interval."
        guard report.pipelines.count > 1, !report.comparisons.isEmpty else { return interval }
        return interval + " A raised letter: significantly better than the pipeline of that letter "
            + "(paired randomisation test, Holm's correction over all pairs, "
            + "p < \(NumberText.leading(statistics.significance)))."
    }

    /// Unicode raises every small letter but q.
    private static func superscript(_ letter: String) -> String {
        let raised = [
            "a": "ᵃ", "b": "ᵇ", "c": "ᶜ", "d": "ᵈ", "e": "ᵉ", "f": "ᶠ", "g": "ᵍ", "h": "ʰ", "i": "ⁱ", "j": "ʲ",
            "k": "ᵏ",
            "l": "ˡ", "m": "ᵐ", "n": "ⁿ", "o": "ᵒ", "p": "ᵖ", "r": "ʳ", "s": "ˢ", "t": "ᵗ", "u": "ᵘ", "v": "ᵛ",
            "w": "ʷ",
            "x": "ˣ", "y": "ʸ", "z": "ᶻ",
        ]
        return raised[letter] ?? "(\(letter))"
    }

    /// Rows whose columns are padded to the same width, two blanks between them.
    private static func aligned(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }
            var line = cells.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
