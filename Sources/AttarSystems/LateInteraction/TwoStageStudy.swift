import AttarCollection
import AttarEvidence
import AttarIndex
import AttarModels
import AttarSearch
import AttarStorage
import AttarTensor
import Dispatch
import Foundation

/// Encodes a collection for a search in two stages, and measures ways to search it.
///
/// What was encoded stays in the output folder, and is not encoded again.
struct TwoStageStudy {
    /// A way to search.
    struct Candidate {
        let name: String
        let description: String
        let search: (TwoStageQuery) throws -> CascadeResponse
    }

    private let context: RunContext
    private let configuration: TwoStageReranking.Configuration
    private let collection: Collection
    private let evaluation: EvaluationSet
    private let models: TwoStageModels
    private let codec: TokenCodec

    /// - Throws: `SystemError` without judged queries, or for a codec that is not known; `ModelError`, `StorageError`.
    init(_ context: RunContext, _ configuration: TwoStageReranking.Configuration) throws {
        guard let evaluation = context.evaluation else {
            throw SystemError.badConfiguration(
                system: TwoStageReranking.card.id, detail: "it measures with judged queries, and none were given")
        }
        guard let codec = TokenCodec(name: configuration.codec) else {
            throw SystemError.badConfiguration(
                system: TwoStageReranking.card.id, detail: "there is no codec \"\(configuration.codec)\"")
        }
        (self.context, self.configuration, self.evaluation, self.codec) = (context, configuration, evaluation, codec)
        collection = try Collection.open(at: context.collection)
        try LocalFileSystem().makeDirectory(context.output)
        let encoder = try BertEncoder(path: ModelStore().resolve(context.teacher), precision: .bfloat16)
        var texts: [String] = []
        try collection.forEachPassage { texts.append($0.embeddingText) }
        models = TwoStageModels(
            sparse: try SparseEncoder(path: ModelStore().resolve(configuration.sparse), precision: .bfloat16),
            tokens: try TwoStageModels.encoder(
                over: encoder, dimension: configuration.dimension == 0 ? nil : configuration.dimension,
                path: context.output + "/projection.safetensors", texts: texts,
                options: Self.encoding(context, configuration)))
    }

    private static func encoding(
        _ context: RunContext, _ configuration: TwoStageReranking.Configuration
    ) -> EncodingOptions {
        EncodingOptions(threads: context.threads, maximumLength: configuration.passageTokens)
    }

    /// The indexes of all passages.
    func index() throws -> TwoStageIndex {
        let identity = SHA256Digest.hex(of: [
            collection.contentHash, models.sparse.fingerprint.id, models.tokens.fingerprint.id, configuration.codec,
            "\(configuration.centroids) \(configuration.passageTokens)",
        ].joined(separator: "\n"))
        if try LocalFileSystem().exists(context.output + "/tokens.mvx"),
            case let index = try TwoStageWriter.open(context.output),
            index.tokens.attributes[TwoStageIndex.documentsAttribute] == identity
        {
            return index
        }
        let options = MultiVectorBuilder.Options(
            codec: codec, lists: true, centroids: configuration.centroids == 0 ? nil : configuration.centroids)
        let writer = try TwoStageWriter(
            folder: context.output, models: models, documents: identity, options: options,
            encoding: Self.encoding(context, configuration))
        var done = 0
        try collection.forEachPassageBatch(size: 256) { passages in
            try Task.checkCancellation()
            try writer.append(passages.map(\.embeddingText))
            done += passages.count
            context.progress(.init(
                stage: "both models read passages", completed: done, total: collection.passageCount, unit: "passages"))
        }
        return try writer.finish()
    }

    /// Quality, work and latency of the candidates, on the same queries.
    func report(_ index: TwoStageIndex, _ candidates: [Candidate]) throws -> EvaluationReport {
        let queries = try evaluation.queries.map { try models.query($0.text) }
        let measured = try candidates.map { candidate in
            try Task.checkCancellation()
            context.progress(.init(stage: "measuring", note: candidate.name))
            return try measure(candidate, queries)
        }
        var report = try Evaluation.report(
            judgements: evaluation.judgements, runs: measured.map(\.run),
            metrics: [.nDCG(at: 10), .reciprocalRank(at: 10), .success(at: 5)], seed: context.seed,
            dataset: URL(filePath: context.collection).lastPathComponent,
            title: "\(TwoStageReranking.card.name) on \(URL(filePath: context.collection).lastPathComponent)")
        for (place, candidate) in candidates.enumerated() {
            report.pipelines[place].description = candidate.description
            report.pipelines[place].latency = LatencySummary(nanoseconds: measured[place].nanoseconds)
            report.pipelines[place].documentsScored = measured[place].scored
            report.pipelines[place].indexBytes = candidate.name == "first stage"
                ? index.sparse.byteCount : index.tokens.byteCount
        }
        report.dataset.documents = collection.documentCount
        report.dataset.hash = collection.contentHash
        report.machine = .current(kernels: Workbench.kernels)
        report.commands = context.command.isEmpty ? [] : [ShellWords.joined(context.command)]
        report.hashes += evaluation.hashes
        report.notes.append(
            "System \(TwoStageReranking.card.id). Latencies: one thread, without the encoding of the query. "
                + "\(index.tokens.tokenCount) tokens as \(index.tokens.codec), \(index.tokens.centroidCount) centroids; "
                + "\(index.tokens.emptyDocuments) documents without tokens are never found.")
        try ReportFiles(context.output).write(report, runs: measured.map(\.run))
        return report
    }

    private func measure(
        _ candidate: Candidate, _ queries: [TwoStageQuery]
    ) throws -> (run: Run, nanoseconds: [UInt64], scored: Double) {
        var (run, nanoseconds, scored) = (Run(name: candidate.name), [UInt64](), 0)
        for query in queries.prefix(10) { _ = try candidate.search(query) }
        for (query, id) in zip(queries, evaluation.queries.map(\.id)) {
            let start = DispatchTime.now().uptimeNanoseconds
            let response = try candidate.search(query)
            nanoseconds.append(DispatchTime.now().uptimeNanoseconds - start)
            scored += response.scored
            try run.setResults(documents(response.hits), query: id)
        }
        return (run, nanoseconds, Double(scored) / Double(max(1, queries.count)))
    }

    /// Each document by its best passage; scores that fall strictly, so that ties are those of the search.
    private func documents(_ hits: [SearchHit]) -> [Run.Result] {
        var seen = Set<Int>()
        let documents = hits.map { collection.document(ofPassage: Int($0.ordinal)) }.filter { seen.insert($0).inserted }
        return documents.enumerated().map { Run.Result(collection.identifier(ofDocument: $0.element), Double(-$0.offset)) }
    }
}
