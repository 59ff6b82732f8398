import AttarStorage
import AttarTensor
import CAttarKernels

/// What a query over tokens needs for a while: its tokens, and what centroids and codewords add to products with them.
/// One query uses it at a time; the memory is used again.
final class TokenWorkspace {
    /// Query tokens rounded up to what kernels add at once; those behind the last are zeros.
    private(set) var stride = 0
    /// `[stride, dimension]`
    private var query = Matrix(rows: 0, columns: 0)
    /// `[centroids][stride]`
    let centroidScores = FloatMemory()
    /// `[subspaces][256][stride]`
    let tables = FloatMemory()
    /// `[stride][centroids]`: the centroids' scores of each query token in a row.
    let scoresByToken = FloatMemory()
    /// Documents met in lists.
    var met = VisitedSet()
    private let packed = FloatMemory()
    /// Whether the centroids' scores are those of the query.
    private var hasCentroidScores = false

    deinit { met.deallocate() }

    /// Takes a query, `[query tokens, dimension]`.
    func begin(_ tokens: Matrix) {
        let step = Int(ATTAR_CODED_QUERY_STEP)
        stride = (tokens.rows + step - 1) / step * step
        let padding = [Float](repeating: 0, count: (stride - tokens.rows) * tokens.columns)
        query = Matrix(rows: stride, columns: tokens.columns, values: tokens.values + padding)
        hasCentroidScores = false
    }

    /// Scores all centroids, unless that is done.
    ///
    /// - Complexity: O(centroids · query tokens · dimension).
    func scoreCentroids(_ centroids: MappedArray<Float>) {
        guard !hasCentroidScores, stride > 0 else { return }
        hasCentroidScores = true
        let count = centroids.count / query.columns
        centroidScores.reserve(count * stride)
        multiply(centroids, rows: count, columns: 0..<query.columns, into: centroidScores.start)
    }

    /// Scores all codewords.
    ///
    /// - Complexity: O(256 · query tokens · dimension).
    func scoreCodewords(_ codebooks: MappedArray<Float>, subspaces: Int) {
        guard stride > 0 else { return }
        let width = query.columns / subspaces
        tables.reserve(subspaces * 256 * stride)
        for subspace in 0..<subspaces {
            multiply(
                codebooks, from: subspace * 256 * width, rows: 256,
                columns: (subspace * width)..<((subspace + 1) * width), into: tables.start + subspace * 256 * stride)
        }
    }

    /// Brings the centroids' scores of each query token into a row.
    func sortByToken(centroids: Int) {
        scoresByToken.reserve(centroids * stride)
        attar_transpose_f32(centroidScores.start, stride, centroids, stride, scoresByToken.start, centroids)
    }

    /// target[row][query token] = a row of `vectors` · some columns of the query's token.
    private func multiply(
        _ vectors: MappedArray<Float>, from first: Int = 0, rows: Int, columns: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) {
        let width = columns.count
        packed.reserve(attar_pack_f32_size(stride, width))
        query.values.withUnsafeBufferPointer { query in
            vectors.withUnsafeBufferPointer { vectors in
                guard let tokens = query.baseAddress, let start = vectors.baseAddress else { return }
                attar_pack_f32(
                    tokens + columns.lowerBound, self.query.columns, stride, width, false, packed.start)
                attar_gemm_f32_packed(
                    rows, stride, width, start + first, width, packed.start, target, stride, nil, false)
            }
        }
    }
}

/// Floats that stay allocated.
final class FloatMemory {
    private(set) var start: UnsafeMutablePointer<Float>
    private var capacity = 0

    init() { start = .allocate(capacity: 1) }

    deinit { start.deallocate() }

    /// Makes room; what was there is lost.
    func reserve(_ count: Int) {
        guard count > capacity else { return }
        start.deallocate()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
        start = memory.bindMemory(to: Float.self, capacity: count)
        capacity = count
    }
}
