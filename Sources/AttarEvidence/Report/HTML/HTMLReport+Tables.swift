extension HTMLReport {
    /// Every metric of every pipeline.
    var qualitySection: Markup {
        guard report.pipelines.contains(where: { !$0.measurements.isEmpty }) else { return .empty }
        let head = report.metrics.map { metric -> Markup in "<th scope=\"col\">\(metric)</th>" }
        let rows = report.pipelines.indices.map { index -> Markup in
            let pipeline = report.pipelines[index]
            let cells = report.metrics.map { qualityCell(pipeline, metric: $0) }
            return row(index, cells: cells)
        }
        let explanation: Markup =
            report.comparisons.isEmpty
            ? .empty
            : """
             A raised letter says: significantly better than the pipeline of that letter (paired randomisation test, \
            Holm’s correction over all pairs of a metric, p &lt; \(NumberText.leading(report.statistics.significance))).
            """
        return """
            <section><h2>Quality in numbers</h2><p class="note">Means over the queries, below them \
            \(NumberText.percent(report.statistics.confidence)) bootstrap intervals; the highest of a column is bold.\
            \(explanation)</p>\(table(head: "<th scope=\"col\">pipeline</th>\(head)", rows: rows, style: "quality"))\
            \(report.notes.map { note -> Markup in "<p class=\"note\">\(note)</p>" })</section>

            """
    }

    private func qualityCell(_ pipeline: PipelineEvidence, metric: Metric) -> Markup {
        guard let measurement = pipeline.measurement(of: metric) else { return "<td>–</td>" }
        let letters = marks.letters(of: pipeline.name, on: metric).joined(separator: " ")
        let interval: Markup? = measurement.interval.map { "<small>\(NumberText.interval($0))</small>" }
        let mean = NumberText.fixed(measurement.mean)
        let value: Markup = marks.isBest(pipeline.name, on: metric) ? "<span class=\"best\">\(mean)</span>" : "\(mean)"
        return "<td>\(value)\(letters.isEmpty ? .empty : "<sup>\(letters)</sup>")\(interval)</td>"
    }

    /// Time, memory and what had to be spent once.
    var costSection: Markup {
        let columns = CostColumn.all.filter { column in report.pipelines.contains { column.value($0) != nil } }
        guard !columns.isEmpty else { return .empty }
        let head = columns.map { column -> Markup in "<th scope=\"col\">\(column.title)</th>" }
        let rows = report.pipelines.indices.map { index -> Markup in
            row(index, cells: columns.map { column in "<td>\(column.value(report.pipelines[index]) ?? "–")</td>" })
        }
        return """
            <section><h2>What it costs</h2><p class="note">Times of single queries, one after the other, in this \
            process. p95: 95 % of the queries take no longer.</p>\
            \(table(head: "<th scope=\"col\">pipeline</th>\(head)", rows: rows, style: "costs"))</section>

            """
    }

    /// Every pair of pipelines; the first metric open, the others folded.
    var comparisonSection: Markup {
        guard !report.comparisons.isEmpty else { return .empty }
        let tables = report.metrics.enumerated().map { index, metric -> Markup in
            let content = comparisonTable(metric)
            let isOpen = index == 0 && report.pipelines.count <= 6
            return "<details\(isOpen ? " open" : .empty)><summary>\(metric)</summary>\(content)</details>"
        }
        return """
            <section><h2>Pair by pair</h2><p class="note">The difference is that of the first pipeline over the \
            second. \
            p is how likely so large a difference would be if both were equally good, after Holm’s correction.</p>\
            \(tables)</section>

            """
    }

    private func comparisonTable(_ metric: Metric) -> Markup {
        let rows = report.comparisons.filter { $0.metric == metric }.map { raw -> Markup in
            let comparison = raw.difference < 0 ? raw.reversed : raw
            let isSignificant = comparison.adjustedPValue < report.statistics.significance
            let interval = comparison.interval.map { NumberText.interval($0, isSigned: true) } ?? "–"
            return """
                <tr\(isSignificant ? " class=\"significant\"" : .empty)><td>\(comparison.first)</td>\
                <td class="left">\(comparison.second)</td><td>\(NumberText.signed(comparison.difference))</td>\
                <td>\(interval)</td><td>\(NumberText.pNumber(comparison.pValue))</td>\
                <td>\(NumberText.pNumber(comparison.adjustedPValue))</td></tr>
                """
        }
        return table(
            head: """
                <th scope="col">first</th><th scope="col" class="left">second</th><th scope="col">difference</th>\
                <th scope="col">interval</th><th scope="col">p alone</th><th scope="col">p (Holm)</th>
                """, rows: rows)
    }

    private func row(_ index: Int, cells: [Markup]) -> Markup {
        let pipeline = report.pipelines[index]
        let isChosen = report.verdict?.pipeline == pipeline.name
        let description: Markup? = pipeline.description.isEmpty ? nil : "<small>\(pipeline.description)</small>"
        return """
            <tr\(isChosen ? " class=\"chosen\"" : .empty)><th scope="row"><span class="letter">\
            \(SignificanceMarks.letter(index))</span>\(Marker.inline(pipeline.kind))\(pipeline.name)\(description)</th>\
            \(cells)</tr>
            """
    }

    /// A table that scrolls sideways by itself, also with the keyboard.
    func table(head: Markup, rows: [Markup], style: String = "plain") -> Markup {
        """
        <div class="scroll" tabindex="0"><table class="\(style)"><thead><tr>\(head)</tr></thead><tbody>\(rows)</tbody>\
        </table></div>
        """
    }
}

/// A column of the table of costs.
private struct CostColumn: Sendable {
    let title: String
    let value: @Sendable (PipelineEvidence) -> String?

    static let all: [CostColumn] = [
        CostColumn(title: "p50") { $0.latency.map { NumberText.time(microseconds: $0.p50Microseconds) } },
        CostColumn(title: "p95") { $0.latency.map { NumberText.time(microseconds: $0.p95Microseconds) } },
        CostColumn(title: "p99") { $0.latency.map { NumberText.time(microseconds: $0.p99Microseconds) } },
        CostColumn(title: "model") { $0.modelBytes.map(NumberText.bytes) },
        CostColumn(title: "index") { $0.indexBytes.map(NumberText.bytes) },
        CostColumn(title: "build") { $0.buildSeconds.map { NumberText.duration(seconds: $0) } },
        CostColumn(title: "training") { $0.trainSeconds.map { NumberText.duration(seconds: $0) } },
        CostColumn(title: "of the teacher's top") {
            $0.overlapWithTeacher.map { "\(NumberText.percent($0.mean)) of \($0.depth)" }
        },
    ]
}
