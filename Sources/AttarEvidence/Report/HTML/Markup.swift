/// HTML or SVG text in which everything interpolated is escaped, unless it is markup itself.
///
///     let cell: Markup = "<td>\(name)</td>"       // name may contain anything
struct Markup: ExpressibleByStringInterpolation, Sendable {
    /// The text, safe to send to a browser.
    private(set) var text: String

    init(stringLiteral value: String) {
        text = value
    }

    init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }

    /// No text.
    static let empty: Markup = ""

    static func + (first: Markup, second: Markup) -> Markup {
        var sum = first
        sum.text += second.text
        return sum
    }

    /// What makes the five characters harmless that HTML gives a meaning, and drops those it cannot hold.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Collects literal text as it is and values escaped.
    struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 8)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }
        mutating func appendInterpolation(_ value: String) { text += Markup.escaped(value) }
        mutating func appendInterpolation(_ value: Int) { text += String(value) }
        mutating func appendInterpolation(_ value: Metric) { text += Markup.escaped(value.description) }
        mutating func appendInterpolation(_ value: Markup) { text += value.text }
        mutating func appendInterpolation(_ value: Markup?) { text += value?.text ?? "" }
        mutating func appendInterpolation(_ values: [Markup]) { for value in values { text += value.text } }
        /// A coordinate, to a hundredth.
        mutating func appendInterpolation(_ value: Double) {
            text += value.isFinite ? String((value * 100).rounded() / 100) : "0"
        }
    }
}
