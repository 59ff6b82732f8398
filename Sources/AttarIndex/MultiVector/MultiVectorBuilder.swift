import AttarStorage
import AttarTensor
import CAttarKernels

/// Writes the token vectors of documents to a multi-vector index, as documents arrive.
///
///     let builder = try MultiVectorBuilder(path: "minilm.mvx", dimension: 128, fingerprint: json)
///     for batch in batches { try builder.append(batch.tokens, lengths: batch.lengths) }
///     try builder.finish()
///
/// Tokens wait in a temporary file beside the index, 2 bytes a number, so that centroids and codes can be trained on
/// all of them. In memory are 8 bytes a document; when the index is written at most 12 bytes a token, the centroids and
/// their sums, a part of 16,384 tokens, and to train codes 65,536 tokens: whatever the number of tokens.
public final class MultiVectorBuilder {
    /// The length of a token's vector.
    public let dimension: Int
    /// Documents so far.
    public var count: Int { offsets.count - 1 }
    /// Documents so far that have no tokens: no search will find them.
    public private(set) var emptyDocuments = 0
    private let path: String
    private let options: Options
    private let fingerprint: String
    private let attributes: [String: String]
    private let fileSystem: any FileSystem
    private let spoolPath: String
    private var spool: FlatVectorWriter?
    private var offsets: [UInt64] = [0]

    /// Tokens that are in memory at a time.
    private static let partTokens = 16_384

    /// How to keep tokens.
    public struct Options: Sendable, Codable, Equatable {
        /// How tokens are kept.
        public var codec = TokenCodec.residual(bits: 2)
        /// Whether lists of documents by centroid are kept, for gathering candidates by tokens. Codecs with centroids
        /// always have them.
        public var lists = false
        /// The number of centroids; nil for what suits the number of tokens. Never more than one for 8 tokens.
        public var centroids: Int?
        /// Iterations of the clustering.
        public var iterations = 10
        /// At most so many tokens for each centroid take part in the clustering.
        public var tokensACentroid = 64
        /// Draws tokens and first centroids.
        public var seed: UInt64 = 1

        /// The usual options.
        public init(codec: TokenCodec = .residual(bits: 2), lists: Bool = false, centroids: Int? = nil) {
            self.codec = codec
            self.lists = lists
            self.centroids = centroids
        }

        /// 4 √tokens as a power of two: a quarter of what PLAID (Santhanam et al. 2022) takes, as training time grows
        /// with it.
        func clustering(tokens: Int) -> KMeans.Options {
            var usual = 1
            while 2 * usual <= Int(4 * Double(tokens).squareRoot()) { usual *= 2 }
            let count = max(1, min(centroids ?? usual, tokens / 8, MultiVectorFormat.maximumCentroids))
            return KMeans.Options(
                clusters: count, iterations: iterations, mostVectorsACluster: tokensACentroid, seed: seed)
        }
    }

    /// Starts an index; the file gets its name only when `finish()` succeeds.
    ///
    /// - Parameters:
    ///   - fingerprint: who makes the vectors: the encoder's fingerprint as JSON.
    ///   - attributes: free facts, such as which documents these are.
    /// - Throws: `IndexError.quantizer` when the codec cannot keep vectors of this length; `StorageError`.
    /// - Precondition: `dimension` lies in 1 … 65536.
    public init(
        path: String, dimension: Int, options: Options = Options(), fingerprint: String,
        attributes: [String: String] = [:], on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        if let problem = options.codec.problem(dimension: dimension) { throw IndexError.quantizer(problem) }
        self.path = path
        self.dimension = dimension
        self.options = options
        self.fingerprint = fingerprint
        self.attributes = attributes
        self.fileSystem = fileSystem
        spoolPath = AtomicFile.temporaryName(for: path)
        spool = try FlatVectorWriter(
            path: spoolPath, dimension: dimension, precision: .bfloat16, fingerprint: fingerprint, on: fileSystem)
    }

    deinit { abandon() }

    /// Appends documents.
    ///
    /// - Parameters:
    ///   - tokens: `[all tokens, dimension]`, document after document.
    ///   - lengths: the number of tokens of each document; may be 0.
    /// - Throws: `IndexError.dimension`, `.notFinite`, before anything is written; `StorageError` when writing fails,
    ///   after which the builder is of no use.
    /// - Precondition: `lengths` adds up to the tokens; `finish()` was not called.
    public func append(_ tokens: Matrix, lengths: [Int]) throws {
        precondition(lengths.reduce(0, +) == tokens.rows, "lengths for another number than \(tokens.rows) tokens")
        guard let spool else { preconditionFailure("documents for \(path), which is finished") }
        guard count + lengths.count < Int(UInt32.max) else { throw IndexError.tooManyPassages(count + lengths.count) }
        try spool.append(tokens)
        for length in lengths {
            offsets.append(offsets[count] + UInt64(length))
            if length == 0 { emptyDocuments += 1 }
        }
    }

    /// Trains what the codec needs, and writes the index.
    ///
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`.
    /// - Complexity: O(tokens · centroids · dimension), and the clustering.
    @discardableResult
    public func finish(threads: Int = Parallel.processorCount) throws -> Int {
        guard let spool else { preconditionFailure("\(path) was finished twice") }
        defer { abandon() }
        try spool.finish()
        let tokens = SpooledTokens(vectors: try FlatVectorIndex(path: spoolPath))
        let writer = try SectionFileWriter(
            path: path, kind: MultiVectorFormat.kind, version: MultiVectorFormat.version, on: fileSystem)
        try writer.add("offsets", offsets)
        let quantizer = try quantizer(tokens, threads: threads)
        let assignments = try quantizer.map { try writeAssignments(tokens, $0, to: writer, threads: threads) } ?? []
        try writeTokens(tokens, quantizer, assignments, to: writer, threads: threads)
        if let quantizer {
            try quantizer.write(CentroidLists(assignments, offsets, quantizer.centroids.rows), to: writer)
        }
        let header = MultiVectorHeader(
            documents: count, tokens: tokens.count, dimension: dimension, codec: options.codec,
            centroids: quantizer?.centroids.rows ?? 0, fingerprint: fingerprint, emptyDocuments: emptyDocuments,
            attributes: attributes)
        try writer.add("header", json: header)
        return try writer.finish()
    }

    /// Drops the tokens that wait.
    private func abandon() {
        guard spool != nil else { return }
        spool = nil
        try? fileSystem.remove(spoolPath)
    }

    private func quantizer(_ tokens: SpooledTokens, threads: Int) throws -> ResidualQuantizer? {
        guard options.codec.needsCentroids || options.lists, tokens.count > 0 else { return nil }
        return try ResidualQuantizer(
            tokens, codec: options.codec, clustering: options.clustering(tokens: tokens.count), threads: threads)
    }

    private func writeAssignments(
        _ tokens: SpooledTokens, _ quantizer: ResidualQuantizer, to writer: SectionFileWriter, threads: Int
    ) throws -> [UInt32] {
        var assignments: [UInt32] = []
        assignments.reserveCapacity(tokens.count)
        tokens.forEachPart(Self.partTokens) { part, _ in
            assignments += quantizer.assign(part, threads: threads)
        }
        try writer.add("assignments", assignments)
        return assignments
    }

    private func writeTokens(
        _ tokens: SpooledTokens, _ quantizer: ResidualQuantizer?, _ assignments: [UInt32],
        to writer: SectionFileWriter, threads: Int
    ) throws {
        let section = try writer.begin("tokens")
        let stride = options.codec.stride(dimension: dimension)
        var (scales, zeros) = ([Float](), [Int32]())
        try tokens.forEachPart(Self.partTokens) { part, rows in
            switch options.codec {
            case .bfloat16:
                var halves = [UInt16](repeating: 0, count: part.rows * stride)
                attar_bf16_rows(part.values, dimension, part.rows, dimension, &halves, stride)
                try section.append(halves)
            case .int8:
                var bytes = [UInt8](repeating: 0, count: part.rows * stride)
                var (steps, origins) = ([Float](repeating: 0, count: part.rows), [Int32](repeating: 0, count: part.rows))
                attar_quantize_rows_u8(part.values, dimension, part.rows, dimension, &bytes, &steps, &origins)
                try section.append(bytes)
                scales += steps
                zeros += origins
            case .residual, .product:
                guard let quantizer else { return }
                try section.append(quantizer.codes(part, nearest: assignments[rows], threads: threads))
            }
        }
        writer.end()
        guard options.codec == .int8 else { return }
        try writer.add("scales", scales)
        try writer.add("zeros", zeros)
    }
}

extension ResidualQuantizer {
    /// Writes the sections of codebooks, centroids and lists.
    func write(_ lists: CentroidLists, to writer: SectionFileWriter) throws {
        if let residuals {
            try writer.add("codebooks") { section in
                for codebook in residuals.codebooks { try section.append(codebook.values) }
            }
        }
        try writer.add("centroids", centroids.values)
        try writer.add("ends", lists.ends)
        try writer.add("lists", lists.documents)
    }
}

/// The documents that have a token near a centroid, for each centroid.
struct CentroidLists {
    /// Where each centroid's list ends.
    let ends: [UInt64]
    /// Ascending within a list, none twice.
    let documents: [UInt32]

    /// - Complexity: O(tokens + centroids).
    init(_ assignments: [UInt32], _ offsets: [UInt64], _ centroids: Int) {
        var counts = [UInt64](repeating: 0, count: centroids)
        Self.forEachPair(assignments, offsets, centroids) { centroid, _ in counts[centroid] += 1 }
        var sum: UInt64 = 0
        ends = counts.map { count in
            sum += count
            return sum
        }
        var places = zip(ends, counts).map { Int($0 - $1) }
        var filled = [UInt32](repeating: 0, count: Int(ends.last ?? 0))
        Self.forEachPair(assignments, offsets, centroids) { centroid, document in
            filled[places[centroid]] = document
            places[centroid] += 1
        }
        documents = filled
    }

    /// Calls `body` once for each document and each centroid of its tokens.
    private static func forEachPair(
        _ assignments: [UInt32], _ offsets: [UInt64], _ centroids: Int, _ body: (Int, UInt32) -> Void
    ) {
        var latest = [UInt32](repeating: .max, count: centroids)
        for document in 0..<UInt32(offsets.count - 1) {
            for token in Int(offsets[Int(document)])..<Int(offsets[Int(document) + 1]) {
                let centroid = Int(assignments[token])
                guard latest[centroid] != document else { continue }
                latest[centroid] = document
                body(centroid, document)
            }
        }
    }
}

/// Tokens in the temporary file.
private struct SpooledTokens: VectorSource {
    let vectors: FlatVectorIndex

    var count: Int { vectors.count }
    var dimension: Int { vectors.dimension }

    func copy(_ row: Int, to target: UnsafeMutablePointer<Float>) {
        guard case .bfloat16(let halves) = vectors.rows else { return }
        halves.withUnsafeBufferPointer { halves in
            guard let start = halves.baseAddress else { return }
            attar_bf16_to_f32(start + row * dimension, target, dimension)
        }
    }

    /// Calls `body` with so many tokens at a time, and their rows.
    func forEachPart(_ tokens: Int, _ body: (Matrix, Range<Int>) throws -> Void) rethrows {
        for first in stride(from: 0, to: count, by: tokens) {
            let rows = first..<min(first + tokens, count)
            let values = [Float](unsafeUninitializedCapacity: rows.count * dimension) { target, initialized in
                initialized = rows.count * dimension
                guard let start = target.baseAddress else { return }
                for row in rows { copy(row, to: start + (row - first) * dimension) }
            }
            try body(Matrix(rows: rows.count, columns: dimension, values: values), rows)
        }
    }
}
