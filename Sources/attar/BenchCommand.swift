import ArgumentParser
import AttarBench
import AttarModels
import AttarStorage
import AttarTensor
import Foundation

extension Peer: ExpressibleByArgument {}
extension ProductPrecision: ExpressibleByArgument {}

/// `attar bench`
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure speed, also side by side with peers on the same bytes.",
        discussion: """
            Examples:
              attar bench encode minilm
              attar bench encode minilm --against onnxruntime,pytorch --markdown docs/benchmarks.md
              attar bench tokenize minilm --against tokenizers --input corpus.jsonl
              attar bench train minilm --precision fp32,bf16 --against pytorch
              attar bench adapt smollm2 --against pytorch
              attar bench generate smollm2 --against llama.cpp
              attar bench dense --vectors v.npy --queries q.npy --against hnswlib,faiss,usearch
              attar bench text --data corpus --against tantivy,pisa,bm25s
              attar bench sparse documents.csr queries.csr --against seismic,numpy
              attar bench multivector scifact --development train --against pytorch,numpy

            All contenders work in turn, round after round, bound to the same processor. Peers are Python packages: they \
            are installed once by pip, into an environment of their own below ~/.cache/attar/bench, unless --python names \
            an interpreter that has them. Without --against no Python is needed.
            """,
        subcommands: [
            EncodeSpeed.self, TokenizeSpeed.self, StartSpeed.self, TrainSpeed.self, AdaptSpeed.self,
            GenerateSpeed.self, TextSpeed.self, SparseSpeed.self, DenseSpeed.self, MultiVectorSpeed.self,
        ])

    struct EncodeSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "encode", abstract: "Texts to vectors: one short query, one passage, a batch of passages.",
            discussion: """
                Example:
                  attar bench encode minilm --precision fp32,int8 --against onnxruntime,pytorch
                """)

        @Argument(help: "A model of the catalogue, or a model folder.")
        var model: String = "minilm"

        @Option(help: "Precisions of Attar: fp32, bf16, int8, with commas between them.")
        var precision: CommaSeparated<Precision> = .init(Precision.allCases)

        @Option(help: "Batches, as texts x tokens, with commas between them.")
        var batch: CommaSeparated<EncodeBench.Batch> = .init(EncodeBench.batches)

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let settings = options.settings
            let path = try ModelStore().resolve(model)
            try options.show { show in
                try show(EncodeBench(settings, path: path, precisions: precision.values, batches: batch.values).run())
            }
        }
    }

    struct TrainSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train", abstract: "A training step of 32 x 32 tokens: forward, backward, AdamW.",
            discussion: """
                Example:
                  attar bench train minilm --precision fp32,bf16 --against pytorch --threads 2
                """)

        @Argument(help: "A model of the catalogue, or a model folder: a BERT encoder.")
        var model: String = "minilm"

        @Option(help: "Precisions of matrix products: fp32, bf16, with a comma between them.")
        var precision: CommaSeparated<ProductPrecision> = .init([.fp32, .bf16])

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let settings = options.settings
            let path = try ModelStore().resolve(model)
            try options.show { show in
                try show(TrainBench(settings, path: path, precisions: precision.values).run())
            }
        }
    }

    struct AdaptSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "adapt",
            abstract: "A training step of a language model's LoRA adapter, 4 x 128 tokens: forward, backward, AdamW.",
            discussion: """
                Example:
                  attar bench adapt smollm2 --precision fp32,bf16 --against pytorch --rounds 5
                """)

        @Argument(help: "A model of the catalogue, a GGUF file, a folder that holds one, or a Hugging Face folder.")
        var model: String = "smollm2"

        @Option(help: "Precisions of matrix products: fp32, bf16, with a comma between them.")
        var precision: CommaSeparated<ProductPrecision> = .init([.fp32, .bf16])

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let settings = options.settings
            let path = try ModelStore().resolveDecoder(model)
            try options.show { show in
                try show(AdapterBench(settings, path: path, precisions: precision.values).run())
            }
        }
    }

    struct TokenizeSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tokenize", abstract: "Texts to token ids, and the load of tokenizer.json.",
            discussion: """
                Example:
                  attar bench tokenize minilm me5-small --against tokenizers --input xquad.jsonl --input program.py
                """)

        @Argument(help: "Models of the catalogue, model folders, or tokenizer.json files.")
        var models: [String] = ["minilm"]

        @Option(help: ArgumentHelp(
            "A file of texts, JSON lines or plain lines; may be given several times. (default: a passage of Attar's own)",
            valueName: "file"))
        var input: [String] = []

        @Option(help: "Texts of each file that are used.")
        var limit: Int = 10_000

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let settings = options.settings
            let inputs = try input.isEmpty ? [.builtIn] : input.map { try TokenizeBench.Input(path: $0, limit: limit) }
            try options.show { show in
                for model in models {
                    let path = model.hasSuffix(".json") ? model : try ModelStore().resolve(model) + "/tokenizer.json"
                    try show(TokenizeBench(settings, path: path, name: model, inputs: inputs).run())
                }
            }
        }
    }

    struct GenerateSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "generate", abstract: "Prompts read, and tokens made, a second.",
            discussion: """
                Example:
                  attar bench generate smollm2 --against llama.cpp
                """)

        @Argument(help: "A decoder of the catalogue, a GGUF file, or a folder.")
        var model: String = "smollm2"

        @Option(help: "Precisions of Attar, with commas between them.")
        var precision: CommaSeparated<Precision> = .init([.bfloat16])

        @Option(help: "Tokens of the prompt.")
        var promptTokens: Int = 256

        @Option(help: "Tokens behind it.")
        var newTokens: Int = 32

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let settings = options.settings
            let path = try ModelStore().resolveDecoder(model)
            let bench = try GenerateBench(
                settings, path: path, precisions: precision.values, promptTokens: promptTokens, newTokens: newTokens)
            try options.show { show in try show(bench.run()) }
        }
    }
}

extension Bench {
    struct StartSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start", abstract: "The start of this program: its help, and a first query.",
            discussion: "Example:\n  attar bench start minilm --rounds 20")

        @Argument(help: "A model of the catalogue, or a model folder.")
        var model: String = "minilm"

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
            let path = try ModelStore().resolve(model)
            try options.show { show in
                try show(StartBench(options.settings, program: program, path: path).run())
            }
        }
    }
}

extension Bench {
    struct DenseSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dense", abstract: "Vector search at equal recall, the build of graphs, their size.",
            discussion: """
                Example:
                  attar encode minilm --input corpus.jsonl --output v.npy
                  attar bench dense --vectors v.npy --queries q.npy --against hnswlib,faiss,usearch
                  attar bench dense --vectors v.npy --queries q.npy --churn
                  attar bench dense --vectors v.npy --queries q.npy --growth 10000,30000,100000 --against hnswlib
                  attar bench dense --vectors v.npy --queries q.npy --collection
                  attar bench dense --vectors v.npy --queries q.npy --churn --collection --batches 40 --recall 0.99
                  attar bench dense --kinds ivf --vectors v.npy --queries q.npy --against faiss
                """)

        /// What is searched.
        enum Kind: String, ExpressibleByArgument, CaseIterable {
            case hnsw, ivf
        }

        @Option(help: "The kinds of index: hnsw (graphs), ivf (inverted lists of codes, rescored).")
        var kinds = CommaSeparated([Kind.hnsw])

        @Option(help: ArgumentHelp("The vectors, NumPy.", valueName: "file"))
        var vectors: String

        @Option(help: ArgumentHelp("The queries' vectors, NumPy.", valueName: "file"))
        var queries: String

        @Flag(help: "Measure the graph after half of its vectors were replaced in small batches, and filtered searches.")
        var churn = false

        @Option(help: ArgumentHelp(
            "One table over graphs of the first so many vectors, with commas between them.", valueName: "numbers"))
        var growth: CommaSeparated<Int>?

        @Flag(help: """
            Measure all kinds of index that a collection can have, with and without filters. With --churn: replace \
            documents of a collection, with its merges, and compare with a new one.
            """)
        var collection = false

        @Option(help: "With --churn: in how many steps, or commits.")
        var batches: Int = 50

        @Option(help: "With --collection: the recall@10 that graphs are set to.")
        var recall: Double = 0.95

        @OptionGroup var options: BenchOptions

        func run() async throws {
            let settings = options.settings
            if let growth {
                let bench = try DenseGrowthBench(settings, sizes: growth.values, vectors: vectors, queries: queries)
                return try options.show { show in try show(bench.run()) }
            }
            if collection, !churn {
                let bench = try VectorKindsBench(settings, vectors: vectors, queries: queries, recall: recall)
                return try options.show { show in try show(bench.run()) }
            }
            if collection {
                let bench = try VectorUpdateBench(
                    settings, vectors: vectors, queries: queries, batches: batches, recall: recall)
                return try options.show { show in try show(bench.run()) }
            }
            if churn {
                let bench = try UpdateBench(settings, vectors: vectors, queries: queries, batches: batches)
                return try options.show { show in try show(bench.run()) }
            }
            try options.show { show in
                for kind in kinds.values {
                    switch kind {
                    case .hnsw: try show(DenseBench(settings, vectors: vectors, queries: queries).run())
                    case .ivf: try show(IVFBench(settings, vectors: vectors, queries: queries).run())
                    }
                }
            }
        }
    }
}

extension EncodeBench.Batch: ExpressibleByArgument {
    /// Such as 1x16.
    public init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false).compactMap { Int($0) }
        guard parts.count == 2, parts.allSatisfy({ $0 > 0 }) else { return nil }
        self.init(texts: parts[0], tokens: parts[1])
    }

    public var defaultValueDescription: String { "\(texts)x\(tokens)" }
}

/// Several values of one option, with commas between them.
struct CommaSeparated<Value: ExpressibleByArgument>: ExpressibleByArgument {
    let values: [Value]

    init(_ values: [Value]) {
        self.values = values
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = parts.compactMap { Value(argument: String($0)) }
        guard values.count == parts.count else { return nil }
    }

    var defaultValueDescription: String { values.map(\.defaultValueDescription).joined(separator: ",") }
}

/// The options that all benches share.
struct BenchOptions: ParsableArguments {
    @Option(help: ArgumentHelp(
        """
        Peers to compare with, with commas between them: onnxruntime, pytorch, llama.cpp, tokenizers, tantivy, pisa, bm25s, \
        seismic, numpy, hnswlib, faiss, usearch.
        """,
        valueName: "peers"))
    var against: CommaSeparated<Peer> = .init([])

    @Option(help: ArgumentHelp("A Python that has the peers' packages; nothing is installed then.", valueName: "program"))
    var python: String?

    @Option(help: "Threads of every contender.")
    var threads: Int = 1

    @Option(help: "Rounds in which the contenders take turns.")
    var rounds: Int = 11

    @Option(help: ArgumentHelp("Write the results into a section of this Markdown file.", valueName: "file"))
    var markdown: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
        if rounds < 1 { throw ValidationError("--rounds must be at least 1.") }
    }

    var settings: BenchSettings {
        BenchSettings(
            version: Attar.configuration.version, command: Self.command(CommandLine.arguments), threads: threads,
            rounds: rounds, peers: against.values, python: python
        ) { StandardStream.error.say($0 + "\n") }
    }

    /// The command as one would type it; where results go is not part of what was measured.
    private static func command(_ arguments: [String]) -> String {
        var words = ["attar"]
        var skipsNext = false
        for word in arguments.dropFirst() where word != "--json" {
            if skipsNext {
                skipsNext = false
            } else if word == "--markdown" || word == "--python" {
                skipsNext = true
            } else if !word.hasPrefix("--markdown=") && !word.hasPrefix("--python=") {
                words.append(word.contains(" ") ? "'\(word)'" : word)
            }
        }
        return words.joined(separator: " ")
    }

    /// Prints each report and writes its section as soon as it is there; JSON is one array, at the end.
    func show(_ measure: ((BenchReport) throws -> Void) throws -> Void) throws {
        var reports: [BenchReport] = []
        try measure { report in
            reports.append(report)
            if let markdown { try MarkdownSection.write(report.markdown, named: report.title, to: markdown) }
            if !output.json { try OutputOptions.write(Self.text(report) + "\n") }
        }
        if output.json { try OutputOptions.write(OutputOptions.encoded(reports)) }
    }

    private static func text(_ report: BenchReport) -> String {
        func table(_ rows: [[String]]) -> String {
            aligned(rows, numeric: Set(1..<max(2, rows.first?.count ?? 0)))
        }
        let tables = (report.summary.map { [table($0)] } ?? []) + report.cases.map { result in
            let peak = result.peak.map { String(format: "  (peak of the core %.0f GFLOP/s)", $0.median / 1e9) } ?? ""
            return result.name + peak + "\n" + table(result.rows)
        }
        return ([report.title, report.circumstances] + report.notes + [""]).joined(separator: "\n")
            + tables.joined(separator: "\n\n")
    }
}
