extension HTMLReport {
    /// Quality against latency; where no times are known, quality with intervals.
    var figureSection: Markup {
        guard let metric = report.primaryMetric else { return .empty }
        let scatter = ScatterPlot(report, metric: metric)
        if scatter.points.count > 1 { return scatterFigure(scatter) }
        let intervals = IntervalPlot(report, metric: metric)
        guard !intervals.rows.isEmpty else { return .empty }
        return """
            <section><h2>Quality</h2><figure>\(intervals.svg(width: 860, fontSize: 13, style: "wide"))\
            \(intervals.svg(width: 340, fontSize: 12, style: "narrow"))<figcaption>Marks are means over the queries, \
            lines \
            their \(NumberText.percent(report.statistics.confidence)) bootstrap intervals. Overlapping lines do not \
            mean that \
            two pipelines are equal: the pairs below are tested query by query.</figcaption></figure></section>

            """
    }

    private func scatterFigure(_ scatter: ScatterPlot) -> Markup {
        let front = Set(scatter.front.map(\.name))
        let entries = scatter.points.map { point -> Markup in
            """
            <li\(front.contains(point.name) ? " class=\"on-front\"" : .empty)><span class="letter">\(point.letter)\
            </span>\
            \(Marker.inline(point.kind))<span class="name">\(point.name)</span><span class="reading">\
            \(NumberText.fixed(point.measurement.mean)) · \(NumberText.time(microseconds: point.microseconds))</span>\
            </li>
            """
        }
        let namesPoints = scatter.points.count <= 4
        let kinds = PipelineKind.allCases.filter { kind in scatter.points.contains { $0.kind == kind } }
        let shapes = kinds.map { kind -> Markup in "\(Marker.inline(kind))\(Marker.name(kind))" }
        return """
            <section><h2>Quality against time</h2><figure>\
            \(scatter.svg(width: 860, height: 460, fontSize: 13, namesPoints: true, style: "wide"))\
            \(scatter.svg(width: 340, height: 340, fontSize: 12, namesPoints: namesPoints, style: "narrow"))\
            <ol class="legend">\(entries)</ol><figcaption>\(Self.joined(shapes, by: ", ")). Up is better, left is \
            faster. \
            The dashed staircase is the Pareto front: \
            nothing measured is both faster and better than its points (bold in the list). Vertical lines are \
            \(NumberText.percent(report.statistics.confidence)) intervals of \(scatter.metric).</figcaption></figure>\
            </section>

            """
    }

    static func joined(_ parts: [Markup], by separator: Markup) -> Markup {
        parts.enumerated().reduce(Markup.empty) { $0 + ($1.offset == 0 ? $1.element : separator + $1.element) }
    }

    /// How the students learned.
    var trainingSection: Markup {
        let curves = report.training.filter { !$0.points.isEmpty }
        guard !curves.isEmpty else { return .empty }
        let figures = curves.map { curve -> Markup in
            let seconds = curve.points.last?.seconds ?? 0
            let steps = curve.points.last?.step ?? 0
            return """
                <figure><h3>\(curve.name)</h3>\(CurvePlot(curve: curve).svg(width: 340, fontSize: 12))\
                <figcaption>\(NumberText.count(steps)) steps in \(NumberText.duration(seconds: seconds))</figcaption>\
                </figure>
                """
        }
        return "<section><h2>Training</h2><div class=\"curves\">\(figures)</div></section>\n"
    }
}
