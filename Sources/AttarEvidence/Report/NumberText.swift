import Foundation

/// Numbers as people read them; the same everywhere in tables, plots and sentences, in no locale.
enum NumberText {
    /// A fixed number of digits after the point.
    static func fixed(_ value: Double, _ digits: Int = 3) -> String {
        guard value.isFinite else { return "–" }
        let text = String(format: "%.\(digits)f", value)
        // Rounding can leave a minus on nothing.
        return text.hasPrefix("-") && text.dropFirst().allSatisfy { $0 == "0" || $0 == "." }
            ? String(text.dropFirst()) : text.replacingOccurrences(of: "-", with: "−")
    }

    /// The same with a plus or minus sign.
    static func signed(_ value: Double, _ digits: Int = 3) -> String {
        value >= 0 ? "+" + fixed(value, digits) : fixed(value, digits)
    }

    /// An interval, such as "0.412–0.498"; "to" between signed ends.
    static func interval(_ interval: Interval, _ digits: Int = 3, isSigned: Bool = false) -> String {
        isSigned
            ? "\(signed(interval.lower, digits)) to \(signed(interval.upper, digits))"
            : "\(fixed(interval.lower, digits))–\(fixed(interval.upper, digits))"
    }

    /// A p-value with its letter: "p = 0.032", "p < 0.001".
    static func pValue(_ value: Double) -> String { "p \(value < 0.001 ? "<" : "=") \(pNumber(value).trimmed("< "))" }

    /// A p-value alone: "0.032", "< 0.001".
    static func pNumber(_ value: Double) -> String {
        if value < 0.001 { return "< 0.001" }
        return fixed(value, value < 0.1 ? 3 : 2)
    }

    /// A part of a whole as per cent, one digit where it matters.
    static func percent(_ part: Double) -> String {
        let percent = part * 100
        return fixed(percent, abs(percent - percent.rounded()) < 0.05 ? 0 : 1) + " %"
    }

    /// A count with thousands separated.
    static func count(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (value < 0 ? "−" : "") + String(digits)
    }

    /// A count known roughly: two leading digits.
    static func roughCount(_ value: Double) -> String {
        guard value.isFinite, value < 1e15 else { return "more than any" }
        guard value >= 100 else { return count(Int(value.rounded(.up))) }
        let unit = pow(10, (log10(value)).rounded(.down) - 1)
        return count(Int((value / unit).rounded(.up) * unit))
    }

    /// A time given in microseconds, with three leading digits and its unit.
    static func time(microseconds: Double) -> String {
        switch microseconds {
        case ..<1_000: "\(leading(microseconds)) µs"
        case ..<1_000_000: "\(leading(microseconds / 1e3)) ms"
        default: duration(seconds: microseconds / 1e6)
        }
    }

    /// A duration as people say it: "8.2 s", "3 min 20 s", "2 h 5 min".
    static func duration(seconds: Double) -> String {
        if seconds < 60 { return seconds < 1 ? "\(leading(seconds * 1e3)) ms" : "\(leading(seconds)) s" }
        let whole = Int(min(seconds.rounded(), 1e15))
        if whole < 3_600 { return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s" }
        let minutes = whole / 60
        return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
    }

    /// A size in bytes with its unit, in powers of 1000.
    static func bytes(_ bytes: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(bytes)
        var index = 0
        while value >= 999.5, index < units.count - 1 {
            value /= 1_000
            index += 1
        }
        return index == 0 ? "\(bytes) B" : "\(leading(value)) \(units[index])"
    }

    /// How many times, such as "12×" or "1.8×".
    static func times(_ factor: Double) -> String { "\(leading(factor))×" }

    /// Three leading digits at most.
    static func leading(_ value: Double) -> String {
        let digits = abs(value) < 9.995 ? 2 : abs(value) < 99.95 ? 1 : 0
        return fixed(value, digits)
    }
}

extension String {
    fileprivate func trimmed(_ characters: String) -> String {
        trimmingCharacters(in: CharacterSet(charactersIn: characters))
    }
}
