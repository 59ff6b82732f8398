import AttarStorage
import AttarTensor

/// Sparse vectors in lists by column: a mapped, immutable file that finds the largest inner products.
///
///     let index = try SparseIndex(path: "splade.sparse")
///     let hits = try index.search(columns: query.ids, weights: query.weights, k: 10)
///
/// Postings and their bounds are those of the inverted index, with weights in place of frequencies. It may be used from
/// several threads at once.
public final class SparseIndex: Sendable {
    let file: SectionFile
    let records: MappedArray<TermRecord>
    private let blocks: MappedArray<BlockRecord>
    private let postings: MappedArray<UInt8>
    private let header: SparseHeader
    let vectors: SparseVectors
    /// The largest code of each block.
    private let strengths: [Float]
    private let scratches = WorkspacePool { SearchScratch() }

    /// Opens an index.
    ///
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws.
    /// - Complexity: O(blocks).
    public init(path: String) throws {
        file = try SectionFile(path: path, kind: SparseFormat.kind, newestVersion: SparseFormat.version)
        header = try file.header()
        records = try file.array("records", count: 2 * header.columns)
        blocks = try file.array("blocks")
        postings = try file.array("postings")
        vectors = try SparseVectors(file, passages: header.passages, count: header.postings, width: header.columns)
        strengths = blocks.withUnsafeBufferPointer { $0.map { $0.bound.largestCode } }
    }

    /// The path of the file.
    public var path: String { file.path }
    /// The size of the file in bytes.
    public var byteCount: Int { file.byteCount }
    /// The number of passages; ordinals are below it.
    public var passages: Int { header.passages }
    /// The width of the vectors.
    public var columns: Int { header.columns }
    /// The number of weights.
    public var postingCount: Int { header.postings }
    /// What the codes of weights are multiplied with.
    var step: Float { header.step }
    /// What the builder was told to keep.
    public var attributes: [String: String] { header.attributes }

    /// The k passages with the largest inner products.
    ///
    /// - Parameters:
    ///   - columns: of the query's weights, in any order; those outside of the width find nothing.
    ///   - weights: the query's; weights of 0 or less are left out, of a column that stands twice both count.
    ///   - k: how many at most; fewer come when fewer passages share a column with the query.
    ///   - allowed: which passages may be found; nil for all.
    ///   - effort: how thorough the search is. With `.exact` the hits are those of an exhaustive search over the
    ///     weights as they are kept (see `SparseFormat`).
    /// - Returns: score descending, then ordinal ascending; only passages that share a column.
    /// - Throws: `StorageError.corrupt` when what was read is broken.
    public func search(
        columns: [Int32], weights: [Float], k: Int, allowed: OrdinalSet? = nil, effort: SparseSearchEffort = .exact
    ) throws -> [SearchHit] {
        try respond(columns: columns, weights: weights, k: k, allowed: allowed, effort: effort).hits
    }

    /// The hits of `search`, and how many postings and vectors were scored to find them.
    public func respond(
        columns: [Int32], weights: [Float], k: Int, allowed: OrdinalSet? = nil, effort: SparseSearchEffort = .exact
    ) throws -> (hits: [SearchHit], scanned: Int) {
        precondition(columns.count == weights.count, "\(columns.count) columns with \(weights.count) weights")
        guard k > 0, passages > 0 else { return ([], 0) }
        let plan = plan(columns, weights, effort)
        guard !plan.strong.isEmpty else { return ([], 0) }
        return try scratches.withWorkspace { scratch in
            try withReader(grid: plan.grid) { reader in
                var layered = LayeredSearch(plan, vectors, reader, scratch, allowed: allowed)
                let hits = try layered.run(k: min(k, passages), candidates: effort.candidates)
                let scanned = layered.scanned
                if let hits { return (hits, scanned) }
                var search = WindowedSearch(plan.strong + plan.weak, reader, scratch, allowed: allowed)
                let found = try search.run(k: min(k, passages))
                return (found, scanned + search.scanned)
            }
        }
    }

    func plan(_ columns: [Int32], _ weights: [Float], _ effort: SparseSearchEffort = .exact) -> SparsePlan {
        SparsePlan(effort.most(columns, weights), records: records, step: header.step)
    }

    private func withReader<Result>(grid: ScoreGrid, _ body: (PostingsReader) throws -> Result) rethrows -> Result {
        try strengths.withUnsafeBufferPointer { strengths in
            try withExtendedLifetime(self) {
                try body(
                    PostingsReader(
                        postings: UnsafeRawBufferPointer(postings.elements), blocks: blocks.elements,
                        strengths: strengths, passages: UInt32(passages), function: .linear, grid: grid, path: path))
            }
        }
    }

    /// One vector, as it is kept: its columns, ascending, and the weights beside them.
    ///
    /// - Throws: `StorageError.corrupt`.
    /// - Precondition: the ordinal is below `passages`.
    public func vector(_ ordinal: UInt32) throws -> (columns: [Int32], weights: [Float]) {
        precondition(ordinal < passages, "vector \(ordinal) of \(passages)")
        let row = try vectors.range(of: ordinal).map { (vectors.columns[$0], vectors.codes[$0]) }
        guard zip(row, row.dropFirst()).allSatisfy({ $0.0 < $1.0 }), row.allSatisfy({ Int($0.0) < columns }) else {
            throw StorageError.altered("a vector", of: path)
        }
        return (row.map { Int32($0.0) }, row.map { Float($0.1) * header.step })
    }

    /// All vectors, as they are kept.
    ///
    /// - Throws: `StorageError.corrupt`.
    /// - Complexity: O(weights).
    public func matrix() throws -> SparseMatrix {
        var matrix = SparseMatrix(columns: columns)
        for ordinal in 0..<UInt32(passages) {
            let row = try vector(ordinal)
            matrix.append(columns: row.columns, values: row.weights)
        }
        return matrix
    }

    /// Reads every byte: all checksums, then every list, against the vectors, the bounds and the counts of the header.
    ///
    /// - Throws: `corrupt` naming what was altered.
    /// - Complexity: O(bytes of the file).
    public func verify() throws {
        try file.verify()
        let ranges = try (0..<UInt32(passages)).map { try vectors.range(of: $0) }
        guard ranges.last?.upperBound ?? 0 == postingCount else { throw StorageError.altered("a vector", of: path) }
        // Columns come ascending, so that each passage's vector is met from front to back.
        var next = ranges.map(\.lowerBound)
        for (list, record) in records.enumerated() {
            var (count, largest) = (0, Float(0))
            try forEachPosting(of: record) { ordinal, code in
                let place = next[Int(ordinal)]
                let isNew = place == ranges[Int(ordinal)].lowerBound || Int(vectors.columns[place - 1]) < list / 2
                guard place < ranges[Int(ordinal)].upperBound, isNew, Int(vectors.columns[place]) == list / 2,
                    Float(vectors.codes[place]) == code
                else { throw StorageError.altered("a list", of: path) }
                next[Int(ordinal)] = place + 1
                count += 1
                largest = max(largest, code)
            }
            guard count == Int(record.documentFrequency), count == 0 || largest == record.bound.largestCode else {
                throw StorageError.altered("a list", of: path)
            }
        }
        guard zip(next, ranges).allSatisfy({ $0 == $1.upperBound }) else {
            throw StorageError.altered("the number of weights", of: path)
        }
    }

    /// Calls `body` with the ordinals and codes of a list, ascending.
    func forEachPosting(of record: TermRecord, _ body: (UInt32, Float) throws -> Void) throws {
        try scratches.withWorkspace { scratch in
            try withReader(grid: ScoreGrid(totalWeight: 1, terms: 1)) { reader in
                try reader.forEachBlock(of: record, scratch) { ordinals, codes in
                    for (ordinal, code) in zip(ordinals, codes) { try body(ordinal, code) }
                }
            }
        }
    }
}

extension ImpactBound {
    /// The largest code under the bound of postings without lengths.
    var largestCode: Float { Float(max(shortFrequency, longFrequency)) }
}
