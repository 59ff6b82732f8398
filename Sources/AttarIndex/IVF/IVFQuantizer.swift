import AttarTensor
import CAttarKernels

/// What turns vectors into lists and codes: coarse centroids, a rotation or none, and a product quantiser (Jégou, Douze
/// & Schmid 2011, section IV: IVFADC).
///
/// Everything but the rotation is of rotated vectors, whose dot products are those of the vectors.
public struct IVFQuantizer: Sendable, Equatable {
    /// `[dimension, dimension]`, orthogonal: a rotated vector is `rotation · x`; nil for none.
    public let rotation: Matrix?
    /// `[lists, dimension]`.
    public let centroids: Matrix
    /// The quantiser of residuals, or of vectors.
    public let product: ProductQuantizer
    /// Whether a code stands for what a vector differs from its list's centroid.
    public let codesResiduals: Bool

    /// The length of a vector.
    public var dimension: Int { centroids.columns }
    /// The number of lists.
    public var lists: Int { centroids.rows }

    /// Vectors that the centroids are trained on, at most, for each list.
    private static let vectorsAList = 64

    /// A quantiser of given parts.
    ///
    /// - Precondition: parts of one dimension, at least one centroid.
    public init(rotation: Matrix?, centroids: Matrix, product: ProductQuantizer, codesResiduals: Bool) {
        precondition(
            centroids.rows > 0 && centroids.columns == product.dimension,
            "\(centroids.rows) centroids of \(centroids.columns) numbers, codes of \(product.dimension)")
        precondition(
            rotation.map { $0.rows == product.dimension && $0.columns == product.dimension } ?? true,
            "a rotation that does not fit \(product.dimension) dimensions")
        (self.rotation, self.centroids, self.product) = (rotation, centroids, product)
        self.codesResiduals = codesResiduals
    }

    /// Trains a quantiser, on samples: what is held at a time does not grow with the number of vectors.
    ///
    /// The rotation is fitted to what is coded, so to residuals where these are; as it is orthogonal, the centroids of
    /// rotated vectors are the rotated centroids.
    ///
    /// - Parameter vectors: of the kind that will be kept; fewer lists come out when there are fewer vectors.
    /// - Throws: `IndexError.quantizer` when the parameters do not fit the dimension, or there are fewer vectors than
    ///   codewords.
    /// - Complexity: that of k-means over at most 64 vectors a list, and of `OptimizedProductQuantizer` or
    ///   `ProductQuantizer`.
    public init(
        _ vectors: some VectorSource, parameters: IVFParameters, threads: Int = Parallel.processorCount
    ) throws {
        if let problem = parameters.problem(dimension: vectors.dimension) { throw IndexError.quantizer(problem) }
        let options = ProductQuantizer.Options(
            subspaces: parameters.subspaces, codewords: parameters.codewords, seed: parameters.seed)
        try ProductQuantizer.check(vectors, options)
        let clustering = KMeans.Options(
            clusters: parameters.lists, iterations: 10, mostVectorsACluster: Self.vectorsAList, seed: parameters.seed)
        let centroids = KMeans(vectors, options: clustering, threads: threads).centroids
        let most = ProductQuantizer.vectorsACodeword * parameters.codewords
        var sample = SampledVectors(vectors, count: most, seed: parameters.seed).gathered()
        if parameters.codesResiduals {
            let nearest = NearestCentroids(centroids).assign(sample, threads: threads)
            sample = Self.residuals(sample, nearest, centroids)
        }
        if parameters.rotates {
            let optimized = try OptimizedProductQuantizer(sample, options: .init(options), threads: threads)
            self.init(
                rotation: optimized.rotation, centroids: optimized.rotate(centroids, threads: threads),
                product: optimized.quantizer, codesResiduals: parameters.codesResiduals)
        } else {
            self.init(
                rotation: nil, centroids: centroids,
                product: try ProductQuantizer(sample, options: options, threads: threads),
                codesResiduals: parameters.codesResiduals)
        }
    }

    /// Vectors as centroids and codes are meant, `[rows, dimension]`.
    ///
    /// - Complexity: O(rows · dimension²) with a rotation.
    public func rotated(_ vectors: Matrix, threads: Int = Parallel.processorCount) -> Matrix {
        guard let rotation else { return vectors }
        return MatrixProduct.transposed(vectors, rotation, threads: threads)
    }

    /// The list of each rotated vector: that of the nearest centroid.
    ///
    /// - Complexity: O(rows · lists · dimension).
    public func lists(ofRotated vectors: Matrix, threads: Int = Parallel.processorCount) -> [UInt32] {
        NearestCentroids(centroids).assign(vectors, threads: threads)
    }

    /// What the codes of rotated vectors are made of: residuals, or the vectors themselves.
    ///
    /// - Precondition: a list below `lists` for each row.
    public func coded(_ vectors: Matrix, lists: [UInt32]) -> Matrix {
        codesResiduals ? Self.residuals(vectors, lists, centroids) : vectors
    }

    /// The lists and codes of vectors; codes are `[rows, subspaces]`, a byte each.
    public func encode(
        _ vectors: Matrix, threads: Int = Parallel.processorCount
    ) -> (lists: [UInt32], codes: [UInt8]) {
        let rotated = rotated(vectors, threads: threads)
        let lists = lists(ofRotated: rotated, threads: threads)
        return (lists, product.encode(coded(rotated, lists: lists), threads: threads))
    }

    /// What lists and codes stand for, `[rows, dimension]`, rotated.
    public func decodedRotated(lists: [UInt32], codes: [UInt8]) -> Matrix {
        var vectors = product.decode(codes)
        precondition(vectors.rows == lists.count, "\(lists.count) lists for \(vectors.rows) codes")
        guard codesResiduals else { return vectors }
        for (row, list) in lists.enumerated() {
            let centroid = centroids.row(Int(list))
            for (column, value) in centroid.enumerated() { vectors.values[row * dimension + column] += value }
        }
        return vectors
    }

    private static func residuals(_ vectors: Matrix, _ lists: [UInt32], _ centroids: Matrix) -> Matrix {
        precondition(lists.count == vectors.rows, "\(lists.count) lists for \(vectors.rows) vectors")
        var residuals = vectors
        residuals.values.withUnsafeMutableBufferPointer { values in
            centroids.values.withUnsafeBufferPointer { centroids in
                guard let values = values.baseAddress, let centroids = centroids.baseAddress else { return }
                let dimension = vectors.columns
                for (row, list) in lists.enumerated() {
                    attar_axpy_f32(-1, centroids + Int(list) * dimension, values + row * dimension, dimension)
                }
            }
        }
        return residuals
    }
}
