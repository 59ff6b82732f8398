import Foundation

extension BenchReport {
    /// The report as Markdown, without a heading of the first level.
    public var markdown: String {
        var parts = ["## \(title)", "```\n\(command)\n```", circumstances]
        parts += notes.isEmpty ? [] : [notes.map { "- " + $0 }.joined(separator: "\n")]
        if let summary { parts.append(Self.table(summary)) }
        for result in cases {
            parts.append("### \(result.name)")
            if let peak = result.peak {
                let giga = String(format: "%.0f", peak.median / 1e9)
                parts.append("Peak of the core, measured in the same rounds: \(giga) billion operations a second.")
            }
            parts.append(Self.table(result.rows))
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private static func table(_ rows: [[String]]) -> String {
        let rule = (rows.first ?? []).indices.map { $0 == 0 ? "---" : "--:" }
        return (rows.prefix(1) + [rule] + rows.dropFirst()).map { "| " + $0.joined(separator: " | ") + " |" }
            .joined(separator: "\n")
    }

    /// Where, when and under what load, in one paragraph.
    public var circumstances: String {
        let load = [loadBefore, loadAfter].map { $0.first.map { String(format: "%.1f", $0) } ?? "unknown" }
        let processors = boundTo.isEmpty
            ? "not bound to processors" : "bound to processor " + boundTo.map(String.init).joined(separator: ", ")
        return """
            \(date.prefix(10)), \(machine.text). \(threads == 1 ? "One thread" : "\(threads) threads") each, \(processors); \
            load \(load[0]) before and \(load[1]) after. Medians of \(rounds) interleaved rounds, quartiles in brackets. \
            \(versions.joined(separator: ", ")).
            """
    }
}

extension BenchReport {
    /// The engines of the first case that are not ours.
    var peers: [String] { (cases.first?.entries ?? []).filter { !$0.label.isOurs }.map(\.label.engine) }
}

extension CaseResult {
    /// What was measured of ours.
    var ours: String { entries.first(where: \.label.isOurs).map { Self.text($0.value) } ?? "" }

    /// How ours compares with a peer.
    func ratio(to engine: String) -> String {
        entries.first { $0.label.engine == engine }?.ratios.first.map { Self.text($0.spread) } ?? ""
    }

    /// The table of the case, its head first; one row a contender.
    public var rows: [[String]] {
        let ours = entries.filter(\.label.isOurs).map(\.label.description)
        let compared = entries.contains { !$0.ratios.isEmpty } ? ours : []
        let hasPeak = entries.contains { $0.shareOfPeak != nil }
        let hasAgreement = entries.contains { $0.agreement != nil }
        let head = [""] + [unit] + (hasPeak ? ["of peak"] : []) + compared.map { $0 + " ÷ it" }
            + (hasAgreement ? ["agreement"] : [])
        return [head] + entries.map { entry in
            [entry.label.description, Self.text(entry.value)]
                + (hasPeak ? [entry.shareOfPeak.map { String(format: "%.0f %%", 100 * $0.median) } ?? ""] : [])
                + compared.map { name in entry.ratios.first { $0.ours == name }.map { Self.text($0.spread) } ?? "" }
                + (hasAgreement ? [entry.agreement ?? ""] : [])
        }
    }

    private var unit: String {
        switch quantity {
        case .milliseconds: "ms"
        case .microseconds(let thing): "µs a \(thing)"
        case .rate(let thing): thing + "/s"
        }
    }

    /// `1.23 [1.20–1.31]`, with about three digits that count.
    static func text(_ spread: Spread) -> String {
        let digits = spread.median >= 100 ? 0 : spread.median >= 10 ? 1 : spread.median >= 0.1 ? 2 : 3
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
        return "\(number(spread.median)) [\(number(spread.lowerQuartile))–\(number(spread.upperQuartile))]"
    }
}
