/// The mark of a kind of pipeline: a shape as well as a colour, so that neither printing nor colour blindness hides it.
enum Marker {
    /// The shape at a point, of about the given radius.
    static func shape(_ kind: PipelineKind, x: Double, y: Double, radius: Double = 6) -> Markup {
        let path: Markup
        switch kind {
        case .bm25:
            let half = radius * 0.88
            path = "M\(x - half) \(y - half)h\(2 * half)v\(2 * half)h\(-2 * half)z"
        case .teacher:
            let half = radius * 1.25
            path = "M\(x) \(y - half)L\(x + half) \(y)L\(x) \(y + half)L\(x - half) \(y)z"
        case .asymmetric:
            let half = radius * 1.15
            path = "M\(x) \(y - half)L\(x + half) \(y + half * 0.8)L\(x - half) \(y + half * 0.8)z"
        case .hybrid:
            let (arm, wide) = (radius * 0.42, radius * 1.12)
            path = """
                M\(x - arm) \(y - wide)h\(2 * arm)v\(wide - arm)h\(wide - arm)v\(2 * arm)h\(arm - wide)\
                v\(wide - arm)h\(-2 * arm)v\(arm - wide)h\(arm - wide)v\(-2 * arm)h\(wide - arm)z
                """
        case .dense, .run:
            path =
                """
                M\(x - radius) \(y)a\(radius) \(radius) 0 1 0 \(2 * radius) 0\
                a\(radius) \(radius) 0 1 0 \(-2 * radius) 0z
                """
        }
        return "<path class=\"mark \(kind.rawValue)\" d=\"\(path)\"/>"
    }

    /// The mark alone, for a line of text or a table.
    static func inline(_ kind: PipelineKind) -> Markup {
        """
        <svg class="inline-mark" viewBox="0 0 16 16" aria-hidden="true">\(shape(kind, x: 8, y: 8, radius: 5))</svg>
        """
    }

    /// What the kind is called.
    static func name(_ kind: PipelineKind) -> String {
        switch kind {
        case .bm25: "BM25"
        case .dense: "student, symmetric"
        case .asymmetric: "student, asymmetric"
        case .hybrid: "hybrid"
        case .teacher: "teacher"
        case .run: "run"
        }
    }
}
