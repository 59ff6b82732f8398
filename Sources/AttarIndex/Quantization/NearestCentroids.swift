import AttarTensor
import CAttarKernels

/// Which of some centroids is nearest to a vector? The one with the largest `x · c − |c|² / 2`: a matrix product, with
/// the centroids packed once.
final class NearestCentroids: @unchecked Sendable {
    let count: Int
    let dimension: Int
    private let packed: UnsafeMutablePointer<Float>
    /// `−|c|² / 2`.
    private let bias: [Float]

    /// Vectors whose products are taken at a time: as many as keep these in the second-level cache.
    private var blockRows: Int { min(max(65_536 / count, 8), 128) }

    /// - Parameter centroids: `[count, dimension]`, at least one.
    init(_ centroids: Matrix) {
        precondition(centroids.rows > 0, "no centroids")
        (count, dimension) = (centroids.rows, centroids.columns)
        let size = max(attar_pack_f32_size(count, dimension), 1)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * size, alignment: 64)
        packed = memory.bindMemory(to: Float.self, capacity: size)
        attar_pack_f32(centroids.values, dimension, count, dimension, false, packed)
        bias = (0..<count).map { Float(-0.5 * Similarity.dot(centroids.row($0), centroids.row($0))) }
    }

    deinit { packed.deallocate() }

    /// Finds the nearest centroid of each vector; of several as near the first.
    ///
    /// - Parameters:
    ///   - vectors: `[rows, dimension]`, with `stride` floats from row to row.
    ///   - nearest: `[rows]`; a vector that is not a number gets the first centroid.
    ///   - scores: `[rows]`: `x · c − |c|² / 2`; the squared distance is `|x|²` minus twice that.
    /// - Complexity: O(rows · count · dimension).
    func find(
        _ vectors: UnsafePointer<Float>, stride: Int, rows: Int, nearest: UnsafeMutablePointer<UInt32>,
        scores: UnsafeMutablePointer<Float>
    ) {
        let step = blockRows
        withUnsafeTemporaryAllocation(of: Float.self, capacity: step * count) { products in
            guard let products = products.baseAddress else { return }
            for first in Swift.stride(from: 0, to: rows, by: step) {
                let part = min(step, rows - first)
                attar_gemm_f32_packed(
                    part, count, dimension, vectors + first * stride, stride, packed, products, count, bias, false)
                for row in 0..<part {
                    nearest[first + row] = 0
                    scores[first + row] = products[row * count]
                    _ = attar_top_k_f32(
                        products + row * count, count, 1, nearest + first + row, scores + first + row)
                }
            }
        }
    }

    /// The nearest centroid of each row, `[rows, dimension]`.
    func assign(_ vectors: Matrix, threads: Int) -> [UInt32] {
        precondition(vectors.columns == dimension, "vectors of \(vectors.columns) numbers, centroids of \(dimension)")
        var nearest = [UInt32](repeating: 0, count: vectors.rows)
        nearest.withUnsafeMutableBufferPointer { nearest in
            vectors.values.withUnsafeBufferPointer { values in
                guard let nearest = nearest.baseAddress, let values = values.baseAddress else { return }
                let rows = AssignedRows(values: values, nearest: nearest)
                Parallel.forEachRange(count: vectors.rows, chunk: 512, threads: threads) { rows.assign($0, self) }
            }
        }
        return nearest
    }

    /// Of the result each thread writes its own rows.
    private struct AssignedRows: @unchecked Sendable {
        let values: UnsafePointer<Float>
        let nearest: UnsafeMutablePointer<UInt32>

        func assign(_ range: Range<Int>, _ centroids: NearestCentroids) {
            withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { scores in
                guard let scores = scores.baseAddress else { return }
                centroids.find(
                    values + range.lowerBound * centroids.dimension, stride: centroids.dimension, rows: range.count,
                    nearest: nearest + range.lowerBound, scores: scores)
            }
        }
    }
}
