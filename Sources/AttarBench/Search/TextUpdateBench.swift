import AttarCollection
import AttarSearch
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// `attar bench text --churn`: what does a search by words cost after half of a collection's documents were replaced, a
/// few at a time, with the merges that `attar ingest --update` makes? It is compared with a collection made anew of the
/// same documents.
public struct TextUpdateBench {
    private static let depth = 10

    private let settings: BenchSettings
    private let corpus: SearchCorpus
    private let documents: [Document]
    private let batches: Int

    /// - Parameters:
    ///   - folder: in the layout of BEIR.
    ///   - queries: how many.
    ///   - batches: in how many commits half of the documents are replaced.
    /// - Throws: `BenchError.usage` for peers and for more than one thread; `TextError`, `StorageError`.
    public init(_ settings: BenchSettings, folder: String, queries: Int, batches: Int) throws {
        try settings.requirePeers(among: [], otherwise: "replaces no documents")
        try settings.requireOneThread(of: "Updates")
        guard batches > 0 else { throw BenchError.usage("At least one batch is needed.") }
        self.settings = settings
        self.batches = batches
        corpus = try SearchCorpus(folder: folder, queries: queries)
        documents = try Self.read(folder)
        guard documents.count >= 2 * batches else {
            throw BenchError(.input, "\(folder) has \(documents.count) documents, too few for \(batches) batches.")
        }
    }

    private static func read(_ folder: String) throws -> [Document] {
        var documents: [Document] = []
        try SearchCorpus.forEachText(of: BEIRFolder(path: folder)) { text in
            documents.append(Document(id: "\(documents.count)", text: text))
        }
        return documents
    }

    /// Replaces the documents, makes a collection of what is left anew, then measures searches of both.
    ///
    /// - Throws: `BenchError`, `disagreement` when results differ; `CollectionError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        var content = documents
        let start = BenchClock.processor.now
        _ = try Collection.ingest(into: folder.file("changed")) { writer in
            for document in content { try writer.add(document) }
        }
        let built = BenchClock.processor.now
        let changed = try replace(&content, in: folder.file("changed"))
        let replaced = BenchClock.processor.now
        let fresh = try Collection.ingest(into: folder.file("fresh")) { writer in
            for document in content { try writer.add(document) }
        }
        let merged = try merge(folder)
        let note = String(
            format: "%d documents, made in %.1f seconds of processor time; half of them replaced in %d commits, each "
                + "with the merges that were due, in %.1f seconds, which left %d segments.",
            content.count, built - start, batches, replaced - built, changed.segments.count)
        let contenders: [(String, Collection)] = [("replaced", changed), ("replaced, all merged", merged)]
        return try session.report(
            title: "text \(corpus.name), half of it replaced",
            notes: [
                note, try firstTimes([("replaced", changed), ("new", fresh)]), "Agreement: for how many queries the \(Self.depth) best have the very scores of the new collection.",
            ],
            cases: [try searching(contenders, fresh)])
    }

    /// Gives half of the documents, drawn by chance, the texts of each other.
    private func replace(_ content: inout [Document], in path: String) throws -> Collection {
        var generator = SeededGenerator(seed: 5)
        let chosen = Array(generator.permutation(of: content.count).prefix(content.count / 2))
        let old = content
        for (place, number) in chosen.enumerated() {
            content[number].text = old[chosen[(place + 1) % chosen.count]].text
        }
        var last = try Collection.open(at: path)
        for batch in 0..<batches {
            settings.say("replaces batch \(batch + 1) of \(batches)")
            let range = (batch * chosen.count / batches)..<((batch + 1) * chosen.count / batches)
            _ = try Collection.change(at: path) { writer in
                for number in chosen[range] { try writer.update(content[number]) }
            }
            last = try Collection.mergeAsNeeded(at: path)
        }
        return last
    }

    /// A copy of the changed collection, merged.
    private func merge(_ folder: BenchFolder) throws -> Collection {
        try FileManager.default.copyItem(atPath: folder.file("changed"), toPath: folder.file("merged"))
        return try Collection.merge(at: folder.file("merged"))
    }

    /// What the queries take when they are asked for the first time: terms of a divided collection are counted then.
    private func firstTimes(_ collections: [(name: String, Collection)]) throws -> String {
        let queries = corpus.queries.map { $0.joined(separator: " ") }
        let times = try collections.map { name, collection in
            let pipeline = try Searcher(collection).prepare(.bm25())
            let start = BenchClock.processor.now
            for query in queries { _ = try pipeline.search(query, depth: Self.depth) }
            let time = (BenchClock.processor.now - start) / Double(queries.count)
            return String(format: "%.1f us (%@)", time * 1e6, name)
        }
        return "Asked for the first time: " + times.joined(separator: ", ") + " a query."
    }

    private func searching(_ changed: [(String, Collection)], _ fresh: Collection) throws -> BenchCase {
        let queries = corpus.queries.map { $0.joined(separator: " ") }
        let reference = try Searcher(fresh).prepare(.bm25())
        let expected = try queries.map { try reference.search($0, depth: Self.depth).map(\.score) }
        var agreement: [String: String] = [:]
        var contenders: [any Contender] = []
        for (name, collection) in changed {
            let pipeline = try Searcher(collection).prepare(.bm25())
            let found = try queries.map { try pipeline.search($0, depth: Self.depth).map(\.score) }
            let label = settings.ours(name)
            agreement[label.description] = "\(zip(expected, found).count { $0 == $1 }) of \(queries.count)"
            contenders.append(
                LocalContender(label: label, clock: .processor) {
                    for query in queries { _ = try pipeline.search(query, depth: Self.depth) }
                })
        }
        contenders.append(
            LocalContender(
                label: ContenderLabel(engine: "new collection", version: settings.version), clock: .processor
            ) {
                for query in queries { _ = try reference.search(query, depth: Self.depth) }
            })
        return BenchCase(
            name: "top \(Self.depth) of \(queries.count) queries", quantity: .microseconds(of: "query"),
            amount: Double(queries.count), contenders: contenders, agreement: agreement)
    }
}
