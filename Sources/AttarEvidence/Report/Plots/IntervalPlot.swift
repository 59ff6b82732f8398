/// One row for each pipeline: the mean of a metric as a mark, its interval as a line; best first.
struct IntervalPlot {
    let rows: [(pipeline: PipelineEvidence, measurement: Measurement)]
    let metric: Metric

    init(_ report: EvaluationReport, metric: Metric) {
        self.metric = metric
        rows = report.pipelines.compactMap { pipeline in
            pipeline.measurement(of: metric).map { (pipeline, $0) }
        }.sorted { $0.measurement.mean > $1.measurement.mean }
    }

    /// The plot; names stand above the lines, so that long ones have room on a narrow screen.
    func svg(width: Double, fontSize: Double, style: String) -> Markup {
        let rowHeight = fontSize * 2.7
        let height = Double(rows.count) * rowHeight + fontSize * 5
        let frame = Box(left: 8, top: fontSize * 1.4, width: width - 16, height: height - fontSize * 5)
        let x = Axis.linear(
            covering: rows.flatMap { row in
                [row.measurement.mean] + (row.measurement.interval.map { [$0.lower, $0.upper] } ?? [])
            }, from: frame.left, to: frame.right, within: 0...1)
        let ticks = x.ticks(about: max(2, Int(width / (fontSize * 6)))).map { value -> Markup in
            """
            <path class="grid" d="M\(x.position(value)) \(frame.top)V\(frame.bottom)"/><text class="tick" \
            x="\(x.position(value))" y="\(frame.bottom + fontSize * 1.4)" text-anchor="middle">\
            \(NumberText.fixed(value, 2))</text>
            """
        }
        let lines = rows.indices.map { index in
            row(rows[index], y: frame.top + rowHeight * (Double(index) + 0.68), x: x, frame: frame, fontSize: fontSize)
        }
        return """
            <svg class="plot \(style)" viewBox="0 0 \(width) \(height)" role="img" \
            aria-label="\(metric.description) with intervals, best first" font-size="\(fontSize)">\
            \(ticks)\(lines)<text class="axis-label" x="\(frame.right)" y="\(frame.bottom + fontSize * 3)" \
            text-anchor="end">\(metric)</text></svg>
            """
    }

    private func row(
        _ row: (pipeline: PipelineEvidence, measurement: Measurement), y: Double, x: Axis, frame: Box, fontSize: Double
    ) -> Markup {
        let center = x.position(row.measurement.mean)
        let whisker: Markup? = row.measurement.interval.map { interval in
            """
            <path class="whisker wide \(row.pipeline.kind.rawValue)" \
            d="M\(x.position(interval.lower)) \(y)H\(x.position(interval.upper))"/>
            """
        }
        let isRight = center > frame.left + frame.width / 2
        let text = "\(row.pipeline.name)  \(NumberText.fixed(row.measurement.mean))"
        return """
            \(whisker)\(Marker.shape(row.pipeline.kind, x: center, y: y, radius: 5))<text class="label" \
            x="\(center + (isRight ? 6 : -6))" y="\(y - fontSize * 0.75)" text-anchor="\(isRight ? "end" : "start")">\
            \(text)</text>
            """
    }
}
