import AttarCollection
import AttarEvidence
import AttarStorage
import AttarSystems
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// System S19 on models of some kilobytes and sixty documents.
@Suite struct TwoStageRerankingTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private static let sparseModel = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../AttarModelsTests/Fixtures/families/bert-masked").standardized.path

    private func prepare() throws -> RunContext {
        let words = ["rose", "oil", "water", "steam", "petals", "petal", "dawn", "cloudy", "cloud", "roses"]
        var generator = SeededGenerator(seed: 3)
        var queries = "", judgements = "query-id\tcorpus-id\tscore\n"
        _ = try Collection.ingest(into: folder.file("docs")) { writer in
            for index in 0..<60 {
                let text = (0..<9).map { _ in words[Int.random(in: 0..<words.count, using: &generator)] }
                try writer.add(Document(id: "d\(index)", title: "", text: text.joined(separator: " ")))
                queries += "{\"_id\": \"q\(index)\", \"text\": \"\(text.prefix(5).joined(separator: " "))\"}\n"
                judgements += "q\(index)\td\(index)\t1\n"
            }
        }
        try folder.write(Array(queries.utf8), to: "queries.jsonl")
        try folder.write(Array(judgements.utf8), to: "qrels.tsv")
        try TinyModels.writePlain(to: folder.file("teacher"), configuration: TinyModels.configuration)
        return RunContext(
            collection: folder.file("docs"), teacher: folder.file("teacher"), output: folder.file("out"),
            evaluation: try EvaluationSet(queries: folder.file("queries.jsonl"), judgements: folder.file("qrels.tsv")),
            threads: 2)
    }

    private var configuration: TwoStageReranking.Configuration {
        var configuration = TwoStageReranking.Configuration()
        configuration.sparse = Self.sparseModel
        (configuration.dimension, configuration.codec, configuration.centroids) = (8, "bf16", 8)
        (configuration.candidates, configuration.margin, configuration.patience) = (30, 0.5, 5)
        return configuration
    }

    @Test func everyWayIsMeasuredAndNothingIsEncodedTwice() async throws {
        let context = try prepare()
        let report = try await TwoStageReranking(configuration: configuration).run(context)
        let scored = Dictionary(uniqueKeysWithValues: report.pipelines.map { ($0.name, $0.documentsScored ?? -1) })
        #expect(scored["exhaustive"] == 60 && scored["first stage"] == 0)
        let (all, some) = (try #require(scored["two-stage all"]), try #require(scored["two-stage"]))
        #expect(all <= 30 && some <= all && some >= 10 && (scored["gather"] ?? 0) > 0)
        #expect(report.pipelines.allSatisfy { $0.latency != nil && $0.measurements.count == 3 })
        let written = try LocalFileSystem().read(context.output + "/tokens.mvx")
        let again = try await TwoStageReranking(configuration: configuration).run(context)
        #expect(again.pipelines.map(\.measurements) == report.pipelines.map(\.measurements))
        #expect(try LocalFileSystem().read(context.output + "/tokens.mvx") == written)
        #expect(try LocalFileSystem().exists(context.output + "/report.html"))
    }

    /// With every candidate kept and all patience nothing is left out.
    @Test func withoutShortcutsBothFormsAreOne() async throws {
        var open = configuration
        (open.margin, open.patience, open.candidates) = (1, 1000, 60)
        let report = try await TwoStageReranking(configuration: open).run(prepare())
        let pipelines = ["two-stage", "two-stage all"].compactMap { report.pipeline(named: $0) }
        #expect(pipelines.count == 2 && pipelines[0].measurements.map(\.mean) == pipelines[1].measurements.map(\.mean))
        #expect(pipelines[0].documentsScored == pipelines[1].documentsScored)
    }

    @Test func whatItCannotDoIsSaid() async throws {
        let context = try prepare()
        var unknown = configuration
        unknown.codec = "zip"
        await #expect { _ = try await TwoStageReranking(configuration: unknown).run(context) } throws: {
            "\($0)".contains("zip")
        }
        let unjudged = RunContext(
            collection: context.collection, teacher: context.teacher, output: context.output, threads: 1)
        await #expect { _ = try await TwoStageReranking(configuration: configuration).run(unjudged) } throws: {
            "\($0)".contains("judged")
        }
    }
}
