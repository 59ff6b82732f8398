/// Grid, ticks and labels of the axes of a plot.
struct PlotFrame {
    let frame: Box
    let x, y: Axis
    let fontSize: Double

    func markup(
        xLabel: String, yLabel: String, xText: (Double) -> String, yText: (Double) -> String
    ) -> Markup {
        let across = x.ticks(about: max(2, Int(frame.width / (fontSize * 5))))
        let upward = y.ticks(about: max(2, Int(frame.height / (fontSize * 4))))
        let grid = upward.map { value -> Markup in
            "<path class=\"grid\" d=\"M\(frame.left) \(y.position(value))H\(frame.right)\"/>"
        }
        let xTicks = across.map { value -> Markup in
            """
            <path class="grid" d="M\(x.position(value)) \(frame.bottom)v5"/>\
            <text class="tick" x="\(x.position(value))" y="\(frame.bottom + fontSize * 1.5)" \
            text-anchor="middle">\(xText(value))</text>
            """
        }
        let yTicks = upward.map { value -> Markup in
            """
            <text class="tick" x="\(frame.left - fontSize * 0.6)" y="\(y.position(value) + fontSize * 0.34)" \
            text-anchor="end">\(yText(value))</text>
            """
        }
        return """
            \(grid)\(xTicks)\(yTicks)<path class="axis" d="M\(frame.left) \(frame.bottom)H\(frame.right)"/>\
            <text class="axis-label" x="\(frame.left - fontSize * 2.9)" y="\(frame.top - fontSize * 0.7)">\(yLabel)\
            </text>\
            <text class="axis-label" x="\(frame.right)" y="\(frame.bottom + fontSize * 3)" \
            text-anchor="end">\(xLabel)</text>
            """
    }
}
