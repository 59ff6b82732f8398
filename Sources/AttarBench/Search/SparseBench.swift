import AttarIndex
import AttarStorage
import AttarTensor
import Foundation

/// `attar bench sparse`: how long does a query over learned sparse vectors take, at which recall?
public struct SparseBench {
    /// A setting of an engine.
    private struct Setting {
        var name: String
        var seismic: [String: Double] = [:]
    }

    private let settings: BenchSettings
    private let documents: SparseMatrix
    private let queries: SparseMatrix
    private let paths: (documents: String, queries: String)
    private static let depth = 10
    /// About recall 0.95 and 0.99 on splade-tiny's weights of WordNet's glosses.
    private static let efforts: [SparseSearchEffort] = [
        .exact, SparseSearchEffort(candidates: 30), SparseSearchEffort(columns: 20, candidates: 20),
        SparseSearchEffort(columns: 18, candidates: 16),
    ]
    private static let seismic = [(12, 0.7), (8, 0.7), (8, 0.9), (5, 0.7), (5, 0.8)].map { cut, factor in
        Setting(name: "cut \(cut), factor \(factor)", seismic: ["query_cut": Double(cut), "heap_factor": factor])
    }

    /// Reads two files, see `SparseMatrix.init(path:)`.
    ///
    /// - Throws: `BenchError.usage` for peers that search no sparse vectors, and for more than one thread;
    ///   `TensorError`.
    public init(_ settings: BenchSettings, documents: String, queries: String) throws {
        try settings.requirePeers(among: [.seismic, .numpy], otherwise: "searches no sparse vectors")
        try settings.requireOneThread(of: "Queries")
        self.settings = settings
        self.documents = try SparseMatrix(path: documents)
        self.queries = try SparseMatrix(path: queries)
        paths = (documents, queries)
        guard self.documents.rowCount > 0, self.queries.rowCount > 0 else {
            throw BenchError(.input, "\(self.documents.rowCount == 0 ? documents : queries) has no rows.")
        }
    }

    /// Measures all settings of all engines side by side.
    ///
    /// - Throws: `BenchError`, `StorageError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let path = folder.file("vectors.sparse")
        try index(to: path)
        let index = try SparseIndex(path: path)
        let truth = try hits(index, .exact)
        var contenders: [any Contender] = []
        var agreement: [String: String] = [:]
        for effort in Self.efforts {
            let ours = LocalContender(label: settings.ours(Self.name(effort)), clock: .processor) {
                _ = try hits(index, effort)
            }
            contenders.append(ours)
            agreement[ours.label.description] = Self.recall(truth, try hits(index, effort))
        }
        for peer in settings.peers {
            for (contender, found) in try variants(of: peer) {
                contenders.append(contender)
                agreement[contender.label.description] = Self.recall(truth, found)
            }
        }
        let latencies = try QueryLatencies(Array(0..<queries.rowCount)) { _ = try hit(index, $0, .exact) }
        let means = [documents, queries].map { Double($0.entryCount) / Double($0.rowCount) }
        let notes = [
            "Times are those of the processor, of one thread. Recall is of Attar's exact \(Self.depth) best, which are those "
                + "of an exhaustive search.",
            String(format: "%.1f weights a document, %.1f a query.", means[0], means[1]),
            "attar, exact: \(latencies.text), \(index.byteCount / documents.rowCount) bytes a document.",
        ]
        let measured = BenchCase(
            name: "top \(Self.depth) of \(queries.rowCount) queries", quantity: .microseconds(of: "query"),
            amount: Double(queries.rowCount), contenders: contenders, agreement: agreement)
        let name = paths.documents.split(separator: "/").last.map(String.init) ?? paths.documents
        return try session.report(
            title: "sparse \(name), \(documents.rowCount) documents", notes: notes, cases: [measured])
    }

    private func index(to path: String) throws {
        var builder = SparseIndexBuilder(columns: documents.columnCount)
        for row in 0..<documents.rowCount {
            let vector = documents.row(row)
            try builder.add(columns: vector.columns, weights: vector.values)
        }
        try builder.finish(to: path)
    }

    private func hit(_ index: SparseIndex, _ query: Int, _ effort: SparseSearchEffort) throws -> [SearchHit] {
        let vector = queries.row(query)
        return try index.search(columns: vector.columns, weights: vector.values, k: Self.depth, effort: effort)
    }

    private func hits(_ index: SparseIndex, _ effort: SparseSearchEffort) throws -> [[SearchHit]] {
        try (0..<queries.rowCount).map { try hit(index, $0, effort) }
    }

    private static func name(_ effort: SparseSearchEffort) -> String {
        guard let candidates = effort.candidates else { return "exact" }
        return (effort.columns.map { "\($0) columns, " } ?? "") + "\(candidates) candidates"
    }

    private static func recall(_ truth: [[SearchHit]], _ found: [[SearchHit]]) -> String {
        String(format: "recall %.4f", HitAgreement(truth, found).recall)
    }

    private struct Load: Encodable {
        var op = "load"
        var peer: String
        var documents: String
        var queries: String
        var settings: [String: [String: Double]]
    }

    private struct Loaded: Decodable {
        var version: String
    }

    /// The engine in all its settings, with what it finds.
    private func variants(of peer: Peer) throws -> [(PeerContender, [[SearchHit]])] {
        var own = settings
        own.peers = [peer]
        let worker = try PeerWorker(
            peer, script: PackageResources.sparse_py, python: PeerEnvironment(own).python, threads: 1)
        settings.say("\(peer.rawValue) indexes the documents")
        let chosen = peer == .seismic ? Self.seismic : [Setting(name: "exhaustive")]
        let load = Load(
            peer: peer.rawValue, documents: paths.documents, queries: paths.queries,
            settings: Dictionary(uniqueKeysWithValues: chosen.map { ($0.name, $0.seismic) }))
        let loaded: Loaded = try worker.ask(load)
        return try chosen.map { variant in
            let label = ContenderLabel(engine: peer.rawValue, variant: variant.name, version: loaded.version)
            return (
                PeerContender(label: label, worker: worker, case: variant.name), try worker.hits(of: variant.name)
            )
        }
    }
}
