import AttarTensor
import CAttarKernels

/// Clusters of vectors by Lloyd's algorithm, in bounded memory: in each iteration vectors pass by in parts, so what is
/// held is a part, the centroids and their sums, whatever the number of vectors.
///
/// Results depend on the seed alone, not on the number of threads: a part's vectors find their centroids in any order,
/// and are added to the sums in theirs.
public struct KMeans: Sendable {
    /// How to train.
    public struct Options: Sendable, Codable, Equatable {
        /// The number of centroids; fewer come out when there are fewer vectors.
        public var clusters: Int
        /// How often vectors are assigned and centroids moved.
        public var iterations = 25  // as in faiss (Clustering.h)
        /// At most so many vectors for each centroid take part, drawn at random; nil: all.
        public var mostVectorsACluster: Int? = 256  // as in faiss
        /// Draws the vectors that take part and the first centroids.
        public var seed: UInt64 = 1

        /// The usual options for a number of centroids.
        public init(clusters: Int, iterations: Int = 25, mostVectorsACluster: Int? = 256, seed: UInt64 = 1) {
            precondition(clusters > 0 && iterations >= 0, "\(clusters) clusters, \(iterations) iterations")
            self.clusters = clusters
            self.iterations = iterations
            self.mostVectorsACluster = mostVectorsACluster
            self.seed = seed
        }
    }

    /// `[clusters, dimension]`.
    public private(set) var centroids: Matrix
    /// The mean squared distance of a vector to its centroid at the beginning of each iteration.
    public private(set) var errors: [Double] = []

    /// Vectors that are in memory at a time.
    private static let partRows = 16_384
    /// Vectors, or centroids, that a thread takes at a time.
    private static let chunk = 512

    /// Trains centroids.
    ///
    /// - Parameters:
    ///   - vectors: What to cluster; at least one vector.
    ///   - start: The first centroids, `[clusters, dimension]`; nil draws them from the vectors.
    /// - Complexity: O(iterations · vectors · clusters · dimension).
    public init(
        _ vectors: some VectorSource, options: Options, start: Matrix? = nil, threads: Int = Parallel.processorCount
    ) {
        precondition(vectors.count > 0, "no vectors to cluster")
        let limit = options.mostVectorsACluster.map { $0 * options.clusters } ?? vectors.count
        let sample = SampledVectors(vectors, count: limit, seed: options.seed)
        let clusters = min(options.clusters, sample.count)
        centroids = start ?? SampledVectors(sample, count: clusters, seed: options.seed &+ 1).gathered()
        precondition(centroids.columns == vectors.dimension, "centroids of \(centroids.columns) numbers")
        for _ in 0..<options.iterations {
            var sums = ClusterSums(clusters: centroids.rows, dimension: centroids.columns)
            let nearest = NearestCentroids(centroids)
            for first in stride(from: 0, to: sample.count, by: Self.partRows) {
                let rows = first..<min(first + Self.partRows, sample.count)
                sums.add(Part(sample, rows, nearest, chunk: Self.chunk, threads: threads), threads: threads)
            }
            errors.append(sums.error / Double(sample.count))
            centroids = sums.means(centroids)
        }
    }

    /// The nearest centroid of each vector.
    public func assign(_ vectors: Matrix, threads: Int = Parallel.processorCount) -> [UInt32] {
        NearestCentroids(centroids).assign(vectors, threads: threads)
    }
}

/// Some vectors in memory, and their nearest centroids.
private struct Part {
    let vectors: Matrix
    let nearest: [UInt32]
    /// Squared distances to these.
    let distances: [Float]

    init(_ source: some VectorSource, _ rows: Range<Int>, _ centroids: NearestCentroids, chunk: Int, threads: Int) {
        let dimension = source.dimension
        var values = [Float](repeating: 0, count: rows.count * dimension)
        var nearest = [UInt32](repeating: 0, count: rows.count)
        var distances = [Float](repeating: 0, count: rows.count)
        values.withUnsafeMutableBufferPointer { values in
            nearest.withUnsafeMutableBufferPointer { nearest in
                distances.withUnsafeMutableBufferPointer { distances in
                    let parts = SharedParts(values: values, nearest: nearest, distances: distances)
                    Parallel.forEachRange(count: rows.count, chunk: chunk, threads: threads) { range in
                        parts.fill(range, from: source, rows.lowerBound, dimension, centroids)
                    }
                }
            }
        }
        vectors = Matrix(rows: rows.count, columns: dimension, values: values)
        (self.nearest, self.distances) = (nearest, distances)
    }
}

/// Arrays of which each thread writes its own rows.
private struct SharedParts: @unchecked Sendable {
    let values: UnsafeMutableBufferPointer<Float>
    let nearest: UnsafeMutableBufferPointer<UInt32>
    let distances: UnsafeMutableBufferPointer<Float>

    func fill(
        _ range: Range<Int>, from source: some VectorSource, _ firstRow: Int, _ dimension: Int,
        _ centroids: NearestCentroids
    ) {
        guard let values = values.baseAddress, let nearest = nearest.baseAddress, let distances = distances.baseAddress
        else { return }
        for row in range { source.copy(firstRow + row, to: values + row * dimension) }
        let (start, first) = (values + range.lowerBound * dimension, range.lowerBound)
        centroids.find(
            start, stride: dimension, rows: range.count, nearest: nearest + first, scores: distances + first)
        for row in range {
            let size = Float(attar_sum_squares_f32(values + row * dimension, dimension))
            distances[row] = max(0, size - 2 * distances[row])
        }
    }
}

/// What the centroids of an iteration become.
private struct ClusterSums {
    private var sums: [Double]
    private var counts: [Int]
    private let dimension: Int
    /// Σ of squared distances.
    private(set) var error = 0.0

    init(clusters: Int, dimension: Int) {
        sums = Array(repeating: 0, count: clusters * dimension)
        counts = Array(repeating: 0, count: clusters)
        self.dimension = dimension
    }

    /// Adds vectors to their clusters. Threads share the dimensions, so that every sum is taken in the vectors' order.
    mutating func add(_ part: Part, threads: Int) {
        for (cluster, distance) in zip(part.nearest, part.distances) {
            counts[Int(cluster)] += 1
            error += Double(distance)
        }
        let (dimension, rows) = (dimension, part.nearest.count)
        let width = max(16, (dimension + threads - 1) / max(threads, 1))
        sums.withUnsafeMutableBufferPointer { sums in
            part.vectors.values.withUnsafeBufferPointer { values in
                guard let sums = sums.baseAddress, let values = values.baseAddress else { return }
                let shared = SharedSums(sums: sums, values: values)
                Parallel.forEachRange(count: dimension, chunk: width, threads: threads) { columns in
                    for row in 0..<rows {
                        shared.add(row * dimension, to: Int(part.nearest[row]) * dimension, columns)
                    }
                }
            }
        }
    }

    /// The means; a cluster without vectors takes half of the largest one, as in faiss (`split_clusters`): both get its
    /// mean, moved a little apart.
    func means(_ old: Matrix) -> Matrix {
        var (centroids, counts) = (old, counts)
        for cluster in counts.indices where counts[cluster] > 0 {
            for d in 0..<dimension {
                centroids.values[cluster * dimension + d] = Float(
                    sums[cluster * dimension + d] / Double(counts[cluster]))
            }
        }
        for empty in counts.indices where counts[empty] == 0 {
            guard let largest = counts.indices.max(by: { (counts[$0], $1) < (counts[$1], $0) }), counts[largest] > 1
            else {
                continue
            }
            for d in 0..<dimension {
                let value = centroids.values[largest * dimension + d]
                let away: Float = d % 2 == 0 ? 1 / 1024 : -1 / 1024
                centroids.values[empty * dimension + d] = value * (1 + away)
                centroids.values[largest * dimension + d] = value * (1 - away)
            }
            counts[empty] = counts[largest] / 2
            counts[largest] -= counts[empty]
        }
        return centroids
    }
}

/// Sums of which each thread adds to its own columns.
private struct SharedSums: @unchecked Sendable {
    let sums: UnsafeMutablePointer<Double>
    let values: UnsafePointer<Float>

    @inline(__always)
    func add(_ from: Int, to: Int, _ columns: Range<Int>) {
        for d in columns { sums[to + d] += Double(values[from + d]) }
    }
}
