import AttarIndex
import AttarStorage
import AttarTensor
import Foundation

/// `attar bench dense --kinds ivf`: how long does a search of inverted lists of codes take, with rescoring, at equal
/// recall? Every engine at the best setting of its grid: the same lists, codes, candidates and ladder of lists looked
/// at, and what only one has beside (the peer: codes of vectors or of residuals; Attar: margins). Every second query
/// chooses the setting, the others are measured.
public struct IVFBench {
    static let k = 10
    private static let recalls = [0.95]
    /// Candidates scored again for each result, and lists looked at: ascending; the first number of lists that reaches
    /// a recall is timed.
    static let factors = [6, 8, 12, 16, 24]
    static let probes = [16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
    /// How much worse than the best a list may be (`IVFSearchOptions.margin`).
    static let margins: [Float?] = [nil, 0.16, 0.18, 0.2, 0.23]
    static let candidates = factors.flatMap { factor in margins.map { (factor, $0) } }

    private let settings: BenchSettings
    private let vectors: String
    private let queries: String
    private let lists: [Int]
    private let subspaces: [Int]

    /// - Parameters:
    ///   - vectors: a `.npy` file, `[count, dimension]`.
    ///   - queries: a `.npy` file, `[queries, dimension]`.
    ///   - lists: the numbers of lists of the grid.
    ///   - subspaces: the subspaces of a code of the grid, half a byte each; those that do not divide the dimension are
    ///     left out.
    public init(
        _ settings: BenchSettings, vectors: String, queries: String, lists: [Int] = [512, 1024, 2048],
        subspaces: [Int] = [96, 128]
    ) throws {
        try settings.requirePeers(among: [.faiss], otherwise: "has no inverted lists of codes")
        try settings.requireOneThread(of: "Vector searches")
        self.settings = settings
        self.vectors = vectors
        self.queries = queries
        self.lists = lists
        self.subspaces = subspaces
    }

    /// Builds every engine's indexes, finds its best setting, then measures.
    ///
    /// - Throws: `BenchError`, `StorageError`, `TensorError`, `IndexError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let rows = try NumpyFile.read(vectors)
        let grid = (lists: lists, subspaces: subspaces.filter { rows.columns % $0 == 0 })
        settings.say("Attar builds its indexes")
        let ours = try OwnLists(rows, NumpyFile.read(queries), lists: grid.lists, subspaces: grid.subspaces, folder)
        let peers = try settings.peers.map { peer in
            settings.say("\(peer.rawValue) builds its indexes")
            return try ListsPeer(
                peer, python: try PeerEnvironment(settings).python, vectors: vectors, queries: queries,
                lists: grid.lists, subspaces: grid.subspaces)
        }
        let cases = try Self.recalls.map { recall in try self.case(recall, ours, peers) }
        let notes = [
            "A repetition searches \(ours.measured.count) queries, the \(Self.k) best of each, one after another here, "
                + "and in one call where the peer takes them so. Results are scored by the vectors in fp32.",
            "Settings were chosen with \(ours.chosenBy.count) other queries, for which they reach the recall asked "
                + "for; the recalls shown are those of the queries measured.",
        ]
        let name = vectors.split(separator: "/").last.map(String.init) ?? vectors
        return try session.report(title: "ivf \(name)", notes: notes, cases: cases)
    }

    private func `case`(_ recall: Double, _ ours: OwnLists, _ peers: [ListsPeer]) throws -> BenchCase {
        let label = settings.ours("ivf pq4 fp32")
        let best = try ours.fastest(reaching: recall)
        var contenders: [any Contender] = [LocalContender(label: label) { try ours.search(best) }]
        var agreement = [label.description: try ours.text(best)]
        for peer in peers {
            let name = "recall \(recall)"
            agreement[peer.label.description] = try peer.prepare(
                name, recall: recall, chosenBy: ours.chosenBy.truth, measured: ours.measured.truth)
            contenders.append(PeerContender(label: peer.label, worker: peer.worker, case: name))
        }
        return BenchCase(
            name: "recall@\(Self.k) of \(recall)", quantity: .rate(of: "queries"), amount: Double(ours.measured.count),
            contenders: contenders, agreement: agreement)
    }
}

/// Attar's indexes over the same vectors, and what an exact search finds.
private struct OwnLists {
    /// An index with how it is searched.
    struct Setting {
        let index: IVFIndex
        let options: IVFSearchOptions
    }

    /// Queries, and what an exact search finds for each.
    struct Queries {
        let queries: [[Float]]
        let truth: [[UInt32]]

        var count: Int { queries.count }

        init(_ all: Matrix, from first: Int, in vectors: FlatVectorIndex) throws {
            let rows = all.gathered(Array(stride(from: first, to: all.rows, by: 2)))
            queries = (0..<rows.rows).map { Array(rows.row($0)) }
            truth = try vectors.search(rows, k: IVFBench.k, threads: 1).map { $0.map(\.ordinal) }
        }
    }

    let chosenBy: Queries
    let measured: Queries
    private let indexes: [IVFIndex]

    init(_ vectors: Matrix, _ queries: Matrix, lists: [Int], subspaces: [Int], _ folder: BenchFolder) throws {
        let writer = try FlatVectorWriter(path: folder.file("vectors"), dimension: vectors.columns, fingerprint: "bench")
        try writer.append(vectors)
        try writer.finish()
        let flat = try FlatVectorIndex(path: folder.file("vectors"))
        var indexes: [IVFIndex] = []
        for list in lists {
            for subspace in subspaces {
                let parameters = IVFParameters(lists: list, subspaces: subspace)
                let builder = IVFBuilder(
                    quantizer: try IVFQuantizer(vectors, parameters: parameters, threads: 1), fingerprint: "bench")
                try builder.append(vectors, threads: 1)
                let path = folder.file("ivf-\(list)-\(subspace)")
                try builder.write(to: path)
                indexes.append(try IVFIndex(path: path, vectors: flat))
            }
        }
        self.indexes = indexes
        chosenBy = try Queries(queries, from: 0, in: flat)
        measured = try Queries(queries, from: 1, in: flat)
    }

    func text(_ setting: Setting) throws -> String {
        let (parameters, options) = (setting.index.parameters, setting.options)
        let reached = try recall(setting, of: measured)
        let margin = options.margin.map { String(format: ", margin %.2f", $0) } ?? ""
        return String(
            format: "recall %.4f with %d lists, %d half bytes, %d rescored, %d lists looked at", reached,
            parameters.lists, parameters.subspaces, options.rescored, options.lists) + margin
    }

    func search(_ setting: Setting) throws { try search(setting, measured) }

    private func search(_ setting: Setting, _ queries: Queries) throws {
        for query in queries.queries {
            _ = try setting.index.respond(to: query, k: IVFBench.k, allowed: nil, options: setting.options)
        }
    }

    /// The fastest setting of the grid that reaches a recall.
    func fastest(reaching recall: Double) throws -> Setting {
        var best: (seconds: Double, setting: Setting)?
        for index in indexes {
            for (factor, margin) in IVFBench.candidates {
                guard let setting = try smallest(index, factor, margin, recall) else { continue }
                var seconds = Double.infinity
                for _ in 0..<3 {
                    let start = BenchClock.processor.now
                    try search(setting, chosenBy)
                    seconds = min(seconds, BenchClock.processor.now - start)
                }
                if seconds < best?.seconds ?? .infinity { best = (seconds, setting) }
            }
        }
        guard let best else { throw BenchError.usage("No setting of the grid reaches recall \(recall) on these vectors.") }
        return best.setting
    }

    /// The first step of the ladder that reaches a recall, which grows with the lists looked at; nil when none does.
    private func smallest(
        _ index: IVFIndex, _ factor: Int, _ margin: Float?, _ recall: Double
    ) throws -> Setting? {
        var (low, high, best): (Int, Int, Setting?) = (0, IVFBench.probes.count, nil)
        while low < high {
            // The last step first: where it does not reach the recall, none does.
            let middle = best == nil ? IVFBench.probes.count - 1 : (low + high) / 2
            let options = IVFSearchOptions(
                lists: IVFBench.probes[middle], rescored: factor * IVFBench.k, margin: margin, k: IVFBench.k)
            let setting = Setting(index: index, options: options)
            if try self.recall(setting, of: chosenBy) >= recall {
                (best, high) = (setting, middle)
            } else {
                low = middle + 1
            }
        }
        return best
    }

    private func recall(_ setting: Setting, of queries: Queries) throws -> Double {
        var found = 0
        for (query, best) in zip(queries.queries, queries.truth) {
            let hits = try setting.index.respond(
                to: query, k: IVFBench.k, allowed: nil, options: setting.options).hits
            found += Set(hits.map(\.ordinal)).intersection(best).count
        }
        return Double(found) / Double(max(1, queries.truth.reduce(0) { $0 + $1.count }))
    }
}

/// Another engine's indexes.
private struct ListsPeer {
    private struct Load: Encodable {
        var op = "load"
        var vectors: String
        var queries: String
        var lists: [Int]
        var subspaces: [Int]
    }

    private struct Loaded: Decodable {
        var version: String
    }

    private struct Prepare: Encodable {
        enum CodingKeys: String, CodingKey {
            case op, k, recall, measured, factors, probes
            case name = "case_name"
            case chosenBy = "chosen_by"
        }

        var op = "prepare"
        var name: String
        var k = IVFBench.k
        var recall: Double
        var chosenBy: [[UInt32]]
        var measured: [[UInt32]]
        var factors = IVFBench.factors
        var probes = IVFBench.probes
    }

    private struct Prepared: Decodable {
        var setting: String
        var recall: Double
    }

    let label: ContenderLabel
    let worker: PeerWorker

    init(_ peer: Peer, python: String, vectors: String, queries: String, lists: [Int], subspaces: [Int]) throws {
        worker = try PeerWorker(peer, script: PackageResources.ivf_py, python: python, threads: 1)
        func absolute(_ path: String) -> String { URL(filePath: path).path }
        let loaded = try worker.ask(
            Load(vectors: absolute(vectors), queries: absolute(queries), lists: lists, subspaces: subspaces),
            for: Loaded.self)
        label = ContenderLabel(engine: peer.rawValue, variant: "IVF,PQfs,RFlat", version: loaded.version)
    }

    /// Registers the fastest setting that reaches a recall as a case.
    func prepare(
        _ name: String, recall: Double, chosenBy: [[UInt32]], measured: [[UInt32]]
    ) throws -> String {
        let found = try worker.ask(
            Prepare(name: name, recall: recall, chosenBy: chosenBy, measured: measured), for: Prepared.self)
        return String(format: "recall %.4f with %@", found.recall, found.setting)
    }
}
