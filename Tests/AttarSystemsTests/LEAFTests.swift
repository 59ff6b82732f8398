import AttarCollection
import AttarDistill
import AttarEvidence
import AttarModels
import AttarStorage
import AttarSystems
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Synchronization
import Testing

/// The whole main job on a teacher of some kilobytes and forty documents.
@Suite struct LEAFTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/attar-leaf-\(UUID().uuidString)"

    private var configuration: LEAF.Configuration {
        var configuration = LEAF.Configuration()
        configuration.students = [.staticTable, .layers(1), .narrow(width: 32, layers: 1)]
        configuration.passageTokens = 24
        configuration.trainingTokens = 16
        configuration.mixture = TextMixture(passages: 30, sentences: 60, titles: 20, keyphrases: 40, spans: 60, bags: 40)
        configuration.transformer.settings.steps = 12
        configuration.transformer.settings.batch = 8
        configuration.transformer.settings.evaluationInterval = 4
        configuration.table.settings.steps = 20
        configuration.table.settings.batch = 16
        configuration.table.settings.evaluationInterval = 5
        configuration.table.settings.objective = .scoreDistribution(temperature: 0.05, documents: 16)
        return configuration
    }

    /// A collection of random sentences over the tiny vocabulary, and judged queries: each document's first words.
    private func prepare(_ name: String) throws -> RunContext {
        let words = ["rose", "oil", "water", "steam", "petals", "petal", "dawn", "cloudy", "cloud", "roses"]
        var generator = SeededGenerator(seed: 3)
        let path = folder + "/" + name
        var queries = "", judgements = "query-id\tcorpus-id\tscore\n"
        _ = try Collection.ingest(into: path) { writer in
            for index in 0..<40 {
                let text = (0..<14).map { _ in words[Int.random(in: 0..<words.count, using: &generator)] }
                try writer.add(Document(id: "d\(index)", title: text[0], text: "The " + text.joined(separator: " ") + "."))
                queries += "{\"_id\": \"q\(index)\", \"text\": \"\(text.prefix(4).joined(separator: " "))\"}\n"
                judgements += "q\(index)\td\(index)\t1\n"
            }
        }
        try AtomicFile.write(Array(queries.utf8), to: path + ".queries.jsonl")
        try AtomicFile.write(Array(judgements.utf8), to: path + ".qrels.tsv")
        if !FileManager.default.fileExists(atPath: folder + "/teacher") {
            var tiny = TinyModels.configuration
            (tiny.hiddenSize, tiny.heads) = (32, 2)
            try TinyModels.writePlain(to: folder + "/teacher", configuration: tiny)
        }
        return RunContext(
            collection: path, teacher: folder + "/teacher", output: path + "/distilled",
            evaluation: try EvaluationSet(
                queries: path + ".queries.jsonl", judgements: path + ".qrels.tsv", collection: path), seed: 7, threads: 2)
    }

    private func bytes(of student: String, in context: RunContext) throws -> [UInt8] {
        try LocalFileSystem().read("\(context.output)/students/\(student)/model.safetensors")
    }

    @Test func theMainJobMeasuresEveryPipelineAndAsksTheTeacherOnce() async throws {
        defer { try? LocalFileSystem().removeTree(folder) }
        let context = try prepare("once")
        let first = try await LEAF(configuration: configuration).run(context)
        let names = first.pipelines.map(\.name)
        for name in ["bm25", "teacher", "static asymmetric", "layers=1 symmetric", "width=32,layers=1 asymmetric"] {
            #expect(names.contains(name))
        }
        #expect(first.pipelines.allSatisfy { $0.latency != nil && !$0.measurements.isEmpty })
        #expect(first.verdict != nil && first.training.count == 3)
        #expect((first.teacherCalls ?? 0) > 100)
        let before = try bytes(of: "static", in: context)
        let second = try await LEAF(configuration: configuration).run(context)
        #expect(second.teacherCalls == 0)
        #expect(try bytes(of: "static", in: context) == before)
        let page = String(decoding: try LocalFileSystem().read(context.output + "/report.html"), as: UTF8.self)
        #expect(page.contains("static asymmetric") && !page.contains("<script src"))
        #expect(try CollectionModels.read(collection: context.collection)?.students.count == 3)
    }

    /// Cancels after more and more progress reports; each attempt goes on where the last one stopped.
    @Test func aRunThatIsStoppedAgainAndAgainEndsWithTheSameBytes() async throws {
        defer { try? LocalFileSystem().removeTree(folder) }
        let undisturbed = try prepare("undisturbed")
        _ = try await LEAF(configuration: configuration).run(undisturbed)
        let plain = try prepare("disturbed")
        for limit in [3, 9, 20, 31, 47, 60, 80] {
            let reports = Mutex(0)
            let holder = Mutex<Task<EvaluationReport, any Error>?>(nil)
            let context = RunContext(
                collection: plain.collection, teacher: plain.teacher, output: plain.output, evaluation: plain.evaluation,
                seed: plain.seed, threads: 2
            ) { _ in
                let count = reports.withLock { $0 += 1; return $0 }
                if count >= limit { holder.withLock { $0?.cancel() } }
            }
            let task = Task { try await LEAF(configuration: configuration).run(context) }
            holder.withLock { $0 = task }
            _ = try? await task.value
        }
        _ = try await LEAF(configuration: configuration).run(plain)
        for student in ["static", "layers-1", "width-32-layers-1"] {
            #expect(try bytes(of: student, in: plain) == bytes(of: student, in: undisturbed))
        }
    }

    @Test func withoutJudgementsTheVerdictSaysThatQualityWasNotMeasured() async throws {
        defer { try? LocalFileSystem().removeTree(folder) }
        let judged = try prepare("unjudged")
        let context = RunContext(
            collection: judged.collection, teacher: judged.teacher, output: judged.output, threads: 2)
        var configuration = configuration
        configuration.students = [.staticTable]
        let report = try await LEAF(configuration: configuration).run(context)
        #expect(report.verdict?.isQualityMeasured == false)
        #expect(report.pipelines.allSatisfy { $0.overlapWithTeacher != nil })
    }

    @Test func judgementsOfAnotherCollectionAreRefusedUnlessAllowed() throws {
        defer { try? LocalFileSystem().removeTree(folder) }
        let context = try prepare("foreign")
        let path = context.collection + ".qrels.tsv"
        try AtomicFile.write(Array("query-id\tcorpus-id\tscore\nq1\tnowhere\t1\n".utf8), to: path)
        let queries = context.collection + ".queries.jsonl"
        #expect { try EvaluationSet(queries: queries, judgements: path, collection: context.collection) } throws: {
            "\($0)".contains("nowhere") && "\($0)".contains(path)
        }
        let allowed = try EvaluationSet(
            queries: queries, judgements: path, collection: context.collection, allowingUnknown: true)
        #expect(allowed.queries.count == 1)
    }
}
