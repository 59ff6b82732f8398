extension HTMLReport {
    /// What it takes to get the same figures again.
    var provenanceSection: Markup {
        let commands: Markup =
            report.commands.isEmpty
            ? .empty : "<pre><code>\(report.commands.joined(separator: "\n"))</code></pre>"
        let facts = facts.map { title, value -> Markup in "<dt>\(title)</dt><dd>\(value)</dd>" }
        return """
            <section><h2>How to repeat it</h2>\(commands)<dl class="facts">\(facts)</dl>\(hashes)</section>

            """
    }

    private var facts: [(String, String)] {
        var facts: [(String, String)] = []
        if let machine = report.machine {
            let cores = machine.cores == 1 ? "1 core" : "\(machine.cores) cores"
            let kernels = machine.kernels.map { ", \($0) kernels" } ?? ""
            facts.append(
                ("Machine", "\(machine.processor), \(cores), \(NumberText.bytes(machine.memoryBytes)) memory\(kernels)")
            )
            facts.append(("System", machine.system))
        }
        if !report.seeds.isEmpty {
            let seeds = report.seeds.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            facts.append(("Seeds", seeds.joined(separator: ", ")))
        }
        if let cost = report.cost { facts.append(("Distillation", Self.text(of: cost))) }
        facts.append(("Metrics", Self.metricDefinitions))
        facts.append(("Statistics", Self.text(of: report.statistics)))
        return facts
    }

    private static let metricDefinitions =
        "as trec_eval computes them (MRR with a cut-off as MS MARCO does, which orders "
        + "ties the other way); a query that a pipeline answers with nothing counts as 0 unless noted"

    private static func text(of statistics: StatisticsOptions) -> String {
        "percentile bootstrap over queries, \(NumberText.count(statistics.resamples)) resamples; paired randomisation "
            + "test, two-sided, \(NumberText.count(statistics.permutations)) permutations (all sign patterns up to "
            + "\(RandomisationTest.exactLimit) differing queries); Holm's correction over the pairs of each metric"
    }

    private static func text(of cost: DistillationCost) -> String {
        let parts = [
            ("teacher", cost.teacherSeconds), ("training", cost.trainSeconds),
            ("student's index", cost.studentIndexSeconds),
            ("teacher's index", cost.teacherIndexSeconds),
        ]
        return parts.filter { $0.1 > 0 }.map { "\($0.0) \(NumberText.duration(seconds: $0.1))" }.joined(separator: ", ")
            + "; counted against \(NumberText.leading(cost.horizonDays, trimming: true)) days of use"
    }

    private var hashes: Markup {
        let data = report.dataset.hash.map { [ArtifactHash(name: report.dataset.name, sha256: $0)] } ?? []
        let all = data + report.hashes
        guard !all.isEmpty else { return .empty }
        let rows = all.map { hash -> Markup in
            "<tr><td>\(hash.name)</td><td class=\"left\"><code>\(hash.sha256)</code></td></tr>"
        }
        return table(head: "<th scope=\"col\">what</th><th scope=\"col\" class=\"left\">SHA-256</th>", rows: rows)
    }
}
