import AttarEvidence
import AttarTensor
import Foundation

/// A report like those of `attar distill`, with invented figures and texts that would break a careless page.
enum SampleReport {
    struct Pipeline {
        let name: String
        let kind: PipelineKind
        let quality: Double
        let microseconds: Double
        let modelMegabytes: Int

        init(_ name: String, _ kind: PipelineKind, _ quality: Double, _ microseconds: Double, _ modelMegabytes: Int) {
            (self.name, self.kind, self.quality) = (name, kind, quality)
            (self.microseconds, self.modelMegabytes) = (microseconds, modelMegabytes)
        }
    }

    static let pipelines = [
        Pipeline("bm25", .bm25, 0.36, 210, 0),
        Pipeline("minilm", .teacher, 0.445, 7_900, 91),
        Pipeline("layers-3-asymmetric", .asymmetric, 0.441, 4_100, 69),
        Pipeline("layers-3-symmetric", .dense, 0.43, 4_120, 69),
        Pipeline("layers-1-asymmetric", .asymmetric, 0.418, 1_700, 54),
        Pipeline("width-192-asymmetric", .asymmetric, 0.405, 1_300, 21),
        Pipeline("static-asymmetric", .asymmetric, 0.437, 190, 47),
        Pipeline("static-symmetric", .dense, 0.401, 185, 47),
        Pipeline("static-hybrid", .hybrid, 0.462, 420, 47),
    ]

    /// Quality is known for each query: a difficulty that all share, a strength, and noise.
    static func report(queries: Int = 170, resamples: Int = 200) throws -> EvaluationReport {
        var generator = SeededGenerator(seed: 42)
        let difficulties = (0..<queries).map { _ in generator.normal() * 0.9 }
        var runs: [Run] = []
        var grades: [String: [String: Int]] = [:]
        for query in 0..<queries { grades["q\(query)"] = ["d1": 1] }
        for pipeline in pipelines {
            var run = Run(name: pipeline.name)
            for (query, difficulty) in difficulties.enumerated() {
                let strength = (pipeline.quality - 0.42) * 9 + difficulty + generator.normal() * 0.35
                let rank = min(14, max(0, Int(3 - 2.4 * strength)))
                let results = (0..<15).map { Run.Result($0 == rank ? "d1" : "x\($0)", Double(20 - $0)) }
                try run.setResults(results, query: "q\(query)")
            }
            runs.append(run)
        }
        let kinds = Dictionary(uniqueKeysWithValues: pipelines.map { ($0.name, $0.kind) })
        var report = try Evaluation.report(
            judgements: Judgements(grades), runs: runs,
            options: StatisticsOptions(seed: 7, resamples: resamples, permutations: resamples * 5),
            kinds: kinds, dataset: "Python documentation", title: "Distilling minilm for the Python documentation")
        addCosts(to: &report)
        addTexts(to: &report)
        report.verdict = Verdict.decide(for: report)
        return report
    }

    private static func addCosts(to report: inout EvaluationReport) {
        for (index, pipeline) in pipelines.enumerated() {
            let times = (1...400).map { (number: Int) -> Int in
                let tail = number > 390 ? 0.9 : 0
                return Int(pipeline.microseconds * (800 + Double(number) + tail * 1_000))
            }
            report.pipelines[index].latency = LatencySummary(nanoseconds: times)
            report.pipelines[index].modelBytes =
                pipeline.modelMegabytes == 0 ? nil : pipeline.modelMegabytes * 1_000_000
            report.pipelines[index].indexBytes = pipeline.kind == .bm25 ? 3_100_000 : 7_200_000
            report.pipelines[index].buildSeconds = pipeline.kind == .bm25 ? 1.4 : 92
            report.pipelines[index].description = Marker.names[pipeline.kind] ?? ""
            if [.asymmetric, .dense].contains(pipeline.kind) {
                report.pipelines[index].trainSeconds = pipeline.name.hasPrefix("static") ? 165 : 640
                report.pipelines[index].overlapWithTeacher = Overlap(depth: 10, mean: pipeline.quality * 1.7)
            }
        }
        report.cost = DistillationCost(
            teacherSeconds: 140, trainSeconds: 165, studentIndexSeconds: 2, teacherIndexSeconds: 92, horizonDays: 30)
        report.training = ["static", "layers-3", "layers-1"].map { name in
            TrainingCurve(
                name: name,
                points: (0...40).map { (index: Int) -> TrainingCurve.Point in
                    let progress = 1 - exp(-Double(index) / 9)
                    let heldOut = index % 4 == 0 ? 0.62 + 0.33 * progress - (name == "static" ? 0.02 : 0) : nil
                    let wiggle = 0.012 * sin(Double(index * index))
                    return .init(
                        step: index * 12, loss: 0.42 - 0.36 * progress + wiggle, heldOutCosine: heldOut,
                        seconds: Double(index) * 4.1)
                })
        }
    }

    private static func addTexts(to report: inout EvaluationReport) {
        report.date = "22 November 2026"
        report.dataset.documents = 4_512
        report.dataset.hash = String(repeating: "3fa9", count: 16)
        report.machine = MachineEvidence(
            processor: "Intel(R) Xeon(R) Platinum 8581C CPU @ 2.10GHz", cores: 2, memoryBytes: 25_200_000_000,
            system: "Debian GNU/Linux 12 (bookworm)", kernels: "avx512vnni")
        report.commands = [
            "attar ingest /usr/share/doc/python3/html --to pydoc",
            "attar distill pydoc --teacher minilm --student static --queries faq.jsonl --qrels faq.tsv --seed 1",
        ]
        report.seeds["training"] = 1
        report.hashes = [ArtifactHash(name: "minilm/model.safetensors", sha256: String(repeating: "53aa", count: 16))]
        report.notes = ["3 queries of <static> & \"others\" have no judgements and were left out."]
        report.examples = (0..<2).map { number in
            RankingExample(
                queryID: "faq-\(number)",
                query: number == 0
                    ? "Why can't lambda expressions contain statements?"
                    : "<script>alert('x')</script> & how do I copy an object?",
                rankings: [
                    .init(
                        pipeline: "static-asymmetric",
                        entries: [
                            .init(
                                documentID: "faq/design#lambda",
                                title: "Why can’t lambda expressions contain statements?", grade: 1),
                            .init(documentID: "reference/expressions#lambda", title: "Lambdas", grade: 0),
                            .init(
                                documentID: "tutorial/controlflow#lambda-expressions",
                                title: "Lambda expressions in the tutorial"),
                        ], value: 1),
                    .init(
                        pipeline: "minilm",
                        entries: [
                            .init(
                                documentID: "tutorial/controlflow#lambda-expressions",
                                title: "Lambda expressions in the tutorial"),
                            .init(documentID: "library/ast#statements", title: "Statements", grade: 0),
                            .init(
                                documentID: "faq/design#lambda",
                                title: "Why can’t lambda expressions contain statements?", grade: 1),
                        ], value: 0.5),
                ])
        }
    }

    private enum Marker {
        static let names: [PipelineKind: String] = [
            .bm25: "terms, Lucene's formula, k1 0.9, b 0.4", .teacher: "six layers, width 384",
            .asymmetric: "student's queries, teacher's documents", .dense: "student's queries and documents",
            .hybrid: "reciprocal rank fusion with bm25",
        ]
    }
}
