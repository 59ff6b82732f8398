import AttarCollection
import AttarDistill
import AttarEvidence
import AttarIndex
import AttarModels
import AttarSignals
import AttarStorage
import AttarTensor

/// Measures how much of the full vectors' ranking codes keep: the teacher's ten best documents of each query are what
/// is to be found.
struct QuantizerStudy {
    private let bench: Workbench
    private let signals: QuantizerSignals
    private let students: [QuantizedStudent]
    private let lists: Int
    private static let depth = 10

    /// - Parameter lists: how many lists a query looks at.
    init(_ bench: Workbench, _ signals: QuantizerSignals, _ students: [QuantizedStudent], lists: Int) {
        self.bench = bench
        self.signals = signals
        self.students = students
        self.lists = lists
    }

    /// Searches, compares, and writes report and runs.
    func report(title: String, system: String) throws -> EvaluationReport {
        let queries = bench.context.evaluation?.queries ?? unlabelledQueries
        let vectors = try bench.teacher.vectors(
            for: queries.map(\.text), role: .query, options: EncodingOptions(threads: bench.context.threads))
        let passages = try bench.documentIDs()
        let exact = try signals.documents.search(vectors, k: Self.depth, threads: bench.context.threads)
        var wanted: [String: [String: Int]] = [:]
        for (query, hits) in zip(queries, exact) {
            wanted[query.id] = Dictionary(hits.map { (passages[Int($0.ordinal)], 1) }, uniquingKeysWith: max)
        }
        var runs = [try run(RetrievalStudy.teacherName, queries.map(\.id), exact, passages)]
        var latencies: [LatencySummary?] = []
        for student in students {
            let (hits, nanoseconds) = try search(student, vectors)
            runs.append(try run(student.name, queries.map(\.id), hits, passages))
            latencies.append(LatencySummary(nanoseconds: nanoseconds))
        }
        var report = try Evaluation.report(
            judgements: Judgements(wanted), runs: runs, metrics: [.recall(at: Self.depth)], seed: bench.context.seed,
            kinds: [RetrievalStudy.teacherName: .teacher], dataset: bench.collectionName, title: title)
        describe(&report, latencies)
        report.notes += try notes(on: runs, system: system)
        try ReportFiles(bench.context.output).write(report, runs: runs)
        return report
    }

    /// Held-out texts that are as short as queries.
    private var unlabelledQueries: [(id: String, text: String)] {
        signals.heldOut.filter { $0.role == .query }.prefix(200).enumerated().map { ("h\($0.offset + 1)", $0.element.text) }
    }

    private func search(_ student: QuantizedStudent, _ vectors: Matrix) throws -> ([[SearchHit]], [UInt64]) {
        bench.context.progress(.init(
            stage: "measuring", completed: 0, total: vectors.rows, unit: "queries", note: student.name))
        let (options, clock) = (IVFSearchOptions(lists: lists, k: Self.depth), ContinuousClock())
        var (hits, nanoseconds): ([[SearchHit]], [UInt64]) = ([], [])
        for row in 0..<vectors.rows {
            let query = Array(vectors.row(row))
            let start = clock.now
            hits.append(try student.index.respond(to: query, k: Self.depth, options: options).hits)
            nanoseconds.append(UInt64(max(0, (clock.now - start).seconds * 1e9)))
        }
        return (hits, nanoseconds)
    }

    /// Documents of several passages count by the best.
    private func run(
        _ name: String, _ queries: [String], _ hits: [[SearchHit]], _ passages: [String]
    ) throws -> Run {
        var run = Run(name: name)
        for (query, hits) in zip(queries, hits) {
            var seen: Set<String> = []
            let results = hits.compactMap { hit -> Run.Result? in
                let document = passages[Int(hit.ordinal)]
                return seen.insert(document).inserted ? Run.Result(document, Double(hit.score)) : nil
            }
            try run.setResults(results, query: query)
        }
        return run
    }

    private func describe(_ report: inout EvaluationReport, _ latencies: [LatencySummary?]) {
        report.dataset.documents = bench.collection.documentCount
        report.dataset.hash = bench.collection.contentHash
        report.machine = .current(kernels: Workbench.kernels)
        report.commands = bench.context.command.isEmpty ? [] : [ShellWords.joined(bench.context.command)]
        report.seeds["training"] = bench.context.seed
        report.training = students.compactMap(\.curve)
        report.teacherCalls = bench.teacher.account.encoded
        for (student, latency) in zip(students, latencies) {
            guard let place = report.pipelines.firstIndex(where: { $0.name == student.name }) else { continue }
            report.pipelines[place].latency = latency
            report.pipelines[place].indexBytes = student.index.byteCount
            report.pipelines[place].trainSeconds = student.curve?.points.last?.seconds
            report.pipelines[place].description =
                "\(student.index.parameters.lists) lists, \(lists) of them looked at, no rescoring"
        }
    }

    /// What stands beside the main question: how good the rankings are by the judgements, where there are any.
    private func notes(on runs: [Run], system: String) throws -> [String] {
        let trained = "System \(system). \(signals.queries.rows) training queries made of the corpus, none of those measured."
        guard let evaluation = bench.context.evaluation else { return [trained] }
        let judged = try Evaluation.report(
            judgements: evaluation.judgements, runs: runs, metrics: [.nDCG(at: Self.depth)], seed: bench.context.seed)
        let means = judged.pipelines.map { pipeline in
            "\(pipeline.name) \(rounded(pipeline.measurement(of: .nDCG(at: Self.depth))?.mean ?? 0))"
        }
        return [trained, "nDCG@10 by the judgements: " + means.joined(separator: ", ") + "."]
    }
}

extension Workbench {
    /// The teacher's vectors of all passages in order, part by part.
    func forEachTeacherVector(_ body: (Matrix) throws -> Void) throws {
        guard let record = collection.encoders.first(where: { $0.fingerprint == teacher.encoder.fingerprint }) else {
            preconditionFailure("the teacher has not encoded the collection yet")
        }
        for segment in collection.segments {
            guard let index = segment.vectors(of: record) else { continue }
            for first in stride(from: 0, to: index.count, by: 1024) {
                let rows = first..<min(first + 1024, index.count)
                let values = rows.flatMap { index.vector(UInt32($0)) }
                try body(Matrix(rows: rows.count, columns: index.dimension, values: values))
            }
        }
    }

    /// The document of each passage.
    func documentIDs() throws -> [String] {
        var documents: [String] = []
        documents.reserveCapacity(collection.passageCount)
        try collection.forEachPassage { documents.append($0.documentID) }
        return documents
    }
}
