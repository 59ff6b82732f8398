import AttarCollection
import AttarEvidence
import AttarStorage
import AttarText
import Foundation

/// Measures the claims of a system, each on its data.
public struct SystemCheck: Sendable {
    private let entry: Registry.Entry
    private let dataFolder: String
    private let workFolder: String
    private let teacher: String
    private var seed: UInt64
    private let budget: Duration?
    private let threads: Int
    private let progress: ProgressHandler

    /// A check.
    ///
    /// - Parameters:
    ///   - dataFolder: holds the data sets that claims name, as BEIR folders.
    ///   - workFolder: where collections and students are kept; a check that was stopped goes on there.
    public init(
        _ entry: Registry.Entry, dataFolder: String, workFolder: String, teacher: String, seed: UInt64 = 1,
        budget: Duration? = nil, threads: Int, progress: @escaping ProgressHandler = { _ in }
    ) {
        self.entry = entry
        self.dataFolder = dataFolder
        self.workFolder = workFolder
        self.teacher = teacher
        self.seed = seed
        self.budget = budget
        self.threads = threads
        self.progress = progress
    }

    /// Measures claims, one run a data set.
    ///
    /// - Parameter datasets: only the claims on these data sets; nil measures all.
    /// - Returns: one result a claim, in the order of the claims.
    /// - Throws: `SystemError.missingData`, and whatever a run throws.
    public func results(datasets: Set<String>? = nil) async throws -> [ClaimResult] {
        let claims = entry.claims.filter { datasets?.contains($0.dataset) ?? true }
        var reports: [String: EvaluationReport] = [:]
        var results: [ClaimResult] = []
        for claim in claims {
            let key = claim.dataset + "/" + claim.split
            if reports[key] == nil { reports[key] = try await report(for: claim) }
            if let report = reports[key] { results.append(try judge(claim, by: report)) }
        }
        return results
    }

    /// Measures claims with several seeds, one run for each data set and seed.
    ///
    /// - Parameters:
    ///   - seeds: instead of the check's own.
    ///   - datasets: as for `results`.
    /// - Returns: one series a claim, in the order of the claims.
    /// - Throws: as `results`.
    public func series(seeds: ClosedRange<UInt64>, datasets: Set<String>? = nil) async throws -> [ClaimSeries] {
        var entries: [[ClaimSeries.Entry]] = []
        for seed in seeds {
            var check = self
            check.seed = seed
            let results = try await check.results(datasets: datasets)
            if entries.isEmpty { entries = Array(repeating: [], count: results.count) }
            for (place, result) in results.enumerated() { entries[place].append(.init(seed: seed, result: result)) }
        }
        return entries.compactMap(ClaimSeries.init)
    }

    private func report(for claim: Claim) async throws -> EvaluationReport {
        let folder: BEIRFolder
        let path = dataFolder + "/" + claim.dataset
        do {
            folder = try BEIRFolder(path: path)
        } catch {
            throw SystemError.missingData(claim: claim.id, path: path)
        }
        guard let queries = folder.queriesPath, let judgements = folder.qrelsPaths[claim.split] else {
            throw SystemError.missingData(claim: claim.id, path: "\(path)/qrels/\(claim.split).tsv")
        }
        let collection = workFolder + "/" + claim.dataset
        if !Collection.exists(at: collection) {
            try LocalFileSystem().makeDirectory(workFolder)
            let job = IngestJob(
                paths: [path], collection: collection, configuration: CollectionConfiguration(chunking: .whole),
                progress: progress)
            _ = try job.run()
        }
        let context = RunContext(
            collection: collection, teacher: teacher, output: "\(collection)/check-\(seed)",
            evaluation: try EvaluationSet(queries: queries, judgements: judgements), seed: seed, budget: budget,
            threads: threads, progress: progress)
        return try await entry.check(context)
    }

    private func judge(_ claim: Claim, by report: EvaluationReport) throws -> ClaimResult {
        if claim.metric == Claim.documentsScored { return try judgeWork(claim, by: report) }
        let metric = try Metric(claim.metric)
        func mean(_ pipeline: String) throws -> Double {
            guard let mean = report.pipeline(named: pipeline)?.measurement(of: metric)?.mean else {
                throw SystemError.notMeasured(claim: claim.id, what: "\(metric) of \"\(pipeline)\"")
            }
            return mean
        }
        let comparison = claim.baseline.flatMap { report.comparison(of: claim.subject, with: $0, on: metric) }
        return ClaimResult(
            claim: claim, measured: try mean(claim.subject), baseline: try claim.baseline.map(mean),
            interval: report.pipeline(named: claim.subject)?.measurement(of: metric)?.interval,
            pValue: comparison?.adjustedPValue)
    }

    private func judgeWork(_ claim: Claim, by report: EvaluationReport) throws -> ClaimResult {
        func scored(_ pipeline: String) throws -> Double {
            guard let scored = report.pipeline(named: pipeline)?.documentsScored else {
                throw SystemError.notMeasured(claim: claim.id, what: "\(claim.metric) of \"\(pipeline)\"")
            }
            return scored
        }
        return ClaimResult(
            claim: claim, measured: try scored(claim.subject), baseline: try claim.baseline.map(scored))
    }
}
