import AttarStorage
import AttarTensor

/// Makes one multi-vector index of several, without the documents that were deleted.
///
///     try MultiVectorMerger([(old, live), (new, nil)]).write(to: "minilm.mvx")
///
/// Tokens in bfloat16 and int8 are copied bit for bit. Of residual and product codes, centroids and codebooks are those
/// of the index with the most tokens, whose codes are copied; tokens of the others are coded anew, from what their codes
/// stand for. Where these centroids are fewer than half of what so many tokens should have, all is trained and coded
/// anew. So a token is coded anew once for each time that the index grows fourfold, however small the indexes are that
/// are merged into it.
///
/// Memory: as `MultiVectorBuilder.finish`.
public struct MultiVectorMerger {
    /// An index, and its documents that stay; nil when all do.
    public typealias Source = (index: MultiVectorIndex, live: OrdinalSet?)

    private let sources: [Source]
    /// Where a document has its tokens.
    fileprivate typealias Place = (source: Int, tokens: Range<Int>)
    /// The documents that stay, in the order of the indexes.
    private let documents: [Place]
    /// The index whose centroids and codebooks are kept, unless they are too few.
    private let base: Int

    private static let partTokens = 16_384
    /// How many times as many centroids as there are should stand there for them to be trained anew.
    private static let growth = 2

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
        try forEachPart(of: documents) { index, _, tokens in try index.requireAssignments(of: tokens) }
        let writer = try SectionFileWriter(
            path: path, kind: MultiVectorFormat.kind, version: MultiVectorFormat.version, on: fileSystem)
        var offsets: [UInt64] = [0]
        for document in documents { offsets.append(offsets[offsets.count - 1] + UInt64(document.tokens.count)) }
        try writer.add("offsets", offsets)
        let coding = try coding(of: documents, offsets, threads: threads)
        if let coding { try writer.add("assignments", coding.assignments) }
        try writeTokens(of: documents, coding, to: writer, threads: threads)
        if let coding {
            let lists = CentroidLists(coding.assignments, offsets, coding.quantizer.centroids.rows)
            try coding.quantizer.write(lists, to: writer)
        }
        let first = sources[0].index
        try writer.add("header", json: MultiVectorHeader(
            documents: documents.count, tokens: Int(offsets[offsets.count - 1]), dimension: first.dimension,
            codec: first.codec, centroids: coding?.quantizer.centroids.rows ?? 0, fingerprint: first.fingerprint,
            emptyDocuments: documents.count { $0.tokens.isEmpty }, attributes: first.attributes))
        return try writer.finish()
    }

    /// Calls `body` with tokens of one index that follow each other there and in the merged index.
    private func forEachPart(
        of documents: [Place], _ body: (_ index: MultiVectorIndex, _ source: Int, Range<Int>) throws -> Void
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
            if !tokens.isEmpty { try body(sources[source].index, source, tokens) }
        }
    }

    /// What codes the merged tokens, and the nearest centroid of each.
    private struct Coding {
        let quantizer: ResidualQuantizer
        /// The index whose codes are copied; nil where all tokens are coded anew.
        let base: Int?
        var assignments: [UInt32] = []
    }

    /// - Returns: nil without centroids.
    private func coding(of documents: [Place], _ offsets: [UInt64], threads: Int) throws -> Coding? {
        let tokens = MergedTokens(sources: sources, documents: documents, offsets: offsets)
        guard tokens.count > 0, let old = sources[base].index.quantizer else { return nil }
        let codec = sources[base].index.codec
        let clustering = MultiVectorBuilder.Options(codec: codec).clustering(tokens: tokens.count)
        let isLargeEnough = clustering.clusters < Self.growth * old.centroids.rows
        var coding = isLargeEnough
            ? Coding(quantizer: old, base: base)
            : Coding(
                quantizer: try ResidualQuantizer(tokens, codec: codec, clustering: clustering, threads: threads),
                base: nil)
        coding.assignments.reserveCapacity(tokens.count)
        forEachPart(of: documents) { index, source, tokens in
            if source == coding.base, let coarse = index.coarse {
                coding.assignments += coarse.assignments[tokens]
            } else {
                coding.assignments += coding.quantizer.assign(index.vectors(of: tokens), threads: threads)
            }
        }
        return coding
    }

    private func writeTokens(
        of documents: [Place], _ coding: Coding?, to writer: SectionFileWriter, threads: Int
    ) throws {
        let section = try writer.begin("tokens")
        var (scales, zeros) = ([Float](), [Int32]())
        var done = 0
        try forEachPart(of: documents) { index, source, tokens in
            let stride = index.codec.stride(dimension: index.dimension)
            let elements = (tokens.lowerBound * stride)..<(tokens.upperBound * stride)
            switch index.tokens {
            case .halves(let all): try section.append(Array(all[elements]))
            case .bytes(let all, let steps, let origins):
                try section.append(Array(all[elements]))
                scales += steps[tokens]
                zeros += origins[tokens]
            case .codes(let all, _, _):
                guard let coding else { return }
                let nearest = coding.assignments[done..<(done + tokens.count)]
                try section.append(
                    source == coding.base
                        ? Array(all[elements])
                        : coding.quantizer.codes(index.vectors(of: tokens), nearest: nearest, threads: threads))
                done += tokens.count
            }
        }
        writer.end()
        guard sources[0].index.codec == .int8 else { return }
        try writer.add("scales", scales)
        try writer.add("zeros", zeros)
    }
}

/// The tokens of documents of several indexes, one after the other, as they are kept there.
private struct MergedTokens: VectorSource {
    let sources: [MultiVectorMerger.Source]
    let documents: [MultiVectorMerger.Place]
    /// Where each document's tokens begin, and where the last ends.
    let offsets: [UInt64]

    var count: Int { Int(offsets[offsets.count - 1]) }
    var dimension: Int { sources[0].index.dimension }

    func copy(_ row: Int, to target: UnsafeMutablePointer<Float>) {
        // The last document that begins at the row or before it is the one that has it.
        var (low, high) = (0, documents.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if offsets[middle] <= UInt64(row) { low = middle } else { high = middle }
        }
        let (source, tokens) = documents[low]
        let token = tokens.lowerBound + row - Int(offsets[low])
        let vector = sources[source].index.vectors(of: token..<(token + 1))
        vector.copy(0, to: target)
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
            Matrix(
                rows: 256, columns: width,
                values: Array(codebooks[(subspace * numbers)..<((subspace + 1) * numbers)]))
        }
        return ResidualQuantizer(centroids: centroids, residuals: ProductQuantizer(codebooks: matrices))
    }
}
