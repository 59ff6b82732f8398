import CAttarKernels

/// The right side B `[inner, columns]` of matrix products, in the layout the kernel reads, for products with many
/// different left sides.
///
/// B is packed in blocks of columns, so that packing is shared over threads too.
struct PackedMatrix {
    let columns: Int
    let inner: Int
    private let storage: Storage
    private let blockSize: Int

    /// The columns of a block: a multiple of every kernel's panel width.
    private static let blockColumns = 192
    /// The rows of a chunk of work: a multiple of every kernel's tile height.
    private static let rowChunk = 96

    /// Packs a matrix.
    ///
    /// - Parameters:
    ///   - source: `[columns, inner]` (a linear layer's weight), or with `transposed` `[inner, columns]`.
    ///   - stride: The elements from row to row of `source`.
    init(
        _ source: UnsafePointer<Float>, stride: Int, columns: Int, inner: Int, transposed: Bool, tape: Tape
    ) {
        self.columns = columns
        self.inner = inner
        let blockSize = attar_pack_f32_size(Self.blockColumns, inner)
        let blocks = (columns + Self.blockColumns - 1) / Self.blockColumns
        let storage = tape.scratch(blocks * blockSize)
        tape.parallel(columns, chunk: Self.blockColumns) { range in
            attar_pack_f32(
                source + (transposed ? range.lowerBound : range.lowerBound * stride), stride, range.count, inner,
                transposed, storage.pointer + range.lowerBound / Self.blockColumns * blockSize)
        }
        self.storage = storage
        self.blockSize = blockSize
    }

    /// C = A · B (+ bias), or C += A · B (+ bias).
    ///
    /// - Parameters:
    ///   - left: A, `[rows, inner]`, with `leftStride` elements from row to row.
    ///   - result: C, `[rows, columns]`, with `resultStride` elements from row to row.
    ///   - bias: `[columns]`, added to each row.
    func multiply(
        rows: Int, left: UnsafePointer<Float>, leftStride: Int, result: UnsafeMutablePointer<Float>,
        resultStride: Int, bias: UnsafePointer<Float>? = nil, accumulate: Bool, tape: Tape
    ) {
        let base = storage.pointer
        tape.parallel(rows, chunk: Self.rowChunk) { range in
            for (block, column) in stride(from: 0, to: columns, by: Self.blockColumns).enumerated() {
                attar_gemm_f32_packed(
                    range.count, min(Self.blockColumns, columns - column), inner, left + range.lowerBound * leftStride,
                    leftStride, base + block * blockSize, result + range.lowerBound * resultStride + column,
                    resultStride, bias.map { $0 + column }, accumulate)
            }
        }
    }
}

extension Tape {
    /// A copy of `source` `[rows, columns]` with rows and columns exchanged, `[columns, rows]`, with a row stride of
    /// `transposedStride(rows)`.
    func transposed(_ source: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int) -> Storage {
        let resultStride = Self.transposedStride(rows)
        let result = scratch(resultStride * columns)
        parallel(columns, chunk: 64) { range in
            attar_transpose_f32(
                source + range.lowerBound, stride, rows, range.count,
                result.pointer + range.lowerBound * resultStride, resultStride)
        }
        return result
    }

    /// Not a power of two, even if `rows` is: neighbouring rows would fall into the same few lines of the cache, which
    /// makes transposing half as fast.
    static func transposedStride(_ rows: Int) -> Int { rows + 24 }

    /// target[column] += Σ_rows source[row][column], in an order that depends on the shape alone.
    func addColumnSums(
        _ source: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int, to target: UnsafeMutablePointer<Float>
    ) {
        parallel(columns, chunk: 64) { range in
            attar_column_sums_f32(source + range.lowerBound, stride, rows, range.count, target + range.lowerBound)
        }
    }
}
