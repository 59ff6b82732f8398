import AttarCollection
import AttarIndex
import AttarModels
import AttarSearch
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// `attar bench dense --collection`: what do the kinds of index that a collection can have find, and how fast, with and
/// without filters? Each is compared with looking at every vector that may be found.
public struct VectorKindsBench {
    private static let depth = 10
    /// Of 200 equal parts of the documents, how many each filter lets through.
    private static let parts = 200
    private static let filtered = [100, 10, 1]
    private static let choices: [VectorIndexChoice] = [
        .flat, .index(.codes, codes: .int8), .index(.codes, codes: .binary), .index(.hnsw, codes: .int8),
        .index(.hnsw, codes: .binary), .lists(.init()),
    ]

    private let settings: BenchSettings
    private let vectors: String
    private let queries: String
    private let recall: Double

    /// - Parameters:
    ///   - vectors: a `.npy` file, `[count, dimension]`, a document each.
    ///   - queries: a `.npy` file, `[queries, dimension]`; the first, at most 200, set candidates and lists, the others
    ///     are measured with.
    ///   - recall: recall@10 that indexes are set to.
    /// - Throws: `BenchError.usage` for peers and for more than one thread.
    public init(_ settings: BenchSettings, vectors: String, queries: String, recall: Double) throws {
        try settings.requirePeers(among: [], otherwise: "has no collections")
        try settings.requireOneThread(of: "Vector searches")
        guard recall > 0, recall <= 1 else { throw BenchError.usage("The recall lies above 0 and not above 1.") }
        self.settings = settings
        self.vectors = vectors
        self.queries = queries
        self.recall = recall
    }

    /// A kind of index, ready to be searched.
    private struct Kind {
        let label: ContenderLabel
        let pipeline: PreparedPipeline
        let note: String
    }

    /// Makes the collection, builds one index after the other, then measures searches of all.
    ///
    /// - Throws: `BenchError`, `CollectionError`, `StorageError`, `TensorError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let (all, asked) = (try NumpyFile.read(vectors), try NumpyFile.read(queries))
        let setting = min(200, asked.rows / 2)
        guard setting > 0, all.rows >= Self.parts else {
            throw BenchError(.input, "\(all.rows) vectors and \(asked.rows) queries are too few.")
        }
        let encoder = RowEncoder(passages: all, queries: asked.gathered(setting..<asked.rows))
        try create(folder.file("collection"), all.rows, encoder)
        let kinds = try Self.choices.map { choice in
            settings.say("builds \(choice.name)")
            return try kind(choice, at: folder.file("collection"), encoder, asked.gathered(0..<setting))
        }
        let texts = (0..<encoder.queries.rows).map(String.init)
        let cases = [nil] + Self.filtered.map(Optional.some)
        let name = vectors.split(separator: "/").last.map(String.init) ?? vectors
        return try session.report(
            title: "dense \(name), kinds of index in a collection, recall \(recall)",
            notes: kinds.map(\.note), cases: cases.map { try searching(kinds, texts, parts: $0) })
    }

    private func create(_ path: String, _ count: Int, _ encoder: RowEncoder) throws {
        var generator = SeededGenerator(seed: 7)
        let places = generator.permutation(of: count)
        _ = try Collection.ingest(into: path) { writer in
            for (number, place) in places.enumerated() {
                try writer.add(
                    Document(
                        id: "\(number)", text: "\(number)", metadata: ["part": .number(Double(place % Self.parts))]))
            }
        }
        _ = try Collection.open(at: path).addVectors(encoder: encoder, options: .init(threads: 1))
    }

    private func kind(
        _ choice: VectorIndexChoice, at path: String, _ encoder: RowEncoder, _ setting: Matrix
    ) throws -> Kind {
        let opened = try Collection.open(at: path)
        guard let record = opened.encoders.first else { throw BenchError(.input, "\(path) has no vectors.") }
        let before = try opened.indexVectors(of: record, as: .flat).indexBytes.vectors[record.fileName] ?? 0
        let start = BenchClock.processor.now
        let indexed = try Collection.open(at: path).indexVectors(of: record, as: choice, recall: recall, queries: setting)
        let seconds = BenchClock.processor.now - start
        let extra = (indexed.indexBytes.vectors[record.fileName] ?? 0) - before
        let index = indexed.encoders.first?.index
        let looked = index.map { "\($0.candidates) candidates" + ($0.probes.map { " of \($0) lists" } ?? "") }
        return Kind(
            label: settings.ours(choice.name), pipeline: try Searcher(indexed).prepare(.dense(encoder)),
            note: String(
                format: "%@: %@, %.0f bytes a vector besides the vectors, built and set in %.0f seconds.", choice.name,
                looked ?? "all vectors", Double(extra) / Double(max(1, indexed.passageCount)), seconds))
    }

    private func searching(_ kinds: [Kind], _ queries: [String], parts: Int?) throws -> BenchCase {
        let filter = try parts.map { try MetadataFilter(parsing: "part < \($0)") }
        let truth = try queries.map { try kinds[0].pipeline.search($0, depth: Self.depth, filter: filter) }
        var agreement: [String: String] = [:]
        let contenders = try kinds.map { kind in
            agreement[kind.label.description] = try Self.agreement(kind, queries, filter, truth)
            return LocalContender(label: kind.label, clock: .processor) {
                for query in queries { _ = try kind.pipeline.search(query, depth: Self.depth, filter: filter) }
            }
        }
        let share = parts.map { String(format: "%g %% allowed", 100 * Double($0) / Double(Self.parts)) }
        return BenchCase(
            name: share ?? "all documents", quantity: .microseconds(of: "query"), amount: Double(queries.count),
            contenders: contenders, agreement: agreement)
    }

    private static func agreement(
        _ kind: Kind, _ queries: [String], _ filter: MetadataFilter?, _ truth: [[DocumentHit]]
    ) throws -> String {
        var (found, complete) = (0, 0)
        for (query, best) in zip(queries, truth) {
            let hits = try kind.pipeline.search(query, depth: depth, filter: filter)
            found += Set(hits.map(\.document)).intersection(best.map(\.document)).count
            if hits.count == best.count { complete += 1 }
        }
        return String(
            format: "recall %.4f, all results for %d of %d queries",
            Double(found) / Double(max(1, truth.reduce(0) { $0 + $1.count })), complete, queries.count)
    }
}
