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
    }

    /// What finds candidates.
    public let kind: Kind
    /// What the candidates are found by.
    public let codes: VectorPrecision
    /// How many candidates ten results need.
    public let candidates: Int
    /// The recall@10 that was asked for.
    public let target: Double
    /// The recall@10 that was measured with so many, against looking at each vector.
    public let recall: Double
    /// The name of the file in the folders of segments that are large enough.
    public let fileName: String

    /// Smaller segments have no such file: all their vectors are looked at in less than a millisecond.
    public static let fewestPassages = 10_000

    /// Whether its numbers make sense, and its file's name leads nowhere else.
    var isPlausible: Bool { (1...(1 << 20)).contains(candidates) && CollectionManifest.isSafeName(fileName) }

    /// How many candidates k results need.
    func candidates(for k: Int) -> Int {
        switch kind {
        case .codes: max(k, (k * candidates + 9) / 10)
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
                path: path, dimension: vectors.dimension, precision: codes, fingerprint: vectors.fingerprint,
                on: fileSystem)
            try forEachBatch(writer.append)
            try writer.finish()
        case .hnsw:
            let builder = try base.map { try HNSWBuilder(continuing: $0.graph, keeping: $0.live, threads: threads) }
                ?? HNSWBuilder(dimension: vectors.dimension, fingerprint: vectors.fingerprint)
            try forEachBatch(from: builder.count) { try builder.append($0, threads: threads) }
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
        }
    }

    /// The same with other candidates.
    func with(candidates: Int, recall: Double) -> Self {
        Self(kind: kind, codes: codes, candidates: candidates, target: target, recall: recall, fileName: fileName)
    }
}

/// What a user asks for.
public enum VectorIndexChoice: Sendable, Equatable {
    /// Every vector is looked at.
    case flat
    /// An index of a kind.
    case index(VectorIndexRecord.Kind, codes: VectorPrecision)

    /// How it is called.
    public var name: String {
        switch self {
        case .flat: "flat"
        case .index(.codes, let codes): "flat \(codes.rawValue), rescored"
        case .index(.hnsw, let codes): "hnsw \(codes.rawValue), rescored"
        }
    }
}
