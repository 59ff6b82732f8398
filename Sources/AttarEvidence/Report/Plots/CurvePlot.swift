/// How a student learned: the training loss above, the cosine to the teacher on held-out texts below, over the steps.
struct CurvePlot {
    let curve: TrainingCurve

    /// One line of values over steps.
    private struct Series {
        let title: String
        let style: String
        let values: [(step: Double, value: Double)]
    }

    func svg(width: Double, fontSize: Double) -> Markup {
        let series = series.filter { !$0.values.isEmpty }
        let panelHeight = 124.0
        let height = Double(series.count) * panelHeight + fontSize * 2
        let panels = series.enumerated().map { index, series in
            panel(
                series, top: Double(index) * panelHeight, height: panelHeight, width: width, fontSize: fontSize,
                showsSteps: index == self.series.filter { !$0.values.isEmpty }.count - 1)
        }
        return """
            <svg class="plot" viewBox="0 0 \(width) \(height)" role="img" \
            aria-label="Training of \(curve.name): \(series.map(summary).joined(separator: "; "))" \
            font-size="\(fontSize)">\(panels)</svg>
            """
    }

    private var series: [Series] {
        func values(_ value: (TrainingCurve.Point) -> Double?) -> [(step: Double, value: Double)] {
            curve.points.compactMap { point in
                value(point).flatMap { $0.isFinite ? (Double(point.step), $0) : nil }
            }
        }
        return [
            Series(title: "training loss", style: "loss", values: values(\.loss)),
            Series(title: "cosine to the teacher, held out", style: "cosine", values: values(\.heldOutCosine)),
        ]
    }

    private func summary(_ series: Series) -> String {
        guard let first = series.values.first, let last = series.values.last else { return series.title }
        return "\(series.title) from \(NumberText.fixed(first.value)) to \(NumberText.fixed(last.value))"
    }

    private func panel(
        _ series: Series, top: Double, height: Double, width: Double, fontSize: Double, showsSteps: Bool
    ) -> Markup {
        let frame = Box(
            left: fontSize * 3.6, top: top + fontSize * 2, width: width - fontSize * 4.6,
            height: height - fontSize * 3.4)
        let lastStep = curve.points.last.map { Double($0.step) } ?? 1
        let x = Axis(lower: 0, upper: max(1, lastStep), start: frame.left, end: frame.right, isLogarithmic: false)
        let y = Axis.linear(covering: series.values.map(\.value), from: frame.bottom, to: frame.top)
        let digits = y.upper - y.lower < 0.05 ? 3 : 2
        let ticks = y.ticks(about: 4).map { value -> Markup in
            """
            <path class="grid" d="M\(frame.left) \(y.position(value))H\(frame.right)"/><text class="tick" \
            x="\(frame.left - 6)" y="\(y.position(value) + fontSize * 0.34)" text-anchor="end">\
            \(NumberText.fixed(value, digits))</text>
            """
        }
        return """
            \(ticks)<text class="axis-label" x="0" y="\(top + fontSize)">\(series.title)</text>\
            \(line(series, x: x, y: y))\(end(of: series, x: x, y: y, fontSize: fontSize, frame: frame))\
            \(showsSteps ? steps(x: x, frame: frame, fontSize: fontSize) : .empty)
            """
    }

    private func line(_ series: Series, x: Axis, y: Axis) -> Markup {
        let points = series.values.map { value -> Markup in "\(x.position(value.step)) \(y.position(value.value)) " }
        return "<polyline class=\"curve \(series.style)\" points=\"\(points)\"/>"
    }

    /// The last value in words, at the title's height, and a dot at its place.
    private func end(of series: Series, x: Axis, y: Axis, fontSize: Double, frame: Box) -> Markup {
        guard let last = series.values.last else { return .empty }
        return """
            <circle class="curve-end \(series.style)" cx="\(x.position(last.step))" cy="\(y.position(last.value))" \
            r="3.5"/>\
            <text class="value \(series.style)" x="\(frame.right)" y="\(frame.top - fontSize)" \
            text-anchor="end">\(NumberText.fixed(last.value))</text>
            """
    }

    private func steps(x: Axis, frame: Box, fontSize: Double) -> Markup {
        let ticks = x.ticks(about: 4).map { value -> Markup in
            """
            <text class="tick" x="\(x.position(value))" y="\(frame.bottom + fontSize * 1.5)" \
            text-anchor="middle">\(NumberText.count(Int(value)))</text>
            """
        }
        return """
            <path class="axis" d="M\(frame.left) \(frame.bottom)H\(frame.right)"/>\(ticks)<text class="axis-label" \
            x="\(frame.right)" y="\(frame.bottom + fontSize * 2.8)" text-anchor="end">steps</text>
            """
    }
}
