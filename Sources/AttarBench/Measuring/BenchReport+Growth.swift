extension BenchReport {
    /// What was measured of one number of things.
    typealias GrowthPoint = (size: Int, report: BenchReport)

    /// One report of several that measured the same of ever more things: the last one, with the cases of all.
    ///
    /// - Parameters:
    ///   - things: what there are more and more of.
    ///   - notes: what is true of all reports, out of those of the last one.
    ///   - summary: the table over all, its head first.
    /// - Throws: `BenchError.usage` when there are none.
    static func growth(
        title: String, of things: String, _ points: [GrowthPoint], notes: (String) -> Bool, summary: [[String]]
    ) throws -> BenchReport {
        guard let first = points.first, var report = points.last?.report else {
            throw BenchError.usage("Growth needs numbers of \(things).")
        }
        report.title = title
        report.loadBefore = first.report.loadBefore
        report.notes = report.notes.filter(notes)
        report.summary = summary
        report.cases = points.flatMap { size, report in
            report.cases.map { result in
                var result = result
                result.name = "\(size) \(things), \(result.name)"
                return result
            }
        }
        return report
    }
}
