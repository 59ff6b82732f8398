import AttarCollection
import AttarIndex
import AttarModels
import AttarSearch
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// `attar bench dense --churn --collection`: what do graphs find, and how fast, after half of a collection's documents
/// were replaced, a few at a time, with the merges that `attar ingest --update` makes and the vectors and graphs that
/// `attar index` adds? They are compared with a collection made anew of the same documents.
public struct VectorUpdateBench {
    private static let depth = 10

    private let settings: BenchSettings
    private let vectors: String
    private let queries: String
    private let batches: Int
    private let recall: Double

    /// - Parameters:
    ///   - vectors: a `.npy` file, `[count, dimension]`; two thirds of it are the first content.
    ///   - queries: a `.npy` file, `[queries, dimension]`.
    ///   - batches: in how many commits half of the content is replaced by the last third.
    ///   - recall: recall@10 that graphs are set to.
    /// - Throws: `BenchError.usage` for peers and for more than one thread.
    public init(
        _ settings: BenchSettings, vectors: String, queries: String, batches: Int, recall: Double
    ) throws {
        try settings.requirePeers(among: [], otherwise: "replaces no documents")
        try settings.requireOneThread(of: "Updates")
        guard batches > 0 else { throw BenchError.usage("At least one batch is needed.") }
        guard recall > 0, recall <= 1 else { throw BenchError.usage("The recall lies above 0 and not above 1.") }
        self.settings = settings
        self.vectors = vectors
        self.queries = queries
        self.batches = batches
        self.recall = recall
    }

    /// Replaces documents, makes a collection of what is left anew, then measures searches of both.
    ///
    /// The first queries, at most 200, set the number of candidates; the others are measured with.
    ///
    /// - Throws: `BenchError`, `CollectionError`, `StorageError`, `TensorError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let (all, asked) = (try NumpyFile.read(vectors), try NumpyFile.read(queries))
        let (count, setting) = (2 * all.rows / 3, min(200, asked.rows / 2))
        guard count >= 2 * batches, setting > 0 else {
            throw BenchError(
                .input, "\(all.rows) vectors and \(asked.rows) queries are too few for \(batches) batches.")
        }
        let encoder = RowEncoder(passages: all, queries: asked.gathered(setting..<asked.rows))
        var changed = IndexedContent(
            path: folder.file("changed"), encoder: encoder, setting: asked.gathered(0..<setting), recall: recall,
            rows: Array(0..<count))
        let start = BenchClock.processor.now
        try changed.create()
        let built = BenchClock.processor.now
        let course = try replaceHalf(of: &changed, in: folder)
        let replaced = BenchClock.processor.now
        let fresh = try changed.anew(at: folder.file("fresh"))
        let name = vectors.split(separator: "/").last.map(String.init) ?? vectors
        let note = String(
            format: "%d documents, made in %.1f seconds of processor time; half of them replaced in %d commits, with "
                + "the merges that were due, in %.1f seconds, some of which these measurements took:",
            count, built - start, batches, replaced - built)
        return try session.report(
            title: "dense \(name), half of a collection replaced in \(batches) commits, recall \(recall)",
            notes: [note] + course, cases: [try searching(changed, fresh, truth: changed.truth(in: folder))])
    }

    /// - Returns: what searches found on the way.
    private func replaceHalf(of content: inout IndexedContent, in folder: BenchFolder) throws -> [String] {
        var generator = SeededGenerator(seed: 5)
        let first = content.rows.count
        let chosen = generator.permutation(of: first).prefix(first / 2)
        var course: [String] = []
        for batch in 0..<batches {
            if batch % max(1, batches / 4) == 0 {
                course.append("After \(batch) commits: \(try agreement(content, truth: content.truth(in: folder))).")
            }
            settings.say("replaces batch \(batch + 1) of \(batches)")
            let range = (batch * chosen.count / batches)..<((batch + 1) * chosen.count / batches)
            try content.replace(chosen[range], byRowsFrom: first + range.lowerBound)
        }
        return course
    }

    private func searching(
        _ changed: IndexedContent, _ fresh: IndexedContent, truth: [[SearchHit]]
    ) throws -> BenchCase {
        let all = [
            (settings.ours("replaced"), changed),
            (ContenderLabel(engine: "new collection", version: settings.version), fresh),
        ]
        var found: [String: String] = [:]
        let contenders = try all.map { label, content in
            found[label.description] = try agreement(content, truth: truth)
            let (pipeline, queries) = (try content.pipeline().pipeline, content.queries)
            return LocalContender(label: label, clock: .processor) {
                for query in queries { _ = try pipeline.search(query, depth: Self.depth) }
            }
        }
        return BenchCase(
            name: "top \(Self.depth) of \(truth.count) queries", quantity: .microseconds(of: "query"),
            amount: Double(truth.count), contenders: contenders, agreement: found)
    }

    private func agreement(_ content: IndexedContent, truth: [[SearchHit]]) throws -> String {
        let (collection, pipeline) = try content.pipeline()
        var (found, scanned) = (0, 0)
        for (query, best) in zip(content.queries, truth) {
            let response = try pipeline.respond(to: query, depth: Self.depth)
            let documents = response.hits.map { collection.identifier(ofDocument: Int($0.document)) }
            found += Set(documents).intersection(best.map { "\($0.ordinal)" }).count
            scanned += response.scanned
        }
        let wanted = max(1, truth.reduce(0) { $0 + $1.count })
        return String(
            format: "recall %.4f, %d scanned in the mean, %d candidates, segments of %@",
            Double(found) / Double(wanted), scanned / max(1, truth.count),
            collection.encoders.first?.index?.candidates ?? 0,
            collection.segments.map { "\($0.record.livePassageCount)" }.joined(separator: ", "))
    }
}

/// A collection with vectors and graphs, and which row of all vectors each of its documents has.
private struct IndexedContent {
    let path: String
    let encoder: RowEncoder
    /// Queries by which the number of candidates is set.
    let setting: Matrix
    let recall: Double
    /// By the number of the document, which is its id.
    private(set) var rows: [Int]

    init(path: String, encoder: RowEncoder, setting: Matrix, recall: Double, rows: [Int]) {
        (self.path, self.encoder, self.setting, self.recall, self.rows) = (path, encoder, setting, recall, rows)
    }

    func create() throws {
        _ = try Collection.ingest(into: path) { writer in
            for number in rows.indices { try writer.add(document(number)) }
        }
        try index()
    }

    /// A new collection of the same documents.
    func anew(at path: String) throws -> Self {
        let content = Self(path: path, encoder: encoder, setting: setting, recall: recall, rows: rows)
        try content.create()
        return content
    }

    /// Gives documents other vectors, in one commit: what `attar ingest --update` and `attar index` do.
    mutating func replace(_ numbers: ArraySlice<Int>, byRowsFrom first: Int) throws {
        for (place, number) in numbers.enumerated() { rows[number] = first + place }
        _ = try Collection.change(at: path) { writer in
            for number in numbers { try writer.update(document(number)) }
        }
        _ = try Collection.mergeAsNeeded(at: path)
        try index()
    }

    private func index() throws {
        _ = try Collection.open(at: path).addVectors(encoder: encoder, options: .init(threads: 1))
        let collection = try Collection.mergeAsNeeded(at: path)
        guard let record = collection.encoders.first else { return }
        _ = try collection.indexVectors(
            of: record, as: .index(.hnsw, codes: .int8), recall: recall, queries: setting)
    }

    private func document(_ number: Int) -> Document { Document(id: "\(number)", text: "\(rows[number])") }

    /// The queries that are measured with, as texts.
    var queries: [String] { (0..<encoder.queries.rows).map(String.init) }

    /// What answers queries now.
    func pipeline() throws -> (collection: Collection, pipeline: PreparedPipeline) {
        let collection = try Collection.open(at: path)
        return (collection, try Searcher(collection).prepare(.dense(encoder)))
    }

    /// The best documents by looking at every vector; ordinals are numbers of documents.
    func truth(in folder: BenchFolder) throws -> [[SearchHit]] {
        let path = folder.file("vectors")
        let writer = try FlatVectorWriter(path: path, dimension: encoder.dimension, fingerprint: "bench")
        try writer.append(encoder.passages.gathered(rows))
        try writer.finish()
        return try FlatVectorIndex(path: path).search(encoder.queries, k: 10, threads: 1)
    }
}
