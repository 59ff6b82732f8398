import AttarIndex
import AttarTensor
import Foundation

/// `attar bench dense --churn`: what is a graph worth after half of its vectors were replaced, a few at a time, and
/// what does a search find of few allowed vectors?
public struct UpdateBench {
    private static let k = 10
    /// Shares of the vectors that filters let through.
    private static let selectivities = [0.5, 0.05, 0.005]
    private static let candidates = [40, 100, 280]

    private let settings: BenchSettings
    private let vectors: String
    private let queries: String
    private let batches: Int
    private let parameters: HNSWParameters

    /// - Parameters:
    ///   - vectors: a `.npy` file, `[count, dimension]`; two thirds of it are the first content.
    ///   - queries: a `.npy` file, `[queries, dimension]`.
    ///   - batches: in how many steps half of the content is replaced by the last third.
    public init(
        _ settings: BenchSettings, vectors: String, queries: String, batches: Int = 50,
        parameters: HNSWParameters = .init()
    ) throws {
        try settings.requirePeers(among: [], otherwise: "replaces no vectors")
        try settings.requireOneThread(of: "Updates")
        guard batches > 0 else { throw BenchError.usage("At least one batch is needed.") }
        self.settings = settings
        self.vectors = vectors
        self.queries = queries
        self.batches = batches
        self.parameters = parameters
    }

    /// Replaces the vectors, builds a graph of what is left anew, then measures searches of both.
    ///
    /// - Throws: `BenchError`, `StorageError`, `TensorError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        var content = ChangingContent(all: try NumpyFile.read(vectors), parameters: parameters, folder: folder)
        let start = BenchClock.processor.now
        try content.build()
        let built = BenchClock.processor.now
        for batch in 0..<batches {
            settings.say("replaces batch \(batch + 1) of \(batches)")
            try content.replace(batch: batch, of: batches)
        }
        let replaced = BenchClock.processor.now
        let graphs = try content.graphs()
        let asked = try NumpyFile.read(queries)
        let note = String(
            format: "%d vectors, built in %.0f seconds of processor time; %d of them replaced in %d batches in %.0f seconds, "
                + "each of which removes vectors, repairs the graph, adds as many others and writes the file.",
            content.live.count, built - start, content.replacedCount, batches, replaced - built)
        let cases =
            try Self.candidates.map { try replacement($0, graphs, asked) }
            + Self.selectivities.map { try filtering($0, graphs, asked) }
        let name = vectors.split(separator: "/").last.map(String.init) ?? vectors
        return try session.report(
            title: "dense \(name), half of it replaced",
            notes: [note, "A repetition searches all \(asked.rows) queries, the \(Self.k) best of each."], cases: cases)
    }

    /// The replaced graph beside the new one, with the same number of candidates.
    private func replacement(_ candidates: Int, _ graphs: ChangedGraphs, _ queries: Matrix) throws -> BenchCase {
        let options = HNSWSearchOptions(candidates: candidates, k: Self.k)
        let truth = try graphs.exact.search(queries, k: Self.k, threads: 1)
        let ours = settings.ours("replaced")
        let fresh = ContenderLabel(engine: "new graph", version: settings.version)
        var agreement: [String: String] = [:]
        let contenders = try [(ours, graphs.replaced), (fresh, graphs.fresh)].map { label, graph in
            let search = GraphSearch(graph: graph, queries: queries, k: Self.k, allowed: nil, options: options)
            agreement[label.description] = try search.agreement(with: truth)
            return LocalContender(label: label) { _ = try search.run() }
        }
        return BenchCase(
            name: "\(candidates) candidates", quantity: .rate(of: "queries"), amount: Double(queries.rows),
            contenders: contenders, agreement: agreement)
    }

    /// A filtered search of the replaced graph beside looking at every allowed vector.
    private func filtering(_ share: Double, _ graphs: ChangedGraphs, _ queries: Matrix) throws -> BenchCase {
        var allowed = OrdinalSet(capacity: graphs.exact.count)
        var generator = SeededGenerator(seed: 7)
        for ordinal in 0..<UInt32(graphs.exact.count) where generator.uniform() < share { allowed.insert(ordinal) }
        let truth = try graphs.exact.search(queries, k: Self.k, allowed: allowed, threads: 1)
        let options = HNSWSearchOptions(candidates: 100, k: Self.k)
        let search = GraphSearch(
            graph: graphs.replaced, queries: queries, k: Self.k, allowed: allowed, options: options)
        let all = (0..<queries.rows).map { Array(queries.row($0)) }
        let exact = ContenderLabel(engine: "exact scan", version: settings.version)
        return BenchCase(
            name: String(format: "%g %% of the vectors allowed", 100 * share), quantity: .rate(of: "queries"),
            amount: Double(queries.rows),
            contenders: [
                LocalContender(label: settings.ours("replaced")) { _ = try search.run() },
                LocalContender(label: exact) {
                    for query in all { _ = try graphs.exact.respond(to: query, k: Self.k, allowed: allowed) }
                },
            ],
            agreement: [settings.ours("replaced").description: try search.agreement(with: truth)])
    }
}

/// The queries of a repetition and how a graph is asked.
private struct GraphSearch {
    let graph: HNSWIndex
    let queries: [[Float]]
    let k: Int
    let allowed: OrdinalSet?
    let options: HNSWSearchOptions

    init(graph: HNSWIndex, queries: Matrix, k: Int, allowed: OrdinalSet?, options: HNSWSearchOptions) {
        self.graph = graph
        self.queries = (0..<queries.rows).map { Array(queries.row($0)) }
        self.k = k
        self.allowed = allowed
        self.options = options
    }

    func run() throws -> [VectorSearchResponse] {
        try queries.map { try graph.respond(to: $0, k: k, allowed: allowed, options: options) }
    }

    func agreement(with truth: [[SearchHit]]) throws -> String {
        let responses = try run()
        let found = zip(responses, truth).reduce(0) { sum, pair in
            sum + Set(pair.0.hits.map(\.ordinal)).intersection(pair.1.map(\.ordinal)).count
        }
        let wanted = truth.reduce(0) { $0 + $1.count }
        let complete = zip(responses, truth).filter { $0.returned == $1.count }.count
        let scanned = responses.reduce(0) { $0 + $1.scanned } / max(1, responses.count)
        return String(
            format: "recall %.4f, %d scanned in the mean, all %d results for %.1f %% of queries",
            Double(found) / Double(max(1, wanted)), scanned, k, 100 * Double(complete) / Double(max(1, truth.count)))
    }
}

/// A graph after replacements, one that was built of the same vectors, and these vectors.
private struct ChangedGraphs {
    let replaced: HNSWIndex
    let fresh: HNSWIndex
    let exact: FlatVectorIndex
}

/// Vectors some of which are replaced by others, and their graph.
private struct ChangingContent {
    let all: Matrix
    let parameters: HNSWParameters
    let folder: BenchFolder
    /// The rows of `all` in the graph, by ordinal.
    private(set) var live: [Int]
    private(set) var replacedCount = 0
    private let firstCount: Int
    private var generator = SeededGenerator(seed: 5)

    init(all: Matrix, parameters: HNSWParameters, folder: BenchFolder) {
        self.all = all
        self.parameters = parameters
        self.folder = folder
        firstCount = 2 * all.rows / 3
        live = Array(0..<firstCount)
    }

    private func rows(_ numbers: some Collection<Int>) -> Matrix {
        var values: [Float] = []
        values.reserveCapacity(numbers.count * all.columns)
        for number in numbers { values.append(contentsOf: all.row(number)) }
        return Matrix(rows: numbers.count, columns: all.columns, values: values)
    }

    private func builder() -> HNSWBuilder {
        HNSWBuilder(dimension: all.columns, parameters: parameters, fingerprint: "bench")
    }

    func build() throws {
        let builder = builder()
        try builder.append(rows(live))
        try builder.write(to: folder.file("replaced"))
    }

    /// Replaces the next of `batches` parts of half the first content, drawn among the vectors that were there first.
    mutating func replace(batch: Int, of batches: Int) throws {
        let half = firstCount / 2
        let range = (batch * half / batches)..<((batch + 1) * half / batches)
        let old = live.indices.filter { live[$0] < firstCount }
        var kept = OrdinalSet(capacity: live.count, full: true)
        for position in generator.permutation(of: old.count).prefix(range.count) { kept.remove(UInt32(old[position])) }
        let graph = try HNSWIndex(path: folder.file("replaced"))
        let builder = try HNSWBuilder(continuing: graph, keeping: kept)
        let new = range.map { firstCount + $0 }
        try builder.append(rows(new))
        try builder.write(to: folder.file("replaced"))
        live = live.indices.filter { kept.contains(UInt32($0)) }.map { live[$0] } + new
        replacedCount += range.count
    }

    /// Both graphs, over a file of the vectors that are there now.
    func graphs() throws -> ChangedGraphs {
        let current = rows(live)
        let writer = try FlatVectorWriter(path: folder.file("vectors"), dimension: all.columns, fingerprint: "bench")
        try writer.append(current)
        try writer.finish()
        let fresh = builder()
        try fresh.append(current)
        try fresh.write(to: folder.file("fresh"))
        let exact = try FlatVectorIndex(path: folder.file("vectors"))
        return ChangedGraphs(
            replaced: try HNSWIndex(path: folder.file("replaced"), vectors: exact),
            fresh: try HNSWIndex(path: folder.file("fresh"), vectors: exact), exact: exact)
    }
}
