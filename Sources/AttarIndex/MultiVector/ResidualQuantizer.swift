import AttarTensor
import CAttarKernels

/// A token as the nearest of some centroids, and a code of what is left: two levels of quantisation.
struct ResidualQuantizer: Sendable {
    /// `[centroids, dimension]`.
    let centroids: Matrix
    /// The quantiser of residuals; nil where only centroids are wanted.
    let residuals: ProductQuantizer?

    /// Tokens whose residuals are looked at in training: 256 for each of 256 codewords, as for any product quantiser.
    private static let residualSample = ProductQuantizer.vectorsACodeword * 256

    /// A quantiser of given parts.
    init(centroids: Matrix, residuals: ProductQuantizer?) {
        (self.centroids, self.residuals) = (centroids, residuals)
    }

    /// Trains centroids and codes.
    ///
    /// - Parameter clustering: how the centroids are trained; there are at most as many as there are tokens.
    /// - Throws: `IndexError.quantizer` when product codes do not fit the dimension.
    /// - Complexity: that of `KMeans`, and for product codes that of `ProductQuantizer` on at most 65,536 tokens, which
    ///   are in memory meanwhile.
    init(_ tokens: some VectorSource, codec: TokenCodec, clustering: KMeans.Options, threads: Int) throws {
        let means = KMeans(tokens, options: clustering, threads: threads)
        centroids = means.centroids
        guard codec.needsCentroids else {
            residuals = nil
            return
        }
        let sample = SampledVectors(tokens, count: Self.residualSample, seed: clustering.seed &+ 3).gathered()
        let left = Self.residuals(of: sample, means.centroids, means.assign(sample, threads: threads))
        switch codec {
        case .bfloat16, .int8: residuals = nil
        case .residual(let bits): residuals = ProductQuantizer(buckets: Buckets(left.values, bits: bits), of: left.columns)
        case .product(let subspaces):
            residuals = try ProductQuantizer(
                Self.filled(left), options: .init(subspaces: subspaces, seed: clustering.seed &+ 4), threads: threads)
        }
    }

    /// Few residuals again and again, until there are as many as codewords: these are then the residuals themselves.
    private static func filled(_ residuals: Matrix) -> Matrix {
        guard residuals.rows < 256 else { return residuals }
        return residuals.gathered((0..<256).map { $0 % residuals.rows })
    }

    /// The nearest centroid of each token.
    func assign(_ tokens: Matrix, threads: Int) -> [UInt32] {
        NearestCentroids(centroids).assign(tokens, threads: threads)
    }

    /// The codes of tokens whose centroids are known, `[tokens, subspaces]`.
    func codes(_ tokens: Matrix, nearest: ArraySlice<UInt32>, threads: Int) -> [UInt8] {
        residuals?.encode(Self.residuals(of: tokens, centroids, nearest), threads: threads) ?? []
    }

    /// `tokens − centroids[nearest]`.
    private static func residuals(of tokens: Matrix, _ centroids: Matrix, _ nearest: some Sequence<UInt32>) -> Matrix {
        var left = tokens
        left.values.withUnsafeMutableBufferPointer { values in
            centroids.values.withUnsafeBufferPointer { means in
                guard let values = values.baseAddress, let means = means.baseAddress else { return }
                for (row, centroid) in nearest.enumerated() {
                    attar_axpy_f32(
                        -1, means + Int(centroid) * tokens.columns, values + row * tokens.columns, tokens.columns)
                }
            }
        }
        return left
    }
}

/// What the numbers of residuals are rounded to: as many values as fit the bits, the same in all dimensions.
struct Buckets {
    /// Ascending.
    let values: [Float]

    private static let sampleSize = 1 << 18

    /// The values that lose least of some numbers: as in ColBERTv2 they begin at the middles of quantiles; then come
    /// Lloyd's iterations in one dimension (Lloyd 1982; Max 1960).
    init(_ numbers: [Float], bits: Int) {
        let step = max(1, numbers.count / Self.sampleSize)
        let sorted = stride(from: 0, to: numbers.count, by: step).map { numbers[$0] }.sorted()
        let count = 1 << bits
        var values = (0..<count).map { sorted[min(sorted.count - 1, (2 * $0 + 1) * sorted.count / (2 * count))] }
        for _ in 0..<20 {
            let ends = (0..<(count - 1)).map { bucket in
                sorted.partitioningPlace(above: 0.5 * (values[bucket] + values[bucket + 1]))
            }
            for (bucket, range) in zip([0] + ends, ends + [sorted.count]).enumerated() where range.0 < range.1 {
                let sum = sorted[range.0..<range.1].reduce(0.0) { $0 + Double($1) }
                values[bucket] = Float(sum / Double(range.1 - range.0))
            }
        }
        self.values = values
    }
}

extension ProductQuantizer {
    /// The quantiser whose codewords are all combinations of some values in neighbouring dimensions: the first dimension
    /// stands in the lowest bits.
    ///
    /// - Precondition: there are 2, 4 or 16 values, and the dimensions that share a byte divide `dimension`.
    init(buckets: Buckets, of dimension: Int) {
        let bits = buckets.values.count.trailingZeroBitCount
        let width = 8 / bits
        precondition(dimension % width == 0, "\(dimension) dimensions in groups of \(width)")
        let words = (0..<256).flatMap { code in
            (0..<width).map { buckets.values[code >> ($0 * bits) & (buckets.values.count - 1)] }
        }
        let codebook = Matrix(rows: 256, columns: width, values: words)
        self.init(codebooks: Array(repeating: codebook, count: dimension / width))
    }
}

extension [Float] {
    /// The first place of a sorted array whose number is above a limit.
    fileprivate func partitioningPlace(above limit: Float) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] > limit { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
