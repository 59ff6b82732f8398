extension HTMLReport {
    /// Queries that two pipelines rank differently, side by side.
    var exampleSection: Markup {
        guard !report.examples.isEmpty else { return .empty }
        let isJudged = report.examples.contains { $0.rankings.contains { $0.entries.contains { $0.grade != nil } } }
        let legend: Markup =
            isJudged
            ? """
             <span class="badge relevant">relevant</span> and <span class="badge">not relevant</span> are judgements; \
            a document without either was not judged.
            """ : .empty
        return """
            <section><h2>Where they differ</h2><p class="note">Queries that the pipelines rank differently.\
            \(legend)</p>\(report.examples.map(example))</section>

            """
    }

    private func example(_ example: RankingExample) -> Markup {
        let rankings = example.rankings.map { ranking -> Markup in
            let value = ranking.value.flatMap { value in
                report.primaryMetric.map { " · \($0) \(NumberText.fixed(value))" }
            }
            let entries = ranking.entries.map { entry($0) }
            return "<div><h4>\(ranking.pipeline)\(value ?? "")</h4><ol>\(entries)</ol></div>"
        }
        return """
            <article class="example"><h3>\(example.query)</h3><div class="rankings">\(rankings)</div></article>
            """
    }

    private func entry(_ entry: RankingExample.Entry) -> Markup {
        let badge: Markup? = entry.grade.map { grade in
            guard grade > 0 else { return "<span class=\"badge\">not relevant</span>" }
            return "<span class=\"badge relevant\">relevant\(grade > 1 ? " \(grade)" : "")</span>"
        }
        let title = entry.title.isEmpty ? entry.documentID : entry.title
        return "<li>\(title) \(badge)<span class=\"id\">\(entry.documentID)</span></li>"
    }
}
