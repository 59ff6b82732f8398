import AttarTestSupport
import Foundation
import Testing

/// The build puts products and tests into one folder.
private let attarBinary: URL? = {
    let tests = URL(filePath: ProcessInfo.processInfo.arguments.first ?? "").deletingLastPathComponent()
    let beside = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.build-test/release")
    return [tests, beside].map { $0.appending(path: "attar").standardized }.first {
        FileManager.default.isExecutableFile(atPath: $0.path)
    }
}()

/// The `attar` binary beside the tests: what users type for every kind of index and pipeline.
@Suite(.enabled(if: attarBinary != nil, "needs the attar binary of the same build"))
struct CommandLineTests {
    let folder: TemporaryFolder
    private let model: String

    private static let sparseModel = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../AttarModelsTests/Fixtures/families/bert-masked").standardized.path

    init() throws {
        folder = try TemporaryFolder()
        model = folder.file("model")
        try TinyModels.writePlain(to: model, configuration: TinyModels.configuration)
        let words = ["rose", "oil", "water", "steam", "petals", "petal", "dawn", "cloudy", "cloud", "roses"]
        let lines = (0..<40).map { number in
            let text = (0..<6).map { words[(number * 7 + $0 * (number % 3 + 1)) % words.count] }.joined(separator: " ")
            return #"{"_id": "d\#(number)", "text": "\#(text)", "metadata": {"number": \#(number)}}"#
        }
        try folder.write(Array(lines.joined(separator: "\n").utf8), to: "corpus.jsonl")
    }

    private struct Outcome {
        let status: Int32
        let output: String
        let errors: String

        /// What was printed with `--json`.
        func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], "\(errors)")
        }
    }

    private func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

    private func run(_ arguments: [String]) throws -> Outcome {
        let process = Process()
        process.executableURL = attarBinary
        process.arguments = arguments
        let (output, errors) = (folder.file("output"), folder.file("errors"))
        for file in [output, errors] { try Data().write(to: URL(filePath: file)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }

    private func ingested() throws -> String {
        let collection = folder.file("docs")
        let outcome = try run("ingest", folder.file("corpus.jsonl"), "--to", collection)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return collection
    }

    @Test func everyKindOfVectorIndexIsMadeAndShown() throws {
        let collection = try ingested()
        for (arguments, kind, codes) in [
            (["--kind", "hnsw", "--codes", "binary"], "hnsw", "binary"), (["--kind", "codes"], "codes", "int8"),
            (["--kind", "ivf", "--bytes", "4", "--lists", "3"], "ivf", nil), (["--kind", "hnsw"], "hnsw", "int8"),
        ] as [([String], String, String?)] {
            let outcome = try run(["index", collection, "--encoder", model, "--json"] + arguments)
            let vectors = try #require(try outcome.json()["vectors"] as? [[String: Any]]).first
            let index = try #require(vectors?["index"] as? [String: Any])
            #expect(index["kind"] as? String == kind && index["codes"] as? String == codes)
            let found = try run("search", collection, "rose oil", "--pipeline", "dense", "--encoder", model, "--json")
            #expect(try #require(try found.json()["results"] as? [Any]).count == 10)
        }
        let auto = try run(["index", collection, "--encoder", model, "--auto", "--json"])
        let trial = try #require(try auto.json()["trial"] as? [String: Any])
        #expect(trial["chosen"] as? String == "flat float32" && "\(trial["reason"] ?? "")".contains("40 vectors"))
        let wrong = try run("index", collection, "--encoder", model, "--kind", "ivf", "--bytes", "7")
        #expect(wrong.status == 3 && wrong.errors.contains("possible are"), "\(wrong.errors)")
        #expect(try run("verify", collection).status == 0)
    }

    @Test func everyNewPipelineSearches() throws {
        let collection = try ingested()
        #expect(try run("index", collection, "--encoder", Self.sparseModel).status == 0)
        let made = try run("index", collection, "--encoder", model, "--kind", "multivector", "--json").json()
        let learned = try #require(made["learned"] as? [[String: Any]])
        #expect(learned.map { $0["kind"] as? String } == ["weights", "tokens"])
        #expect(learned.last?["codec"] as? String == "residual2")
        let searches: [[String]] = [
            ["--pipeline", "sparse", "--encoder", Self.sparseModel],
            ["--pipeline", "late-interaction", "--encoder", model],
            ["--pipeline", "late-interaction", "--encoder", model, "--exhaustive"],
            ["--pipeline", "two-stage", "--encoder", model, "--first", "bm25"],
            [
                "--pipeline", "two-stage", "--encoder", model, "--first", "sparse", "--first-encoder", Self.sparseModel,
                "--candidates", "20", "--patience", "4", "--margin", "0.5",
            ],
        ]
        for options in searches {
            let response = try run(["search", collection, "rose oil", "--json", "--filter", "number < 30"] + options)
            let results = try #require(try response.json()["results"] as? [[String: Any]], "\(response.errors)")
            #expect(results.count == 10, "\(options)")
            let explained = try run(["search", collection, "rose oil", "--explain"] + options)
            #expect(explained.status == 0 && !explained.output.isEmpty, "\(explained.errors)")
        }
        // They stay through deletions and merges.
        #expect(try run("index", collection, "--delete", "d3", "--merge").status == 0)
        #expect(try run("verify", collection).status == 0)
        for options in searches { #expect(try run(["search", collection, "dawn"] + options).status == 0) }
    }

    @Test func wrongOptionsAreNamed() throws {
        let collection = try ingested()
        for (options, word) in [
            (["--pipeline", "bm25", "--first", "sparse"], "two-stage"),
            (["--pipeline", "two-stage", "--first", "hybrid"], "--first"),
            (["--pipeline", "two-stage", "--margin", "2"], "--margin"),
            (["--pipeline", "two-stage", "--probes", "2"], "late-interaction"),
        ] {
            let outcome = try run(["search", collection, "rose"] + options)
            #expect(outcome.status == 2 && outcome.errors.contains(word), "\(outcome.errors)")
        }
        let absent = try run("search", collection, "rose", "--pipeline", "sparse", "--encoder", Self.sparseModel)
        #expect(absent.status == 3 && absent.errors.contains("attar index --encoder"), "\(absent.errors)")
    }
}
