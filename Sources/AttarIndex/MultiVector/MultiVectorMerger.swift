import AttarStorage
import AttarTensor

/// Makes one multi-vector index of several, without the documents that were deleted.
///
///     try MultiVectorMerger([(old, live), (new, nil)]).write(to: "minilm.mvx")
///
/// Tokens in bfloat16 and int8 are copied bit for bit. Of residual and product codes, centroids and codebooks are those
/// of the index with the most tokens, whose codes are copied; tokens of the others are coded anew, from what their codes
/// stand for. So however often small indexes are merged into a large one, a token is coded at most once more.
///
/// Memory: as `MultiVectorBuilder.finish`.
public struct MultiVectorMerger {
    /// An index, and its documents that stay; nil when all do.
    public typealias Source = (index: MultiVectorIndex, live: OrdinalSet?)

    private let sources: [Source]
    /// Where a document has its tokens.
    private typealias Place = (source: Int, tokens: Range<Int>)
    /// The documents that stay, in the order of the indexes.
    private let documents: [Place]
    /// The index whose centroids and codebooks are kept.
    private let base: Int

    private static let partTokens = 16_384

    /// A merge of indexes in the order of their documents.
    ///
    /// - Throws: `IndexError` when there are too many documents for one index, and when dimensions, codecs, encoders or
    ///   attributes differ.
    /// - Precondition: there is an index; each set has the capacity of its index.
    public init(_ sources: [Source]) throws {
        precondition(!sources.isEmpty, "no indexes to merge")
        let first = sources[0].index
        for (index, _) in sources {
            guard index.dimension == first.dimension, index.codec == first.codec,
                index.fingerprint == first.fingerprint, index.attributes == first.attributes
            else { throw IndexError.otherAttributes(first.path, index.path) }
        }
        _ = try PassagePlaces.count(sources.map { ($0.index.count, $0.live) })
        self.sources = sources
        base = sources.indices.max { sources[$0].index.tokenCount < sources[$1].index.tokenCount } ?? 0
        documents = sources.enumerated().flatMap { number, source in
            (0..<UInt32(source.index.count)).filter { source.live?.contains($0) ?? true }
                .map { (number, source.index.tokenRange(of: $0)) }
        }
    }

    /// The number of documents that stay.
    public var count: Int { documents.count }

    /// Writes the merged index.
    ///
    /// - Parameter order: the documents that stay, by their places among those, in the order that they are to have; nil
    ///   leaves them in that of the indexes.
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`: `corrupt` naming an index that was altered, or what says that the file cannot be
    ///   written; nothing is left behind then.
    /// - Precondition: `order` holds each number below `count` once.
    /// - Complexity: O(bytes of the indexes), and O(tokens · centroids · dimension) for tokens that are coded anew.
    @discardableResult
    public func write(
        to path: String, order: [UInt32]? = nil, threads: Int = Parallel.processorCount,
        on fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Int {
        precondition(order.map { $0.count == count } ?? true, "an order of other documents")
        let documents = order.map { $0.map { self.documents[Int($0)] } } ?? self.documents
        let writer = try SectionFileWriter(
            path: path, kind: MultiVectorFormat.kind, version: MultiVectorFormat.version, on: fileSystem)
        var offsets: [UInt64] = [0]
        for document in documents { offsets.append(offsets[offsets.count - 1] + UInt64(document.tokens.count)) }
        try writer.add("offsets", offsets)
        let tokens = Int(offsets[offsets.count - 1])
        let quantizer = tokens > 0 ? sources[base].index.quantizer : nil
        let assignments = try quantizer.map { try self.assignments($0, of: documents, threads: threads) } ?? []
        if quantizer != nil { try writer.add("assignments", assignments) }
        try writeTokens(of: documents, quantizer, assignments, to: writer, threads: threads)
        if let quantizer {
            try quantizer.write(CentroidLists(assignments, offsets, quantizer.centroids.rows), to: writer)
        }
        let first = sources[0].index
        try writer.add("header", json: MultiVectorHeader(
            documents: documents.count, tokens: tokens, dimension: first.dimension, codec: first.codec,
            centroids: quantizer?.centroids.rows ?? 0, fingerprint: first.fingerprint,
            emptyDocuments: documents.count { $0.tokens.isEmpty }, attributes: first.attributes))
        return try writer.finish()
    }

    /// Calls `body` with tokens of one index that follow each other there and in the merged index.
    private func forEachPart(
        of documents: [Place], _ body: (_ index: MultiVectorIndex, _ isBase: Bool, Range<Int>) throws -> Void
    ) rethrows {
        var place = 0
        while place < documents.count {
            let (source, first) = documents[place]
            var tokens = first
            place += 1
            while place < documents.count, documents[place].source == source,
                documents[place].tokens.lowerBound == tokens.upperBound, tokens.count < Self.partTokens
            {
                tokens = tokens.lowerBound..<documents[place].tokens.upperBound
                place += 1
            }
            if !tokens.isEmpty { try body(sources[source].index, source == base, tokens) }
        }
    }

    private func assignments(
        _ quantizer: ResidualQuantizer, of documents: [Place], threads: Int
    ) throws -> [UInt32] {
        var assignments: [UInt32] = []
        try forEachPart(of: documents) { index, isBase, tokens in
            try index.requireAssignments(of: tokens)
            if isBase, let coarse = index.coarse {
                assignments += coarse.assignments[tokens]
            } else {
                assignments += quantizer.assign(index.vectors(of: tokens), threads: threads)
            }
        }
        return assignments
    }

    private func writeTokens(
        of documents: [Place], _ quantizer: ResidualQuantizer?, _ assignments: [UInt32], to writer: SectionFileWriter,
        threads: Int
    ) throws {
        let section = try writer.begin("tokens")
        var (scales, zeros) = ([Float](), [Int32]())
        var done = 0
        try forEachPart(of: documents) { index, isBase, tokens in
            let stride = index.codec.stride(dimension: index.dimension)
            let elements = (tokens.lowerBound * stride)..<(tokens.upperBound * stride)
            switch index.tokens {
            case .halves(let all): try section.append(Array(all[elements]))
            case .bytes(let all, let steps, let origins):
                try section.append(Array(all[elements]))
                scales += steps[tokens]
                zeros += origins[tokens]
            case .codes(let all, _, _):
                if isBase {
                    try section.append(Array(all[elements]))
                } else if let quantizer {
                    let nearest = assignments[done..<(done + tokens.count)]
                    try section.append(quantizer.codes(index.vectors(of: tokens), nearest: nearest, threads: threads))
                }
            }
            done += tokens.count
        }
        writer.end()
        guard sources[0].index.codec == .int8 else { return }
        try writer.add("scales", scales)
        try writer.add("zeros", zeros)
    }
}

extension MultiVectorIndex {
    /// The vectors of tokens as they are kept, `[tokens, dimension]`.
    ///
    /// - Precondition: `requireAssignments` did not throw for them.
    fileprivate func vectors(of range: Range<Int>) -> Matrix {
        let values = range.flatMap { tokens.vector($0, dimension: dimension, coarse: coarse) }
        return Matrix(rows: range.count, columns: dimension, values: values)
    }

    /// What made assignments and codes; nil without centroids.
    fileprivate var quantizer: ResidualQuantizer? {
        guard let coarse else { return nil }
        let centroids = Matrix(rows: centroidCount, columns: dimension, values: Array(coarse.centroids))
        guard case .codes(_, let codebooks, let subspaces) = tokens, codebooks.count > 0 else {
            return ResidualQuantizer(centroids: centroids, residuals: nil)
        }
        let (width, numbers) = (dimension / subspaces, codebooks.count / subspaces)
        let matrices = (0..<subspaces).map { subspace in
            Matrix(rows: 256, columns: width, values: Array(codebooks[(subspace * numbers)..<((subspace + 1) * numbers)]))
        }
        return ResidualQuantizer(centroids: centroids, residuals: ProductQuantizer(codebooks: matrices))
    }
}
