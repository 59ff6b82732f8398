/// A rectangle of a plot.
struct Box {
    var left, top, width, height: Double

    var right: Double { left + width }
    var bottom: Double { top + height }

    func overlaps(_ other: Box) -> Bool {
        left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }

    func contains(_ other: Box) -> Bool {
        left <= other.left && top <= other.top && right >= other.right && bottom >= other.bottom
    }
}

/// Finds places for labels beside their points, so that no label lies on a point, a whisker or another label.
struct LabelPlacement {
    /// A label with the point where its text begins, ends or is centred.
    struct Label {
        let text: String
        let x, y: Double
        let anchor: String
    }

    private let area: Box
    private let fontSize: Double
    private var taken: [Box]

    /// - Parameters:
    ///   - area: where labels may stand.
    ///   - obstacles: what they must not cover.
    init(area: Box, obstacles: [Box], fontSize: Double) {
        self.area = area
        self.fontSize = fontSize
        taken = obstacles
    }

    /// The first of the texts that fits somewhere around the point, or nil.
    mutating func place(_ texts: [String], x: Double, y: Double, distance: Double) -> Label? {
        for text in texts {
            for candidate in candidates(text, x: x, y: y, distance: distance) {
                let box = box(of: candidate)
                guard area.contains(box), !taken.contains(where: box.overlaps) else { continue }
                taken.append(box)
                return candidate
            }
        }
        return nil
    }

    private func candidates(_ text: String, x: Double, y: Double, distance: Double) -> [Label] {
        let middle = y + fontSize * 0.34
        let (above, below) = (y - distance, y + distance + fontSize * 0.72)
        let near = distance * 0.7
        return [
            Label(text: text, x: x + distance, y: middle, anchor: "start"),
            Label(text: text, x: x - distance, y: middle, anchor: "end"),
            Label(text: text, x: x + near, y: above + 2, anchor: "start"),
            Label(text: text, x: x + near, y: below, anchor: "start"),
            Label(text: text, x: x - near, y: above + 2, anchor: "end"),
            Label(text: text, x: x - near, y: below, anchor: "end"),
            Label(text: text, x: x + near, y: above - fontSize, anchor: "start"),
            Label(text: text, x: x + near, y: below + fontSize, anchor: "start"),
            Label(text: text, x: x - near, y: above - fontSize, anchor: "end"),
            Label(text: text, x: x - near, y: below + fontSize, anchor: "end"),
        ]
    }

    /// The room a label takes, by a generous mean width of letters.
    private func box(of label: Label) -> Box {
        let width = Double(label.text.count) * fontSize * 0.57 + 2
        let left = label.anchor == "end" ? label.x - width : label.anchor == "middle" ? label.x - width / 2 : label.x
        return Box(left: left, top: label.y - fontSize * 0.8, width: width, height: fontSize)
    }
}
