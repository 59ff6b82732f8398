import AttarCollection
import AttarDistill
import AttarEvidence
import AttarIndex
import AttarModels
import AttarStorage
import AttarSystems
import AttarTestSupport
import AttarTensor
import AttarText
import Foundation
import Synchronization
import Testing

/// Distill-VQ on a teacher of some kilobytes and some hundred documents.
@Suite struct DistillVQTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/attar-vq-\(UUID().uuidString)"

    private var configuration: DistillVQ.Configuration {
        var configuration = DistillVQ.Configuration()
        configuration.bytes = [4]
        configuration.lists = 4
        configuration.mixture = TextMixture(sentences: 60, titles: 10, spans: 100, bags: 60)
        configuration.candidates = 20
        configuration.training.steps = 30
        configuration.training.batch = 8
        return configuration
    }

    /// A collection of random sentences over the tiny vocabulary, and judged queries: each document's first words.
    private func context(documents: Int, judged: Bool = true) throws -> RunContext {
        let words = ["rose", "oil", "water", "steam", "petals", "petal", "dawn", "cloudy", "cloud", "roses"]
        var generator = SeededGenerator(seed: 3)
        let path = folder + "/\(documents)-\(judged)"
        var queries = "", judgements = "query-id\tcorpus-id\tscore\n"
        _ = try Collection.ingest(into: path) { writer in
            for index in 0..<documents {
                let text = (0..<14).map { _ in words[Int.random(in: 0..<words.count, using: &generator)] }
                try writer.add(Document(id: "d\(index)", title: text[0], text: "The " + text.joined(separator: " ") + "."))
                guard index < 40 else { continue }
                queries += "{\"_id\": \"q\(index)\", \"text\": \"\(text.prefix(4).joined(separator: " "))\"}\n"
                judgements += "q\(index)\td\(index)\t1\n"
            }
        }
        try AtomicFile.write(Array(queries.utf8), to: path + ".queries.jsonl")
        try AtomicFile.write(Array(judgements.utf8), to: path + ".qrels.tsv")
        var tiny = TinyModels.configuration
        (tiny.hiddenSize, tiny.heads) = (32, 2)
        try TinyModels.writePlain(to: folder + "/teacher", configuration: tiny)
        let evaluation = try EvaluationSet(
            queries: path + ".queries.jsonl", judgements: path + ".qrels.tsv", collection: path)
        return RunContext(
            collection: path, teacher: folder + "/teacher", output: path + "/distilled",
            evaluation: judged ? evaluation : nil, seed: 7, threads: 2)
    }

    @Test(arguments: [true, false])
    func aRunIndexesTrainsAndMeasures(judged: Bool) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let context = try context(documents: 300, judged: judged)
        let report = try await DistillVQ(configuration: configuration).run(context)
        #expect(report.pipelines.map(\.name) == ["teacher", "opq 4 bytes", "distilled 4 bytes"])
        let recall = Metric.recall(at: 10)
        #expect(report.pipelines.first?.measurement(of: recall)?.mean == 1)
        for name in ["opq 4 bytes", "distilled 4 bytes"] {
            let pipeline = try #require(report.pipeline(named: name))
            let mean = try #require(pipeline.measurement(of: recall)?.mean)
            #expect(mean > 0.1 && mean < 1)
        }
        #expect(report.comparison(of: "distilled 4 bytes", with: "opq 4 bytes", on: recall) != nil)
        #expect(report.training.map(\.name) == ["distilled 4 bytes"])
        #expect(report.notes.contains { $0.contains("nDCG@10") } == judged)
        // The codes on disk are those of the tuned codewords, and the file is whole.
        for file in ["opq-4", "distilled-4"] {
            let index = try IVFIndex(path: context.output + "/indexes/\(file).ivf")
            try index.verify()
            #expect(index.count == 300 && index.parameters.subspaces == 4 && index.parameters.rotates)
        }
        let bytes = try ["opq-4", "distilled-4"].map { try LocalFileSystem().read(context.output + "/indexes/\($0).ivf") }
        #expect(bytes[0] != bytes[1])
    }

    /// Cancels after more and more progress reports; each attempt goes on where the last one stopped.
    @Test func aRunThatIsStoppedAgainAndAgainEndsWithTheSameBytes() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let undisturbed = try context(documents: 300)
        _ = try await DistillVQ(configuration: configuration).run(undisturbed)
        let expected = try indexes(of: undisturbed.output)
        try FileManager.default.removeItem(atPath: undisturbed.output)
        var steps: [Int] = []
        for limit in [1, 9, 22, 30] {
            let first = Mutex<Int?>(nil)
            let context = stopping(undisturbed, afterStep: limit) { step in first.withLock { $0 = $0 ?? step } }
            let task = Task { try await DistillVQ(configuration: configuration).run(context) }
            await #expect(throws: CancellationError.self) { try await task.value }
            steps.append(try #require(first.withLock { $0 }))
        }
        // Each attempt goes on with the step after the last one of the attempt before.
        #expect(steps == [1, 2, 10, 23])
        _ = try await DistillVQ(configuration: configuration).run(undisturbed)
        #expect(try indexes(of: undisturbed.output) == expected)
        let left = try FileManager.default.contentsOfDirectory(atPath: undisturbed.output + "/state")
        #expect(!left.contains { $0.hasSuffix(".checkpoint") })
    }

    private func indexes(of output: String) throws -> [[UInt8]] {
        try ["opq-4", "distilled-4"].map { try LocalFileSystem().read(output + "/indexes/\($0).ivf") }
    }

    /// The same run, but it cancels its own task after a step of training.
    private func stopping(
        _ context: RunContext, afterStep limit: Int, onStep: @escaping @Sendable (Int) -> Void
    ) -> RunContext {
        RunContext(
            collection: context.collection, teacher: context.teacher, output: context.output,
            evaluation: context.evaluation, seed: context.seed, threads: context.threads
        ) { update in
            guard update.stage.hasPrefix("training ") else { return }
            onStep(update.completed)
            if update.completed == limit { withUnsafeCurrentTask { $0?.cancel() } }
        }
    }

    @Test func tooFewDocumentsForTheCodewordsAreRefused() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let context = try context(documents: 60)
        let error = await #expect(throws: IndexError.self) {
            try await DistillVQ(configuration: configuration).run(context)
        }
        #expect(error?.description.contains("60 vectors are too few for 256 codewords") ?? false)
        #expect(!FileManager.default.fileExists(atPath: context.output + "/indexes"))
    }
}
