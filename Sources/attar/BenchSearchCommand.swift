import ArgumentParser
import AttarBench
import AttarIndex
import AttarModels
import Foundation

extension Bench {
    struct TextSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "text", abstract: "BM25 queries and indexing, on real and on generated documents.",
            discussion: """
                Examples:
                  attar bench text --data wordnet-glosses --data novel-sentences --against tantivy,pisa,bm25s
                  attar bench text --data generated --documents 10000,100000,1000000
                  attar bench text --growth --documents 10000,100000,1000000 --against tantivy
                  attar bench text --data wordnet-glosses --shuffle --reorder
                  attar bench text --data wordnet-glosses --churn
                  attar bench text --data wordnet-glosses --kind boolean,phrase --against tantivy

                Folders are in the layout of BEIR; without queries of their own, words of documents are asked for.
                """)

        @Option(help: ArgumentHelp(
            "A folder in the layout of BEIR, or \"generated\"; may be given several times. (default: generated)",
            valueName: "folder"))
        var data: [String] = []

        @Option(help: "Numbers of generated documents, with commas between them.")
        var documents: CommaSeparated<Int> = .init([100_000])

        @Option(help: "Terms of a generated document in the mean.")
        var length: Int = 60

        @Option(help: "The most queries; of clauses and phrases, of each group.")
        var queries: Int = 2000

        @Option(help: "What is asked for: terms (and indexing), boolean, phrase, with commas between them.")
        var kind: CommaSeparated<TextQueryKind> = .init([.terms])

        @Flag(help: "Replace half of a folder's documents first, in small commits, and compare with a new collection.")
        var churn = false

        @Option(help: "In how many commits.")
        var batches: Int = 50

        @Flag(help: "One table over all numbers of generated documents.")
        var growth = false

        @Flag(help: "Measure also an index whose documents were put in order by recursive graph bisection.")
        var reorder = false

        @Flag(help: "Shuffle the documents first, so that their order tells nothing.")
        var shuffle = false

        @OptionGroup var options: BenchOptions

        func validate() throws {
            if documents.values.contains(where: { $0 < 1 }) { throw ValidationError("--documents must be at least 1.") }
            if length < 8 { throw ValidationError("--length must be at least 8.") }
            if queries < 1 { throw ValidationError("--queries must be at least 1.") }
            if growth, churn || reorder || shuffle || kind.values != [.terms] || !data.allSatisfy({ $0 == "generated" }) {
                throw ValidationError("--growth measures terms in generated documents; leave other choices out.")
            }
            if churn, data.isEmpty || data.contains("generated") {
                throw ValidationError("--churn takes folders in the layout of BEIR: name one with --data.")
            }
        }

        func run() async throws {
            let settings = options.settings
            try options.show { show in
                if growth {
                    let bench = try TextGrowthBench(
                        settings, sizes: documents.values, meanLength: length, queries: queries)
                    return try show(bench.run())
                }
                for source in data.isEmpty ? ["generated"] : data {
                    if churn {
                        let bench = try TextUpdateBench(settings, folder: source, queries: queries, batches: batches)
                        try show(bench.run())
                        continue
                    }
                    for var corpus in try corpora(of: source) {
                        if shuffle { corpus.shuffle() }
                        for kind in kind.values { try show(measure(kind, corpus, settings)) }
                    }
                }
            }
        }

        private func measure(
            _ kind: TextQueryKind, _ corpus: SearchCorpus, _ settings: BenchSettings
        ) throws -> BenchReport {
            guard let clauses = ClauseBench.Kind(rawValue: kind.rawValue) else {
                return try TextBench(settings, corpus: corpus, reorders: reorder).run()
            }
            return try ClauseBench(settings, corpus: corpus, kind: clauses, queries: queries).run()
        }

        private func corpora(of source: String) throws -> [SearchCorpus] {
            guard source == "generated" else { return [try SearchCorpus(folder: source, queries: queries)] }
            return documents.values.map { SearchCorpus(generated: $0, meanLength: length, queries: queries) }
        }
    }
}

/// What `attar bench text` asks for.
enum TextQueryKind: String, CaseIterable, ExpressibleByArgument {
    case terms, boolean, phrase
}

extension Bench {
    struct SparseSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sparse", abstract: "Queries over learned sparse vectors, exact and approximate.",
            discussion: """
                Example:
                  attar bench sparse documents.csr queries.csr --against seismic,numpy

                Files are sparse matrices of the Big-ANN benchmarks (.csr: i64 rows, columns, entries, i64 starts, i32 \
                columns, f32 values) or of SciPy (.npz); a row is a text, a column a token.
                """)

        @Argument(help: "The documents' vectors.")
        var documents: String

        @Argument(help: "The queries' vectors, of the same columns.")
        var queries: String

        @OptionGroup var options: BenchOptions

        func run() async throws {
            try options.show { show in
                try show(SparseBench(options.settings, documents: documents, queries: queries).run())
            }
        }
    }
}

extension Bench {
    struct MultiVectorSpeed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "multivector",
            abstract: "MaxSim over token vectors: its time, and the documents that must be scored for equal quality.",
            discussion: """
                Example:
                  attar bench multivector scifact --development train --against pytorch,numpy

                The exhaustive search, gathering by tokens and two-stage search are compared. Their settings are chosen by the \
                development queries, and measured on the test queries.
                """)

        @Argument(help: "A folder in the layout of BEIR.")
        var data: String

        @Option(help: "Judgements by which settings are chosen.")
        var development: String = "dev"

        @Option(help: "Judgements by which they are measured.")
        var test: String = "test"

        @Option(help: "The model whose token states are compared.")
        var encoder: String = "minilm"

        @Option(help: "The model of the first stage: a sparse encoder.")
        var sparse: String = "splade-tiny"

        @Option(help: "To which length token states are projected; 0 leaves them as they are.")
        var dimension: Int = 128

        @Option(help: "How tokens are kept: bf16, int8, residual1, residual2, residual4, or pq with a number of bytes.")
        var codec: TokenCodec = .residual(bits: 2)

        @Option(help: "Centroids. (default: by the number of tokens)")
        var centroids: Int?

        @Option(help: "The most queries of each kind.")
        var queries: Int = 300

        @Option(help: ArgumentHelp("Where encoded documents are kept for the next time.", valueName: "folder"))
        var work: String = NSHomeDirectory() + "/.cache/attar/bench"

        @OptionGroup var options: BenchOptions

        func validate() throws {
            if dimension < 0 { throw ValidationError("--dimension must not be below 0.") }
            if queries < 1 { throw ValidationError("--queries must be at least 1.") }
            if centroids.map({ $0 < 1 }) ?? false { throw ValidationError("--centroids must be at least 1.") }
        }

        func run() async throws {
            let store = try ModelStore()
            let input = MultiVectorBench.Input(
                folder: data, development: development, test: test, encoder: try store.resolve(encoder),
                sparse: try store.resolve(sparse), dimension: dimension == 0 ? nil : dimension, codec: codec,
                centroids: centroids, queries: queries, work: work)
            try options.show { show in try show(MultiVectorBench(options.settings, input: input).run()) }
        }
    }
}

extension TokenCodec: ExpressibleByArgument {
    /// Such as `residual2`.
    public init?(argument: String) { self.init(name: argument) }

    public var defaultValueDescription: String { description }
}
