import AttarIndex
import AttarStorage
import AttarTensor

/// How the vectors of an encoder are searched, where it is not by looking at each of them.
public struct VectorIndexRecord: Codable, Sendable, Equatable {
    /// What finds candidates.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Smaller codes of all vectors are looked at; the best are scored again by the vectors.
        case codes
        /// A graph is walked (`HNSWIndex`); what it finds is scored again by the vectors.
        case hnsw
        /// Vectors stand in lists around centroids, as short codes; the best of some lists are scored again by the
        /// vectors (`IVFIndex`).
        case ivf
    }

    /// What finds candidates.
    public let kind: Kind
    /// What the candidates are found by; nil for inverted lists, whose codes are product codes.
    public let codes: VectorPrecision?
    /// What inverted lists were asked to look like; nil for other kinds.
    public let lists: InvertedListsShape?
    /// How many candidates ten results need.
    public let candidates: Int
    /// How many inverted lists are looked at for a query, in the largest segment; nil for other kinds.
    public let probes: Int?
    /// Of how many lists these were; nil for other kinds.
    let probedLists: Int?
    /// The recall@10 that was asked for.
    public let target: Double
    /// The recall@10 that was measured with so many, against looking at each vector.
    public let recall: Double
    /// The name of the file in the folders of segments that are large enough.
    public let fileName: String

    /// A record of what was chosen, before anything is measured; nil for flat.
    init?(_ choice: VectorIndexChoice, target: Double, fileName: String) {
        switch choice {
        case .flat: return nil
        case .index(let kind, let codes): (self.kind, self.codes, lists, probes) = (kind, codes, nil, nil)
        case .lists(let shape): (kind, codes, lists, probes) = (.ivf, nil, shape, 1)
        }
        probedLists = nil
        (candidates, self.target, recall, self.fileName) = (RecallMeasure.k, target, 0, fileName)
    }

    private init(
        _ record: Self, candidates: Int, probes: Int?, of probedLists: Int?, target: Double, recall: Double
    ) {
        (kind, codes, lists, fileName) = (record.kind, record.codes, record.lists, record.fileName)
        (self.candidates, self.probes, self.probedLists) = (candidates, probes, probedLists)
        (self.target, self.recall) = (target, recall)
    }

    /// Whether older readers do not know it.
    var isOfFormat3: Bool { kind == .ivf || (kind == .hnsw && codes == .binary) }

    /// Whether its numbers can be true; whoever opens the collection computes with them.
    var isPlausible: Bool {
        (1...(1 << 20)).contains(candidates) && (1...(1 << 20)).contains(probes ?? 1)
            && (1...(1 << 20)).contains(probedLists ?? 1)
            && (1...(1 << 20)).contains(lists?.lists ?? 1) && (1...65536).contains(lists?.bytes ?? 1)
    }

    /// What was chosen.
    public var choice: VectorIndexChoice {
        if kind == .ivf { return .lists(lists ?? InvertedListsShape()) }
        return .index(kind, codes: codes ?? .int8)
    }

    /// Smaller segments have no such file: all their vectors are looked at in less than a millisecond.
    public static let fewestPassages = 10_000

    /// Whether an index of so few vectors can be built: codes of inverted lists are trained on one vector for each of 16
    /// codewords, at least.
    func canIndex(_ count: Int) -> Bool { count >= (kind == .ivf ? 16 : 1) }

    /// How many candidates k results need.
    func candidates(for k: Int) -> Int {
        switch kind {
        case .codes, .ivf: max(k, (k * candidates + 9) / 10)
        case .hnsw: max(2 * k, candidates)
        }
    }

    /// Writes the index of some vectors.
    ///
    /// - Parameter base: a graph over the first of the vectors, and which of its own stay, to go on with.
    /// - Throws: `StorageError`, `CancellationError`.
    func write(
        _ vectors: FlatVectorIndex, to path: String, on fileSystem: any FileSystem, threads: Int,
        continuing base: (graph: HNSWIndex, live: OrdinalSet?)? = nil, progress: (Int) -> Void
    ) throws {
        let batch = 2048
        func forEachBatch(from first: Int = 0, _ body: (Matrix) throws -> Void) throws {
            for start in stride(from: first, to: vectors.count, by: batch) {
                try Task.checkCancellation()
                let rows = start..<min(start + batch, vectors.count)
                let values = rows.flatMap { vectors.vector(UInt32($0)) }
                try body(Matrix(rows: rows.count, columns: vectors.dimension, values: values))
                progress(rows.count)
            }
        }
        switch kind {
        case .codes:
            let writer = try FlatVectorWriter(
                path: path, dimension: vectors.dimension, precision: codes ?? .int8, fingerprint: vectors.fingerprint,
                on: fileSystem)
            try forEachBatch(writer.append)
            try writer.finish()
        case .hnsw:
            let builder = try base.map { try HNSWBuilder(continuing: $0.graph, keeping: $0.live, threads: threads) }
                ?? HNSWBuilder(
                    dimension: vectors.dimension, codes: codes.flatMap(HNSWCodes.init) ?? .int8,
                    fingerprint: vectors.fingerprint)
            try forEachBatch(from: builder.count) { try builder.append($0, threads: threads) }
            try builder.write(to: path, on: fileSystem)
        case .ivf:
            let quantizer = try IVFQuantizer(vectors, parameters: parameters(of: vectors), threads: threads)
            let builder = IVFBuilder(quantizer: quantizer, fingerprint: vectors.fingerprint)
            try forEachBatch { try builder.append($0, threads: threads) }
            try builder.write(to: path, on: fileSystem)
        }
    }

    /// Opens the index of some vectors.
    ///
    /// - Throws: `StorageError`, `IndexError.otherVectors`.
    func open(_ path: String, over vectors: FlatVectorIndex) throws -> any VectorIndex {
        switch kind {
        case .codes:
            try RescoredVectorIndex(codes: FlatVectorIndex(path: path), vectors: vectors) { candidates(for: $0) }
        case .hnsw:
            try HNSWIndex(path: path, vectors: vectors) { candidates(for: $0) }
        case .ivf:
            try IVFIndex(path: path, vectors: vectors) { [lists = parameters(of: vectors).lists] in
                IVFSearchOptions(lists: probes(for: $0, of: lists), rescored: candidates(for: $0), k: $0)
            }
        }
    }

    private func parameters(of vectors: FlatVectorIndex) -> IVFParameters {
        (lists ?? InvertedListsShape()).parameters(count: vectors.count, dimension: vectors.dimension)
    }

    /// How many of some lists are looked at for k results: more results lie in more lists, and the same ones lie in more
    /// where vectors are parted into more.
    private func probes(for k: Int, of lists: Int) -> Int {
        let results = max(1, Double(k) / Double(RecallMeasure.k))
        let parts = Double(lists) / Double(probedLists ?? lists)
        return Int((Double(probes ?? 1) * (results * parts).squareRoot()).rounded(.up))
    }

    /// The same with what was measured.
    func measured(recall: Double) -> Self {
        Self(self, candidates: candidates, probes: probes, of: probedLists, target: target, recall: recall)
    }

    /// The same with what was measured for another target.
    func with(target: Double, of known: Self) -> Self {
        Self(
            self, candidates: known.candidates, probes: known.probes, of: known.probedLists, target: target,
            recall: known.recall)
    }

    /// The same with other numbers of candidates and lists, those that cost least first.
    func ladder(over vectors: [FlatVectorIndex]) -> [Self] {
        func with(_ candidates: Int, _ probes: Int?, of lists: Int? = nil) -> Self {
            Self(self, candidates: candidates, probes: probes, of: lists, target: target, recall: 0)
        }
        guard kind == .ivf, let largest = vectors.max(by: { $0.count < $1.count }) else {
            // Numbers that a search raises anyway would be no true label.
            return RecallMeasure.ladder.map { with($0, nil) }
                .filter { $0.candidates(for: RecallMeasure.k) == $0.candidates }
        }
        let lists = parameters(of: largest).lists
        let entries = max(1, largest.count / lists)
        let probes = RecallMeasure.probes.filter { $0 < lists } + [lists]
        let pairs = RecallMeasure.rescored.flatMap { rescored in probes.map { (rescored, $0) } }
        func cost(_ pair: (Int, Int)) -> Int { pair.0 * IVFIndex.costOfRescoring + pair.1 * entries }
        return pairs.sorted { (cost($0), $0.0) < (cost($1), $1.0) }.map { with($0.0, $0.1, of: lists) }
    }
}
