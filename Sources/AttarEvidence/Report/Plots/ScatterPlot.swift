/// Quality against the time of a query, on a logarithmic axis, with intervals and the Pareto front.
struct ScatterPlot {
    /// One pipeline.
    struct Point {
        let letter: String
        let name: String
        let kind: PipelineKind
        let microseconds: Double
        let measurement: Measurement
    }

    let points: [Point]
    let metric: Metric

    /// The pipelines of a report that have a time and a value on the metric, with the letters of its tables.
    init(_ report: EvaluationReport, metric: Metric) {
        self.metric = metric
        points = report.pipelines.enumerated().compactMap { index, pipeline in
            guard let latency = pipeline.latency, let measurement = pipeline.measurement(of: metric) else { return nil }
            return Point(
                letter: SignificanceMarks.letter(index), name: pipeline.name, kind: pipeline.kind,
                microseconds: latency.p50Microseconds,
                measurement: measurement)
        }
    }

    /// The pipelines on the front, fastest first.
    var front: [Point] {
        ParetoFront.indices(times: points.map(\.microseconds), qualities: points.map(\.measurement.mean)).map {
            points[$0]
        }
    }

    /// The plot.
    ///
    /// - Parameter namesPoints: label points by name where there is room; else by letter.
    func svg(width: Double, height: Double, fontSize: Double, namesPoints: Bool, style: String) -> Markup {
        let frame = Box(
            left: fontSize * 3.4, top: fontSize * 1.8, width: width - fontSize * 5, height: height - fontSize * 5.4)
        let x = Axis.logarithmic(covering: points.map(\.microseconds), from: frame.left, to: frame.right)
        let y = Axis.linear(
            covering: points.flatMap { point in
                [point.measurement.mean] + (point.measurement.interval.map { [$0.lower, $0.upper] } ?? [])
            }, from: frame.bottom, to: frame.top, within: 0...1)
        let summary =
            "\(metric) against the median time of a query for \(points.count) pipelines. "
            + "Pareto front, fastest first: \(front.map(\.name).joined(separator: ", "))."
        return """
            <svg class="plot \(style)" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(summary)" \
            font-size="\(fontSize)">\
            \(PlotFrame(frame: frame, x: x, y: y, fontSize: fontSize).markup(
                xLabel: "median time of a query (faster to the left)", yLabel: metric.description,
                xText: { NumberText.tick(microseconds: $0) }, yText: { NumberText.fixed($0, 2) }))\
            \(frontMarkup(x: x, y: y, frame: frame))\
            \(points.map { whisker($0, x: x, y: y) })\
            \(points.map { mark($0, x: x, y: y) })\
            \(labels(x: x, y: y, frame: frame, fontSize: fontSize, namesPoints: namesPoints))\
            </svg>
            """
    }

    /// A staircase: up to a point's time, nothing better than the point before was to be had.
    private func frontMarkup(x: Axis, y: Axis, frame: Box) -> Markup {
        guard let first = front.first else { return .empty }
        var line: Markup = "M\(x.position(first.microseconds)) \(y.position(first.measurement.mean))"
        for point in front.dropFirst() {
            line = line + "H\(x.position(point.microseconds))V\(y.position(point.measurement.mean))"
        }
        line = line + "H\(frame.right)"
        let start = x.position(first.microseconds)
        return """
            <path class="front-area" d="\(line)V\(frame.bottom)H\(start)z"/>\
            <path class="front" d="\(line)"/>
            """
    }

    /// The steps of the front as thin boxes.
    private func frontObstacles(x: Axis, y: Axis, frame: Box) -> [Box] {
        var boxes: [Box] = []
        for (index, point) in front.enumerated() {
            let (left, height) = (x.position(point.microseconds), y.position(point.measurement.mean))
            let right = index + 1 < front.count ? x.position(front[index + 1].microseconds) : frame.right
            boxes.append(Box(left: left, top: height - 1.5, width: right - left, height: 3))
            guard index + 1 < front.count else { continue }
            let next = y.position(front[index + 1].measurement.mean)
            boxes.append(Box(left: right - 1.5, top: next, width: 3, height: height - next))
        }
        return boxes
    }

    private func whisker(_ point: Point, x: Axis, y: Axis) -> Markup {
        guard let interval = point.measurement.interval else { return .empty }
        let (center, top, bottom) = (
            x.position(point.microseconds), y.position(interval.upper), y.position(interval.lower)
        )
        return """
            <path class="whisker \(point.kind.rawValue)" d="M\(center) \(top)V\(bottom)\
            M\(center - 3) \(top)h6M\(center - 3) \(bottom)h6"/>
            """
    }

    private func mark(_ point: Point, x: Axis, y: Axis) -> Markup {
        let interval = point.measurement.interval.map { " [\(NumberText.interval($0))]" } ?? ""
        let tip =
            "\(point.name): \(metric) \(NumberText.fixed(point.measurement.mean))\(interval), "
            + NumberText.time(microseconds: point.microseconds)
        let shape = Marker.shape(point.kind, x: x.position(point.microseconds), y: y.position(point.measurement.mean))
        return "<g><title>\(tip)</title>\(shape)</g>"
    }

    private func labels(x: Axis, y: Axis, frame: Box, fontSize: Double, namesPoints: Bool) -> [Markup] {
        let places = points.map { (x: x.position($0.microseconds), y: y.position($0.measurement.mean)) }
        var obstacles = places.map { Box(left: $0.x - 7, top: $0.y - 7, width: 14, height: 14) }
        for point in points {
            guard let interval = point.measurement.interval else { continue }
            let top = y.position(interval.upper)
            obstacles.append(
                Box(
                    left: x.position(point.microseconds) - 2, top: top, width: 4,
                    height: y.position(interval.lower) - top))
        }
        obstacles += frontObstacles(x: x, y: y, frame: frame)
        var placement = LabelPlacement(area: frame, obstacles: obstacles, fontSize: fontSize)
        return zip(points, places).map { point, place in
            let texts = namesPoints ? [point.name, point.letter] : [point.letter]
            guard let label = placement.place(texts, x: place.x, y: place.y, distance: 11) else { return .empty }
            return
                """
                <text class="label" x="\(label.x)" y="\(label.y)" text-anchor="\(label.anchor)">\(label.text)</text>
                """
        }
    }
}

extension NumberText {
    /// A time on an axis, where values are round: "50 µs", "2 ms".
    static func tick(microseconds: Double) -> String {
        let (value, unit) =
            microseconds < 999.5
            ? (microseconds, "µs")
            : microseconds < 999_500 ? (microseconds / 1e3, "ms") : (microseconds / 1e6, "s")
        return (value < 0.95 ? fixed(value, 1) : fixed(value, 0)) + " " + unit
    }
}
