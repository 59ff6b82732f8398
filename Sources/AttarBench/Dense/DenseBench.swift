import AttarIndex
import AttarStorage
import AttarTensor
import Foundation

/// `attar bench dense`: how long does a search of vectors take at equal recall, how long the build, and how large is
/// it?
public struct DenseBench {
    /// How many neighbours a search asks for.
    static let k = 10
    private static let recalls = [0.95, 0.99]
    /// The sizes of the candidate list that are tried, ascending; the first that reaches a recall is measured.
    private static let ladder =
        [10, 15] + Array(stride(from: 20, to: 100, by: 10)) + Array(stride(from: 100, to: 200, by: 20))
        + [200, 240, 280, 320, 400, 600]

    private let settings: BenchSettings
    private let vectors: String
    private let queries: String
    private let parameters: HNSWParameters

    /// - Parameters:
    ///   - vectors: a `.npy` file, `[count, dimension]`.
    ///   - queries: a `.npy` file, `[queries, dimension]`.
    public init(
        _ settings: BenchSettings, vectors: String, queries: String, parameters: HNSWParameters = .init()
    ) throws {
        try settings.requirePeers(among: [.hnswlib, .faiss, .usearch], otherwise: "searches no vectors")
        try settings.requireOneThread(of: "Vector searches")
        self.settings = settings
        self.vectors = vectors
        self.queries = queries
        self.parameters = parameters
    }

    /// What is measured once, besides the cases.
    struct Figures {
        /// Vectors built a second of processor time.
        var rate: Double
        /// The bytes of a vector that searches read.
        var bytes: Double
        /// The same of peers, by the names of their engines.
        var peers: [String: (rate: Double, bytes: Double)] = [:]
    }

    /// Builds every engine's graph, then measures searches at equal recall.
    ///
    /// - Throws: `BenchError`, `StorageError`, `TensorError`.
    public func run() throws -> BenchReport { try measure().report }

    func measure() throws -> (report: BenchReport, figures: Figures) {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let ours = try OwnGraph(NumpyFile.read(vectors), NumpyFile.read(queries), parameters, folder: folder)
        var notes = [ours.note(label: settings.ours("hnsw int8"))]
        let python = settings.peers.isEmpty ? "" : try PeerEnvironment(settings).python
        let peers = try settings.peers.map { peer in
            settings.say("\(peer.rawValue) builds its graph")
            return try DensePeer(peer, python: python, vectors: vectors, queries: queries, parameters: parameters)
        }
        notes += peers.map { $0.note(count: ours.count, ours: ours.rate) }
        notes.append("A repetition searches all \(ours.queries.count) queries, the \(Self.k) best of each.")
        let cases = try Self.recalls.map { recall in try self.case(recall, ours, peers) }
        let name = vectors.split(separator: "/").last.map(String.init) ?? vectors
        var figures = Figures(rate: ours.rate, bytes: ours.bytes)
        for peer in peers { figures.peers[peer.label.engine] = peer.figures(count: ours.count) }
        return (try session.report(title: "dense \(name)", notes: notes, cases: cases), figures)
    }

    private func `case`(_ recall: Double, _ ours: OwnGraph, _ peers: [DensePeer]) throws -> BenchCase {
        let label = settings.ours("hnsw int8")
        let own = try smallest(recall) { try ours.ordinals(k: Self.k, candidates: $0) } truth: { ours.truth }
        var contenders: [any Contender] = [
            LocalContender(label: label) { _ = try ours.ordinals(k: Self.k, candidates: own.candidates) }
        ]
        var agreement = [label.description: own.text]
        for peer in peers {
            let name = "recall \(recall)"
            let found = try smallest(recall) { try peer.prepare(name, k: Self.k, candidates: $0) } truth: { ours.truth }
            contenders.append(PeerContender(label: peer.label, worker: peer.worker, case: name))
            agreement[peer.label.description] = found.text
        }
        return BenchCase(
            name: "recall@\(Self.k) of \(recall)", quantity: .rate(of: "queries"), amount: Double(ours.queries.count),
            contenders: contenders, agreement: agreement)
    }

    private struct Setting {
        var candidates: Int
        var recall: Double
        var text: String { String(format: "recall %.4f with %d candidates", recall, candidates) }
    }

    /// The first step of the ladder that reaches a recall, or the last.
    private func smallest(
        _ recall: Double, _ search: (Int) throws -> [[UInt32]], truth: () -> [[UInt32]]
    ) throws -> Setting {
        var setting = Setting(candidates: 0, recall: 0)
        for candidates in Self.ladder where setting.recall < recall {
            let hits = zip(try search(candidates), truth()).map { found, best in Set(found).intersection(best).count }
            setting = Setting(
                candidates: candidates, recall: Double(hits.reduce(0, +)) / Double(max(1, hits.count * Self.k)))
        }
        return setting
    }
}

/// Attar's graph, and what an exact search finds.
private struct OwnGraph {
    let queries: [[Float]]
    let truth: [[UInt32]]
    let rate: Double
    var count: Int { index.count }
    private let index: HNSWIndex
    private let vectorBytes: Int

    init(_ vectors: Matrix, _ queries: Matrix, _ parameters: HNSWParameters, folder: BenchFolder) throws {
        let writer = try FlatVectorWriter(path: folder.file("vectors"), dimension: vectors.columns, fingerprint: "bench")
        try writer.append(vectors)
        vectorBytes = try writer.finish()
        let flat = try FlatVectorIndex(path: folder.file("vectors"))
        let builder = HNSWBuilder(dimension: vectors.columns, parameters: parameters, fingerprint: "bench")
        let start = BenchClock.processor.now
        try builder.append(vectors)
        rate = Double(vectors.rows) / max(1e-9, BenchClock.processor.now - start)
        try builder.write(to: folder.file("graph"))
        index = try HNSWIndex(path: folder.file("graph"), vectors: flat)
        self.queries = (0..<queries.rows).map { Array(queries.row($0)) }
        truth = try flat.search(queries, k: DenseBench.k, threads: 1).map { $0.map(\.ordinal) }
    }

    func ordinals(k: Int, candidates: Int) throws -> [[UInt32]] {
        let options = HNSWSearchOptions(candidates: candidates, k: k)
        return try queries.map { try index.respond(to: $0, k: k, options: options).hits.map(\.ordinal) }
    }

    /// The bytes of a vector that searches read: codes and links.
    var bytes: Double { Double(index.byteCount) / Double(max(1, count)) }

    func note(label: ContenderLabel) -> String {
        String(
            format: "%@: built at %.0f vectors a second of processor time; %.0f bytes a vector are read by searches "
                + "(codes and links), and %.0f on disk to score results by.",
            label.description, rate, bytes,
            Double(vectorBytes) / Double(max(1, count)))
    }
}

/// Another engine's graph.
private struct DensePeer {
    private struct Load: Encodable {
        var op = "load"
        var engine: String
        var vectors: String
        var queries: String
        var links: Int
        var candidates: Int
    }

    private struct Loaded: Decodable {
        var version: String
        var seconds: Double
        var bytes: Int
    }

    private struct Prepare: Encodable {
        enum CodingKeys: String, CodingKey {
            case op, k, ef
            case name = "case_name"
        }

        var op = "prepare"
        var name: String
        var k: Int
        var ef: Int
    }

    private struct Prepared: Decodable {
        var ordinals: [[UInt32]]
    }

    let label: ContenderLabel
    let worker: PeerWorker
    private let loaded: Loaded

    init(_ peer: Peer, python: String, vectors: String, queries: String, parameters: HNSWParameters) throws {
        worker = try PeerWorker(peer, script: PackageResources.dense_py, python: python, threads: 1)
        func absolute(_ path: String) -> String { URL(filePath: path).path }
        loaded = try worker.ask(
            Load(
                engine: peer.rawValue, vectors: absolute(vectors), queries: absolute(queries),
                links: parameters.links, candidates: parameters.candidates), for: Loaded.self)
        label = ContenderLabel(engine: peer.rawValue, variant: "hnsw fp32", version: loaded.version)
    }

    /// Registers a search as a case; what it finds.
    func prepare(_ name: String, k: Int, candidates: Int) throws -> [[UInt32]] {
        try worker.ask(Prepare(name: name, k: k, ef: candidates), for: Prepared.self).ordinals
    }

    func note(count: Int, ours: Double) -> String {
        let (rate, bytes) = figures(count: count)
        return String(
            format: "%@: built at %.0f vectors a second of processor time (Attar's rate ÷ it: %.2f); %.0f bytes a vector.",
            label.description, rate, ours / rate, bytes)
    }

    func figures(count: Int) -> (rate: Double, bytes: Double) {
        (Double(count) / max(1e-9, loaded.seconds), Double(loaded.bytes) / Double(max(1, count)))
    }
}
