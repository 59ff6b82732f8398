import AttarTensor
import CAttarKernels

/// Vectors as short codes: the dimensions are divided into subspaces, and of each what is kept is the number of the
/// nearest of 256 (or 16) codewords (Jégou, Douze & Schmid, "Product Quantization for Nearest Neighbor Search", 2011).
///
/// Scores of a query with codes are sums of looked-up numbers, one table a subspace: see `tables(_:)`.
public struct ProductQuantizer: Sendable, Equatable {
    /// The length of a vector; with a rotation, of a rotated one.
    public var dimension: Int { subspaces * width }
    /// The number of subspaces: the bytes of a code, or with 16 codewords the half bytes.
    public let subspaces: Int
    /// The dimensions of a subspace.
    public let width: Int
    /// Codewords of each subspace: 256 or 16.
    public let codewords: Int
    /// Each subspace's codewords, `[codewords, width]`.
    public internal(set) var codebooks: [Matrix]

    /// How to train.
    public struct Options: Sendable, Codable, Equatable {
        /// See `ProductQuantizer.subspaces`; must divide the dimension.
        public var subspaces: Int
        /// 256, or 16 for codes of half a byte.
        public var codewords = 256
        /// Iterations of each subspace's clustering.
        public var iterations = 25
        /// Draws vectors and first codewords.
        public var seed: UInt64 = 1

        /// The usual options for a number of subspaces.
        public init(subspaces: Int, codewords: Int = 256, iterations: Int = 25, seed: UInt64 = 1) {
            precondition(codewords == 256 || codewords == 16, "\(codewords) codewords; 256 and 16 are possible")
            self.subspaces = subspaces
            self.codewords = codewords
            self.iterations = iterations
            self.seed = seed
        }
    }

    /// Vectors that a quantiser is trained on, at most, for each codeword.
    static let vectorsACodeword = 256

    /// A quantiser of given codewords.
    ///
    /// - Precondition: matrices of one shape, of 256 or 16 rows.
    public init(codebooks: [Matrix]) {
        precondition(!codebooks.isEmpty, "a quantiser needs a subspace")
        (subspaces, codewords, width) = (codebooks.count, codebooks[0].rows, codebooks[0].columns)
        precondition(codewords == 256 || codewords == 16, "\(codewords) codewords; 256 and 16 are possible")
        let (rows, columns) = (codewords, width)
        precondition(codebooks.allSatisfy { $0.rows == rows && $0.columns == columns }, "codebooks of different shapes")
        self.codebooks = codebooks
    }

    /// Trains a quantiser: each subspace is clustered on its own.
    ///
    /// - Throws: `IndexError.quantizer` when the subspaces do not divide the dimension, or there are fewer vectors than
    ///   codewords.
    /// - Complexity: O(iterations · vectors · codewords · dimension), with at most 256 · codewords vectors.
    public init(
        _ vectors: some VectorSource, options: Options, threads: Int = Parallel.processorCount
    ) throws {
        try Self.check(vectors, options)
        let sample = SampledVectors(vectors, count: Self.vectorsACodeword * options.codewords, seed: options.seed)
            .gathered()
        self.init(sample: sample, options: options, start: nil, threads: threads)
    }

    static func check(_ vectors: some VectorSource, _ options: Options) throws {
        guard options.subspaces > 0, vectors.dimension % options.subspaces == 0 else {
            throw IndexError.quantizer(
                "\(options.subspaces) subspaces do not divide \(vectors.dimension) dimensions; choose a divisor.")
        }
        guard vectors.count >= options.codewords else {
            throw IndexError.quantizer(
                "\(vectors.count) vectors are too few for \(options.codewords) codewords; use a flat index.")
        }
    }

    /// Trains on all of the sample, from given codewords on if there are any.
    init(sample: Matrix, options: Options, start: ProductQuantizer?, threads: Int) {
        let width = sample.columns / options.subspaces
        self.init(
            codebooks: (0..<options.subspaces).map { subspace in
                let columns = MatrixColumns(matrix: sample, columns: (subspace * width)..<((subspace + 1) * width))
                let clustering = KMeans.Options(
                    clusters: options.codewords, iterations: options.iterations, mostVectorsACluster: nil,
                    seed: options.seed &+ UInt64(subspace))
                return KMeans(columns, options: clustering, start: start?.codebooks[subspace], threads: threads)
                    .centroids
            })
    }

    /// The codes of vectors, `[rows, subspaces]`, a byte each.
    ///
    /// - Precondition: `vectors.columns == dimension`.
    /// - Complexity: O(rows · codewords · dimension).
    public func encode(_ vectors: Matrix, threads: Int = Parallel.processorCount) -> [UInt8] {
        precondition(vectors.columns == dimension, "vectors of \(vectors.columns) numbers, a quantiser of \(dimension)")
        let nearest = codebooks.map(NearestCentroids.init)
        var codes = [UInt8](repeating: 0, count: vectors.rows * subspaces)
        codes.withUnsafeMutableBufferPointer { codes in
            let shared = SharedCodes(codes: codes, subspaces: subspaces)
            Parallel.forEachRange(count: vectors.rows, chunk: 512, threads: threads) { rows in
                shared.encode(vectors, rows, nearest)
            }
        }
        return codes
    }

    /// What codes stand for, `[rows, dimension]`.
    ///
    /// - Precondition: whole rows of codes below `codewords`.
    public func decode(_ codes: some Collection<UInt8>) -> Matrix {
        precondition(codes.count % subspaces == 0, "\(codes.count) codes are no rows of \(subspaces)")
        var values: [Float] = []
        values.reserveCapacity(codes.count * width)
        for (index, code) in codes.enumerated() {
            values.append(contentsOf: codebooks[index % subspaces].row(Int(code)))
        }
        return Matrix(rows: codes.count / subspaces, columns: dimension, values: values)
    }

    /// What each codeword adds to the dot product with a query, `[subspaces, codewords]`: for `attar_table_scores_f32`
    /// (256 codewords), or `attar_quantize_scan_tables` and `attar_scan_codes` (16).
    ///
    /// - Precondition: `query.count == dimension`.
    /// - Complexity: O(codewords · dimension).
    public func tables(_ query: [Float]) -> [Float] {
        precondition(query.count == dimension, "a query of \(query.count) numbers, a quantiser of \(dimension)")
        var tables = [Float](repeating: 0, count: subspaces * codewords)
        tables.withUnsafeMutableBufferPointer { tables in
            query.withUnsafeBufferPointer { query in
                guard let tables = tables.baseAddress, let query = query.baseAddress else { return }
                for (subspace, codebook) in codebooks.enumerated() {
                    attar_dot_f32(
                        query + subspace * width, codebook.values, width, nil, codewords, width,
                        tables + subspace * codewords)
                }
            }
        }
        return tables
    }

    /// The mean squared distance between vectors and what their codes stand for.
    public func error(_ vectors: Matrix, threads: Int = Parallel.processorCount) -> Double {
        let decoded = decode(encode(vectors, threads: threads))
        let total = zip(vectors.values, decoded.values).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        return total / Double(max(vectors.rows, 1))
    }
}

/// Codes of which each thread writes its own rows.
private struct SharedCodes: @unchecked Sendable {
    let codes: UnsafeMutableBufferPointer<UInt8>
    let subspaces: Int

    func encode(_ vectors: Matrix, _ rows: Range<Int>, _ nearest: [NearestCentroids]) {
        var words = [UInt32](repeating: 0, count: rows.count)
        var scores = [Float](repeating: 0, count: rows.count)
        vectors.values.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            for (subspace, centroids) in nearest.enumerated() {
                centroids.find(
                    start + rows.lowerBound * vectors.columns + subspace * centroids.dimension, stride: vectors.columns,
                    rows: rows.count, nearest: &words, scores: &scores)
                for (row, word) in zip(rows, words) {
                    codes[row * subspaces + subspace] = UInt8(truncatingIfNeeded: word)
                }
            }
        }
    }
}
