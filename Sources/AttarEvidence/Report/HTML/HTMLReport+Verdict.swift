extension HTMLReport {
    /// The answer, its reasons, and the figures that decided.
    var verdictSection: Markup {
        let verdict = report.verdict
        let headline = verdict?.headline ?? Self.leadSentence(report)
        let reasons = (verdict?.reasons ?? []).map { reason -> Markup in "<li>\(Self.unbroken(reason))</li>" }
        let advice: Markup? = verdict?.recommendation.map { "<p class=\"advice\">\(Self.unbroken($0))</p>" }
        return """
            <section class="verdict" aria-label="Verdict"><p class="eyebrow">\(verdict == nil ? "Result" : "Verdict")\
            </p>\
            <p class="headline">\(Self.unbroken(headline))</p>\(reasons.isEmpty ? .empty : "<ul>\(reasons)</ul>")\
            \(advice)</section>
            \(figures)
            """
    }

    /// The text with spaces that no line may end at: between a number and its unit, and within "p = 0.01".
    static func unbroken(_ text: String) -> String {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        var joined = String(words.first ?? "")
        for (before, word) in zip(words, words.dropFirst()) {
            let start = word.prefix { $0.isLetter || $0 == "%" }
            let isUnit = before.last?.isNumber == true && ["%", "µs", "ms", "s", "min", "h", "MB"].contains(start)
            let isEquation = ["=", "<"].contains(word) || ["=", "<"].contains(before)
            joined += (isUnit || isEquation ? "\u{A0}" : " ") + word
        }
        return joined
    }

    /// The figures of the pipeline that the verdict chose.
    private var figures: Markup {
        guard let verdict = report.verdict, let name = verdict.pipeline, let chosen = report.pipeline(named: name)
        else {
            return .empty
        }
        let entries: [(String, String)] = [
            chosenQuality(chosen), kept(chosen), speedUp(chosen),
            chosen.latency.map { ("median time of a query", NumberText.time(microseconds: $0.p50Microseconds)) },
            verdict.pValue.map { ("p-value of the decisive difference", NumberText.pNumber($0)) },
            breakEven(verdict),
        ].compactMap { $0 }
        let items = entries.map { title, value -> Markup in "<div><dt>\(title)</dt><dd>\(value)</dd></div>" }
        return items.isEmpty ? .empty : "<dl class=\"figures\">\(items)</dl>\n"
    }

    private func chosenQuality(_ chosen: PipelineEvidence) -> (String, String)? {
        report.primaryMetric.flatMap { chosen.measurement(of: $0) }.map {
            ($0.metric.description, NumberText.fixed($0.mean))
        }
    }

    private func kept(_ chosen: PipelineEvidence) -> (String, String)? {
        guard chosen.kind != .teacher, let metric = report.primaryMetric,
            let teacher = report.pipelines.first(where: { $0.kind == .teacher })?.measurement(of: metric)?.mean,
            let mean = chosen.measurement(of: metric)?.mean, teacher > 0
        else {
            return chosen.overlapWithTeacher.map { ("of the teacher's first \($0.depth)", NumberText.percent($0.mean)) }
        }
        return ("of the teacher's \(metric)", NumberText.percent(mean / teacher))
    }

    private func speedUp(_ chosen: PipelineEvidence) -> (String, String)? {
        guard chosen.kind != .teacher, let time = chosen.latency?.meanMicroseconds, time > 0,
            let teacher = report.pipelines.first(where: { $0.kind == .teacher })?.latency?.meanMicroseconds,
            teacher > time
        else { return nil }
        return ("as fast as the teacher", NumberText.times(teacher / time))
    }

    private func breakEven(_ verdict: Verdict) -> (String, String)? {
        verdict.breakEvenQueriesPerDay.map { ("queries a day pay for distillation", NumberText.roughCount($0)) }
    }

    /// Without a verdict: which pipeline leads, and whether that is more than chance.
    static func leadSentence(_ report: EvaluationReport) -> String {
        guard let metric = report.primaryMetric,
            let best = report.pipelines.max(by: { mean($0, metric) < mean($1, metric) }),
            let value = best.measurement(of: metric)?.mean
        else { return "Nothing was measured." }
        let lead = "“\(best.name)” has \(metric) \(NumberText.fixed(value))"
        let others = report.pipelines.filter { $0.name != best.name }
        guard !others.isEmpty else { return lead + "." }
        let equal = others.filter { other in
            guard let comparison = report.comparison(of: best.name, with: other.name, on: metric) else { return true }
            return comparison.adjustedPValue >= report.statistics.significance || comparison.difference <= 0
        }
        if equal.isEmpty {
            return lead + ", significantly more than \(others.count == 1 ? "the other" : "all others")."
        }
        var names = equal.prefix(3).map { "“\($0.name)”" }
        if equal.count > 3 { names[2] = "others" }
        let last = names.removeLast()
        let against = names.isEmpty ? last : names.joined(separator: ", ") + " and " + last
        return lead + ", the highest mean; against \(against) the difference may be chance."
    }

    private static func mean(_ pipeline: PipelineEvidence, _ metric: Metric) -> Double {
        pipeline.measurement(of: metric)?.mean ?? -1
    }
}
