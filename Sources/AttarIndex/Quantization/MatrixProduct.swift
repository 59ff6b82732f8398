import AttarTensor
import CAttarKernels

/// Products of matrices in memory, with the fp32 kernel.
enum MatrixProduct {
    /// `A Bᵀ`: `[a.rows, b.rows]`.
    static func transposed(_ a: Matrix, _ b: Matrix, threads: Int) -> Matrix {
        precondition(a.columns == b.columns, "\(a.columns) columns meet \(b.columns)")
        return multiply(a, b, outputs: b.rows, isTransposed: false, threads: threads)
    }

    /// `A B`: `[a.rows, b.columns]`.
    static func plain(_ a: Matrix, _ b: Matrix, threads: Int) -> Matrix {
        precondition(a.columns == b.rows, "\(a.columns) columns meet \(b.rows) rows")
        return multiply(a, b, outputs: b.columns, isTransposed: true, threads: threads)
    }

    /// `Aᵀ B`: `[a.columns, b.columns]`, over many rows.
    static func inner(_ a: Matrix, _ b: Matrix, threads: Int) -> Matrix {
        precondition(a.rows == b.rows, "\(a.rows) rows meet \(b.rows)")
        var turned = Matrix(rows: a.columns, columns: a.rows)
        attar_transpose_f32(a.values, a.columns, a.rows, a.columns, &turned.values, a.rows)
        return plain(turned, b, threads: threads)
    }

    private static func multiply(_ a: Matrix, _ b: Matrix, outputs: Int, isTransposed: Bool, threads: Int) -> Matrix {
        let inner = a.columns
        let packed = UnsafeMutablePointer<Float>.allocate(capacity: max(attar_pack_f32_size(outputs, inner), 1))
        defer { packed.deallocate() }
        attar_pack_f32(b.values, b.columns, outputs, inner, isTransposed, packed)
        var product = Matrix(rows: a.rows, columns: outputs)
        product.values.withUnsafeMutableBufferPointer { result in
            a.values.withUnsafeBufferPointer { left in
                guard let result = result.baseAddress, let left = left.baseAddress else { return }
                let shared = Factors(left: left, packed: packed, result: result)
                Parallel.forEachRange(count: a.rows, chunk: 64, threads: threads) { rows in
                    attar_gemm_f32_packed(
                        rows.count, outputs, inner, shared.left + rows.lowerBound * inner, inner, shared.packed,
                        shared.result + rows.lowerBound * outputs, outputs, nil, false)
                }
            }
        }
        return product
    }

    /// Of the result each thread writes its own rows.
    private struct Factors: @unchecked Sendable {
        let left: UnsafePointer<Float>
        let packed: UnsafePointer<Float>
        let result: UnsafeMutablePointer<Float>
    }
}
