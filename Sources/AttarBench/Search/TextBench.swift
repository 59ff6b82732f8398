import AttarIndex
import AttarStorage
import Foundation

/// `attar bench text`: how long does a BM25 query take, how many documents a second are indexed?
public struct TextBench {
    private let settings: BenchSettings
    private let corpus: SearchCorpus
    private let reorders: Bool
    /// How many hits a query asks for.
    private static let depth = 10
    /// Those that cannot be changed in Tantivy.
    private static let parameters = BM25Parameters.lucene

    /// - Parameter reorders: whether the same documents in the order of `GraphBisection` are measured too.
    /// - Throws: `BenchError.usage` for peers that search no text, and for more than one thread.
    public init(_ settings: BenchSettings, corpus: SearchCorpus, reorders: Bool = false) throws {
        try settings.requirePeers(among: [.tantivy, .pisa, .bm25s], otherwise: "searches no text")
        try settings.requireOneThread(of: "Queries")
        guard corpus.count > 0, !corpus.queries.isEmpty else {
            throw BenchError(.input, "\(corpus.name) has no documents, or none that queries could be made of.")
        }
        self.settings = settings
        self.corpus = corpus
        self.reorders = reorders
    }

    /// What is measured once, besides the cases.
    struct Figures {
        /// The 99th percentile of the time of a query, divided by the median.
        let tail: Double
        let bytesPerDocument: Int
        /// Of the process, in bytes, after indexing.
        let peakMemory: Int
    }

    /// Measures indexing and searching.
    ///
    /// - Throws: `BenchError`, `StorageError`.
    public func run() throws -> BenchReport { try measure().report }

    func measure() throws -> (report: BenchReport, figures: Figures) {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let documents = folder.file("documents"), queries = folder.file("queries"), own = folder.file("text.inv")
        let before = Machine.peakMemory
        try index(to: own)
        let memory = Machine.peakMemory
        let searcher = BM25Searcher(try InvertedIndex(path: own), parameters: Self.parameters)
        let reordered = reorders ? try ReorderedIndex(searcher, in: folder) : nil
        let hits = try corpus.queries.map { try searcher.search($0, k: Self.depth) }
        let group = QueryGroup(terms: corpus.queries)
        try corpus.write(documents: documents)
        try JSONEncoder().encode([group]).write(to: URL(filePath: queries))
        let peers = try settings.peers.map { try TextPeer($0, settings, documents: documents, queries: queries) }
        defer { for peer in peers { peer.finish() } }
        let latencies = try QueryLatencies(corpus.queries) { _ = try searcher.search($0, k: Self.depth) }
        try reordered?.requireEqualScores(hits, queries: corpus.queries)
        let notes = [
            "k1 1.2, b 0.75, \(Self.depth) hits; terms come from Attar's English analyzer, for all engines alike.",
            "Times are those of the processor, of one thread; what others did on the machine does not count.",
            "Agreement: the share of Attar's hits that the peer finds too, ties at the end aside, and for how many queries "
                + "all scores are equal to 4 digits where the formula is the same (lengths in one byte, as in Tantivy, are "
                + "another formula, and PISA's idf is).",
            "attar: \(latencies.text), \(searcher.index.byteCount / corpus.count) bytes a document, "
                + "peak memory \(before / 1_000_000) MB before indexing and \(memory / 1_000_000) MB after.",
        ] + (try reordered.map { [try $0.note(documents: corpus.count, queries: corpus.queries)] } ?? [])
            + peers.flatMap(\.notes)
        let figures = Figures(
            tail: latencies.tail, bytesPerDocument: searcher.index.byteCount / corpus.count, peakMemory: memory)
        let report = try session.report(
            title: "text \(corpus.name)\(reorders ? ", reordered" : ""), \(corpus.count) documents", notes: notes,
            cases: [try searching(searcher, reordered, peers, hits), indexing(folder, peers)])
        return (report, figures)
    }

    private func index(to path: String) throws {
        var builder = InvertedIndexBuilder()
        for document in 0..<corpus.count { try builder.add(terms: corpus.terms(document)) }
        try builder.finish(to: path)
    }

    private func searching(
        _ searcher: BM25Searcher, _ reordered: ReorderedIndex?, _ peers: [TextPeer], _ hits: [[SearchHit]]
    ) throws -> BenchCase {
        let queries = corpus.queries
        let ours = LocalContender(label: settings.ours(), clock: .processor) {
            for query in queries { _ = try searcher.search(query, k: Self.depth) }
        }
        let second = reordered.map { reordered in
            LocalContender(label: settings.ours("reordered"), clock: .processor) {
                for query in queries { _ = try reordered.searcher.search(query, k: Self.depth) }
            }
        }
        let terms = Double(queries.reduce(0) { $0 + $1.count }) / Double(queries.count)
        return BenchCase(
            name: String(format: "top %d of %d queries, %.1f terms in the mean", Self.depth, queries.count, terms),
            quantity: .microseconds(of: "query"), amount: Double(queries.count),
            contenders: [ours] + (second.map { [$0] } ?? [])
                + peers.map { PeerContender(label: $0.label, worker: $0.worker, case: "terms") },
            agreement: Dictionary(
                uniqueKeysWithValues: try peers.map {
                    ($0.label.description, HitAgreement(hits, try $0.worker.hits(of: "terms")).text)
                }))
    }

    private func indexing(_ folder: BenchFolder, _ peers: [TextPeer]) -> BenchCase {
        let path = folder.file("again.inv")
        let ours = LocalContender(label: settings.ours(), clock: .processor) { try index(to: path) }
        return BenchCase(
            name: String(format: "indexing, %.1f terms a document", corpus.meanLength),
            quantity: .rate(of: "documents"), amount: Double(corpus.count),
            contenders: [ours] + peers.filter(\.builds).map {
                PeerContender(label: $0.label, worker: $0.worker, case: "build")
            })
    }
}

/// The documents of an index in the order of `GraphBisection`.
struct ReorderedIndex {
    let searcher: BM25Searcher
    private let seconds: Double

    init(_ original: BM25Searcher, in folder: BenchFolder) throws {
        let sources: [InvertedIndexMerger.Source] = [(original.index, nil)]
        let clock = ContinuousClock()
        let start = clock.now
        let order = try GraphBisection().order(of: sources)
        seconds = (clock.now - start) / .seconds(1)
        try InvertedIndexMerger(sources).write(to: folder.file("reordered.inv"), order: order)
        searcher = BM25Searcher(
            try InvertedIndex(path: folder.file("reordered.inv")), parameters: original.parameters)
    }

    /// Documents move, scores must not.
    func requireEqualScores(_ hits: [[SearchHit]], queries: [[String]]) throws {
        for (query, expected) in zip(queries, hits) {
            let found = try searcher.search(query, k: expected.count)
            guard found.map(\.score) == expected.map(\.score) else {
                let words = query.joined(separator: " ")
                throw BenchError.disagreement("The reordered index gives other scores for \(words).")
            }
        }
    }

    func note(documents: Int, queries: [[String]]) throws -> String {
        let latencies = try QueryLatencies(queries) { _ = try searcher.search($0, k: 10) }
        return "attar reordered: \(latencies.text), \(searcher.index.byteCount / documents) bytes a document, "
            + String(format: "the order took %.1f s.", seconds)
    }
}

/// A text engine that has indexed the corpus.
struct TextPeer {
    private struct Load: Encodable {
        var op = "load"
        var peer: String
        var documents: String
        var queries: String
        var positions: Bool
    }

    private struct Loaded: Decodable {
        var version: String
        var notes: [String]
        var builds: Bool
        /// The seconds of a call that has next to nothing to find.
        var call: Double
    }

    let label: ContenderLabel
    let worker: PeerWorker
    let builds: Bool
    let notes: [String]

    /// - Parameters:
    ///   - queries: a JSON file of `QueryGroup`s; each becomes a case of its name.
    ///   - positions: whether phrases are asked for.
    init(_ peer: Peer, _ settings: BenchSettings, documents: String, queries: String, positions: Bool = false) throws {
        var own = settings
        own.peers = [peer]
        let python = try PeerEnvironment(own).python
        worker = try PeerWorker(peer, script: PackageResources.text_py, python: python, threads: 1)
        settings.say("\(peer.rawValue) indexes the documents")
        let loaded: Loaded = try worker.ask(
            Load(peer: peer.rawValue, documents: documents, queries: queries, positions: positions))
        label = ContenderLabel(engine: peer.rawValue, version: loaded.version)
        builds = loaded.builds
        notes = loaded.notes + [
            String(
                format: "%@: a call of its Python binding with next to nothing to find takes %.1f µs%@.", peer.rawValue,
                1e6 * loaded.call, peer == .pisa ? ", but all queries go in one call" : ", which its times include")
        ]
    }

    func finish() { worker.finish() }
}
