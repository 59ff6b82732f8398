import AttarIndex
import AttarStorage
import Foundation

/// `attar bench text --kind boolean|phrase`: how long does a query of clauses, or a phrase, take?
public struct ClauseBench {
    /// What is asked for.
    public enum Kind: String, Sendable, CaseIterable {
        /// Terms with must, should and must-not.
        case boolean
        /// Words side by side.
        case phrase
    }

    private let settings: BenchSettings
    private let corpus: SearchCorpus
    private let kind: Kind
    private let groups: [QueryGroup]
    private static let depth = 10

    /// - Parameter queries: how many of each group.
    /// - Throws: `BenchError.usage` for other peers than Tantivy, and for more than one thread; `BenchError.input` when
    ///   no queries can be drawn.
    public init(_ settings: BenchSettings, corpus: SearchCorpus, kind: Kind, queries: Int) throws {
        try settings.requirePeers(among: [.tantivy], otherwise: "is not asked for clauses and phrases")
        try settings.requireOneThread(of: "Queries")
        self.settings = settings
        self.corpus = corpus
        self.kind = kind
        var sampler = ClauseSampler(corpus)
        groups = kind == .boolean ? sampler.booleans(queries) : sampler.phrases(queries)
        guard groups.allSatisfy({ !$0.queries.isEmpty }) else {
            throw BenchError(.input, "The documents of \(corpus.name) are too short to draw queries out of them.")
        }
    }

    /// Measures each group of queries.
    ///
    /// - Throws: `BenchError`, `disagreement` when a peer finds another number of documents; `StorageError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let own = folder.file("text.inv")
        var builder = InvertedIndexBuilder(keepsPositions: kind == .phrase)
        for document in 0..<corpus.count { try builder.add(terms: corpus.terms(document)) }
        try builder.finish(to: own)
        let searcher = BM25Searcher(try InvertedIndex(path: own), parameters: .lucene)
        let documents = folder.file("documents"), queries = folder.file("queries")
        try corpus.write(documents: documents)
        try JSONEncoder().encode(groups).write(to: URL(filePath: queries))
        let peers = try settings.peers.map {
            try TextPeer($0, settings, documents: documents, queries: queries, positions: kind == .phrase)
        }
        defer { for peer in peers { peer.finish() } }
        let notes = [
            "k1 1.2, b 0.75, \(Self.depth) hits; terms come from Attar's English analyzer, for all engines alike. Queries "
                + "are drawn out of documents with a fixed seed.",
            "Times are those of the processor, of one thread.",
            "Agreement: every query finds as many documents in both engines; then the share of Attar's hits that the peer "
                + "finds too, ties at the end aside, and for how many queries all scores are equal to 4 digits (Tantivy "
                + "keeps lengths above 40 in one byte, roughly).",
            "attar: \(searcher.index.byteCount / corpus.count) bytes a document.",
        ]
        return try session.report(
            title: "text \(corpus.name), \(kind.rawValue), \(corpus.count) documents",
            notes: notes + peers.flatMap(\.notes),
            cases: groups.map { try self.case($0, searcher, peers) })
    }

    private func `case`(_ group: QueryGroup, _ searcher: BM25Searcher, _ peers: [TextPeer]) throws -> BenchCase {
        let queries = group.queries.map(\.lexical)
        let hits = try queries.map { try searcher.search($0, k: Self.depth) }
        let matches = try queries.map { try searcher.search($0, k: corpus.count).count }
        var agreement: [String: String] = [:]
        for peer in peers {
            let found = try peer.worker.matches(of: group.name)
            guard found == matches else {
                let different = zip(found, matches).enumerated().first { $1.0 != $1.1 }
                throw BenchError.disagreement(
                    "\(peer.label.engine) finds other numbers of documents for \(group.name), first for query "
                        + "\(different.map { "\(queries[$0.offset]): \($0.element.0) instead of \($0.element.1)" } ?? "?")")
            }
            agreement[peer.label.description] = HitAgreement(hits, try peer.worker.hits(of: group.name)).text
        }
        let ours = LocalContender(label: settings.ours(), clock: .processor) {
            for query in queries { _ = try searcher.search(query, k: Self.depth) }
        }
        let mean = Double(matches.reduce(0, +)) / Double(queries.count)
        return BenchCase(
            name: String(format: "%@: %d queries, %.0f documents match in the mean", group.name, queries.count, mean),
            quantity: .microseconds(of: "query"), amount: Double(queries.count),
            contenders: [ours] + peers.map { PeerContender(label: $0.label, worker: $0.worker, case: group.name) },
            agreement: agreement)
    }
}
