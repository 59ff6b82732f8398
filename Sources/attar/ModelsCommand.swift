import ArgumentParser
import AttarModels
import AttarSystems
import Foundation

/// `attar models`
struct Models: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, fetch, inspect and quantise models.",
        discussion: """
            Example:
              attar models pull minilm

            Models stand in $ATTAR_MODELS, else ~/.cache/attar/models. What is fetched is trusted by its SHA-256 only.
            """,
        subcommands: [List.self, Pull.self, Show.self, Quantize.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models that can be fetched, and those that are here.",
            discussion: "Example:\n  attar models list")

        @OptionGroup var output: OutputOptions

        private struct Row: Encodable {
            let name: String
            let what: String
            let licence: String
            let bytes: Int
            let isInstalled: Bool
        }

        func run() async throws {
            let store = try ModelStore()
            let installed = try store.installed()
            let rows = store.catalogue.models.map {
                Row(
                    name: $0.name, what: $0.what, licence: $0.licence, bytes: $0.bytes,
                    isInstalled: installed.contains($0.name))
            }
            let others = installed.filter { store.catalogue.entry(named: $0) == nil }
            try output.print(rows) {
                aligned(
                    [["model", "MB", "licence", "", "what it is"]] + rows.map {
                        [$0.name, "\($0.bytes / 1_000_000)", $0.licence, $0.isInstalled ? "here" : "", $0.what]
                    } + others.map { [$0, "", "", "here", "not of the catalogue"] }, numeric: [1])
            }
        }
    }

    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch a model; what is there already is left alone.",
            discussion: "Example:\n  attar models pull minilm")

        @Argument(help: "The model's name in the catalogue.")
        var name: String

        func run() async throws {
            let printer = ProgressPrinter()
            let folder = try await ModelStore().pull(name) { update in
                printer.show(.init(
                    stage: "fetching \(update.file) from \(update.source)", completed: update.received / 1000,
                    total: update.total / 1000, unit: "kB"))
            }
            printer.finish()
            try OutputOptions.write(folder)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a model folder holds.", discussion: "Example:\n  attar models show minilm")

        @Argument(help: "A model of the catalogue, a model folder, or a GGUF file.")
        var path: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = try ModelStore().resolveDecoder(path)
            if let decoder = try DecoderDescription(ifDecoderAt: path) {
                try output.print(decoder) { aligned(decoder.rows) }
            } else {
                let summary = try ModelSummary(path: path)
                try output.print(summary) { summary.text }
            }
        }
    }
}

/// What is worth knowing of a model folder.
private struct ModelSummary: Encodable {
    let name: String
    let path: String
    let backbone: String
    let dimension: Int
    let maximumLength: Int?
    let isNormalized: Bool
    let precision: Precision
    let fingerprint: String
    let teacher: String?
    let prompts: [String: String]

    init(path: String) throws {
        let folder = try ModelFolder(path: path)
        self.path = path
        let fingerprint: EncoderFingerprint
        if folder.isSparse {
            let encoder = try SparseEncoder(path: path)
            (fingerprint, maximumLength, isNormalized) = (encoder.fingerprint, encoder.maximumLength, false)
        } else {
            let encoder = try EncoderLoader.load(path: path)
            fingerprint = encoder.fingerprint
            maximumLength = encoder.maximumLength == .max ? nil : encoder.maximumLength
            isNormalized = encoder.isNormalized
        }
        precision = folder.precision
        switch folder.backbone {
        case .bert(let bert, let pooling):
            let family = ["bert": "BERT", "roberta": "RoBERTa", "mpnet": "MPNet"][bert.family.rawValue] ?? ""
            let head = folder.isSparse ? "weights of tokens (SPLADE)" : pooling.mode.rawValue + " pooling"
            backbone = "\(family), \(bert.layers) layers x \(bert.hiddenSize), \(head)"
        case .staticTable:
            backbone = "static token table"
        }
        name = fingerprint.name
        dimension = fingerprint.dimension
        self.fingerprint = fingerprint.id
        teacher = fingerprint.teacher
        prompts = folder.prompts.named
    }

    var text: String {
        aligned([
            ["name", name], ["folder", path], ["kind", backbone], ["dimension", "\(dimension)"],
            ["reads", maximumLength.map { "\($0) tokens" } ?? "texts of any length"],
            ["computed in", precision.rawValue],
            ["vectors", isNormalized ? "of length 1" : "not normalised"], ["fingerprint", fingerprint],
            ["space of", teacher ?? "its own"],
        ] + prompts.sorted { $0.key < $1.key }.map { ["prompt \($0.key)", "\"\($0.value)\""] })
    }
}
