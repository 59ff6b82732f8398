/// A report as one HTML page that needs nothing else: style and plots are inside, there is no script.
///
///     let page = HTMLReport(report).text
///
/// Every text of the report is escaped; the page forbids scripts and every outside source by its content policy.
public struct HTMLReport: Sendable {
    let report: EvaluationReport
    let marks: SignificanceMarks

    /// The page of a report.
    public init(_ report: EvaluationReport) {
        self.report = report
        marks = SignificanceMarks(report)
    }

    /// The whole page.
    public var text: String { page.text }

    private var page: Markup {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>\(report.title)</title>
        <style>
        \(StyleSheet.text)
        </style>
        </head>
        <body>
        <main>
        \(header)\(verdictSection)\(figureSection)\(qualitySection)\(costSection)\(comparisonSection)\
        \(trainingSection)\(exampleSection)\(provenanceSection)
        <footer>Made by Attar. The same figures stand in <code>report.json</code>.</footer>
        </main>
        </body>
        </html>

        """
    }

    private var header: Markup {
        let dataset = report.dataset
        let facts = [
            dataset.name,
            dataset.documents.map { NumberText.count($0) + " documents" },
            NumberText.count(dataset.queries) + " queries",
            dataset.judgements.map { NumberText.count($0) + " judgements" } ?? "no judgements",
            report.date,
        ].compactMap { $0 }
        return """
            <header><p class="eyebrow">Attar evaluation</p><h1>\(report.title)</h1>\
            <p class="meta">\(facts.joined(separator: " · "))</p></header>

            """
    }
}
