import AttarCollection
import AttarDistill
import AttarEvidence
import AttarModels
import AttarSearch
import AttarSignals
import AttarStorage
import AttarText
import Foundation

/// Measures BM25, the teacher, and every student in every mode, on the same queries, and says what to do.
struct RetrievalStudy {
    /// One way to search, with what is known of it before it is measured.
    private struct Candidate {
        let name: String
        let description: String
        let kind: PipelineKind
        let pipeline: Pipeline
        /// The encoder whose model file queries need; nil for BM25.
        let modelFolder: String?
        /// The encoder whose vectors are searched; nil for BM25.
        let vectors: EncoderFingerprint?
        let usesWords: Bool
        let student: TrainedStudent?
    }

    private let bench: Workbench
    private let students: [TrainedStudent]
    private let heldOut: [TrainingText]
    private let depth = 100

    /// A study of trained students.
    ///
    /// - Parameter heldOut: texts that stand in for queries when there are no judged ones.
    init(_ bench: Workbench, students: [TrainedStudent], heldOut: [TrainingText]) {
        self.bench = bench
        self.students = students
        self.heldOut = heldOut
    }

    /// The teacher's name in reports.
    static let teacherName = "teacher"

    /// Measures, judges, and writes report, runs and the collection's models.
    func report(title: String, system: String) throws -> EvaluationReport {
        let queries = bench.context.evaluation?.queries ?? unlabelledQueries
        let candidates = self.candidates
        let results = try measured(candidates, queries)
        var report = try judged(results.map(\.run), candidates, queries: queries.count, title: title)
        let teacherRun = results[1].run
        for (index, candidate) in candidates.enumerated() {
            describe(candidate, results[index], against: teacherRun, in: &report)
        }
        report.training = students.map(\.curve)
        report.examples = try RankingExamples(bench.collection, bench.context.evaluation, queries: queries)
            .mostDifferent(students.first.map { Self.asymmetricName($0) }, teacher: teacherRun, among: results.map(\.run))
        report.cost = cost
        report.teacherCalls = bench.teacher.account.encoded
        try addProvenance(to: &report, system: system)
        report.verdict = Verdict.decide(for: report)
        try ReportFiles(bench.context.output).write(report, runs: results.map(\.run))
        try rememberModels(report)
        return report
    }

    // MARK: What is measured

    private var candidates: [Candidate] {
        let teacher = bench.teacher.encoder
        let words = Candidate(
            name: "bm25", description: "words: BM25 over titles and texts", kind: .bm25, pipeline: .bm25(),
            modelFolder: nil, vectors: nil, usesWords: true, student: nil)
        let big = Candidate(
            name: Self.teacherName, description: "\(teacher.fingerprint.name) for queries and documents", kind: .teacher,
            pipeline: .dense(teacher), modelFolder: bench.teacherFolder.path, vectors: teacher.fingerprint,
            usesWords: false, student: nil)
        return [words, big] + students.flatMap(candidates)
    }

    private func candidates(of student: TrainedStudent) -> [Candidate] {
        let (name, encoder, teacher) = (student.specification.description, student.encoder, bench.teacher.encoder.fingerprint)
        return [
            Candidate(
                name: Self.asymmetricName(student), description: "\(name) student for queries, the teacher for documents",
                kind: .asymmetric, pipeline: .asymmetric(encoder), modelFolder: student.folder, vectors: teacher,
                usesWords: false, student: student),
            Candidate(
                name: "\(name) symmetric", description: "\(name) student for queries and documents", kind: .dense,
                pipeline: .dense(encoder), modelFolder: student.folder, vectors: encoder.fingerprint, usesWords: false,
                student: student),
            Candidate(
                name: "bm25 + \(name)", description: "BM25 and \(name) asymmetric, fused by reciprocal ranks",
                kind: .hybrid, pipeline: .hybrid([.bm25(), .asymmetric(encoder)]), modelFolder: student.folder,
                vectors: teacher, usesWords: true, student: student),
        ]
    }

    /// The name of a student's asymmetric pipeline in reports.
    static func asymmetricName(_ student: TrainedStudent) -> String { "\(student.specification) asymmetric" }

    /// Held-out texts that are as short as queries; nobody judged them, so they show agreement with the teacher only.
    private var unlabelledQueries: [(id: String, text: String)] {
        heldOut.filter { $0.role == .query }.prefix(200).enumerated().map { ("h\($0.offset + 1)", $0.element.text) }
    }

    // MARK: Measuring

    private func measured(_ candidates: [Candidate], _ queries: [(id: String, text: String)]) throws -> [BatchResult] {
        let searcher = Searcher(bench.collection)
        return try candidates.enumerated().map { index, candidate in
            try Task.checkCancellation()
            bench.context.progress(.init(
                stage: "measuring", completed: index, total: candidates.count, unit: "pipelines", note: candidate.name))
            let prepared = try searcher.prepare(candidate.pipeline)
            // Some queries first, untimed: pages and caches are then as they are in a running service.
            _ = try searcher.run(Array(queries.prefix(20)), prepared, depth: 10)
            return try searcher.run(queries, prepared, depth: depth, threads: 1, name: candidate.name)
        }
    }

    private func judged(
        _ runs: [Run], _ candidates: [Candidate], queries: Int, title: String
    ) throws -> EvaluationReport {
        let kinds = Dictionary(uniqueKeysWithValues: candidates.map { ($0.name, $0.kind) })
        var report: EvaluationReport
        if let evaluation = bench.context.evaluation {
            report = try Evaluation.report(
                judgements: evaluation.judgements, runs: runs, seed: bench.context.seed, kinds: kinds,
                dataset: bench.collectionName, title: title)
        } else {
            report = EvaluationReport(
                title: title, dataset: DatasetEvidence(name: bench.collectionName, queries: queries), metrics: [],
                pipelines: candidates.map { PipelineEvidence(name: $0.name, kind: $0.kind) })
            report.notes.append(
                "There are no judged queries: \(queries) held-out phrases show how often student and teacher agree, "
                    + "not how good either is.")
        }
        report.dataset.documents = bench.collection.liveDocumentCount
        report.dataset.hash = bench.collection.contentHash
        return report
    }

    private func describe(
        _ candidate: Candidate, _ result: BatchResult, against teacher: Run, in report: inout EvaluationReport
    ) {
        guard let index = report.pipelines.firstIndex(where: { $0.name == candidate.name }) else { return }
        let bytes = bench.collection.indexBytes
        report.pipelines[index].description = candidate.description
        report.pipelines[index].latency = LatencySummary(nanoseconds: result.nanoseconds)
        report.pipelines[index].modelBytes = candidate.modelFolder.map(Self.modelBytes)
        report.pipelines[index].indexBytes = (candidate.usesWords ? bytes.text : 0) + (candidate.vectors.map { made in
            bench.collection.encoders.first { $0.fingerprint == made }.map { bytes.vectors[$0.fileName] ?? 0 } ?? 0
        } ?? 0)
        report.pipelines[index].buildSeconds = candidate.vectors.flatMap { bench.indexSeconds[$0.id] }
        report.pipelines[index].trainSeconds = candidate.student?.trainSeconds
        report.pipelines[index].overlapWithTeacher = result.run.overlap(with: teacher, depth: 10).map {
            Overlap(depth: 10, mean: $0)
        }
    }

    private static func modelBytes(_ folder: String) -> Int {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".safetensors") || $0.hasSuffix("tokenizer.json") }
            .reduce(0) { $0 + ((try? LocalFileSystem().size(folder + "/" + $1)) ?? 0) }
    }

    private var cost: DistillationCost {
        let teacher = bench.teacher.encoder.fingerprint.id
        let asked = (try? bench.teacher.store.ledger(of: bench.teacher.encoder.fingerprint).seconds) ?? 0
        let index = bench.indexSeconds[teacher] ?? 0
        return DistillationCost(
            teacherSeconds: max(0, asked - index), trainSeconds: students.map(\.trainSeconds).max() ?? 0,
            studentIndexSeconds: students.compactMap { bench.indexSeconds[$0.encoder.fingerprint.id] }.max() ?? 0,
            teacherIndexSeconds: index)
    }

    // MARK: Provenance

    private func addProvenance(to report: inout EvaluationReport, system: String) throws {
        report.machine = .current(kernels: Workbench.kernels)
        report.commands = bench.context.command.isEmpty ? [] : [ShellWords.joined(bench.context.command)]
        report.seeds["training"] = bench.context.seed
        report.hashes += bench.context.evaluation?.hashes ?? []
        report.hashes.append(ArtifactHash(name: "documents", sha256: bench.collection.contentHash))
        report.hashes.append(ArtifactHash(
            name: "teacher \(bench.teacher.encoder.fingerprint.name)",
            sha256: try SHA256Digest.hex(ofFile: bench.teacherFolder.weightsPath)))
        for student in students {
            report.hashes.append(ArtifactHash(
                name: "student \(student.specification)",
                sha256: try SHA256Digest.hex(ofFile: student.folder + "/model.safetensors")))
        }
        report.notes.append(
            "System \(system). The teacher was asked \(bench.teacher.account.encoded) texts in this run and "
                + "\(bench.teacher.account.requested - bench.teacher.account.encoded) were remembered. "
                + "Latencies: one thread, tokenising included.")
    }

    private func rememberModels(_ report: EvaluationReport) throws {
        let chosen = students.first { student in
            report.verdict?.pipeline?.contains(student.specification.description) ?? false
        }
        let pipeline: PipelineChoice? = switch report.verdict?.choice {
        case .keepBM25: .bm25
        case .useStudentAsymmetric, .useStudentSymmetric: .asymmetric
        case .useTeacher: .dense
        case .useHybrid: .hybrid
        case .undecided, nil: nil
        }
        try CollectionModels(
            teacher: bench.teacherFolder.path,
            students: Dictionary(uniqueKeysWithValues: students.map {
                ($0.specification.description, URL(filePath: $0.folder).standardizedFileURL.path)
            }),
            preferred: (chosen ?? students.first)?.specification.description, recommendedPipeline: pipeline
        ).write(collection: bench.context.collection)
    }
}
