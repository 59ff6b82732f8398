import CAttarKernels

/// What the factors of a matrix product are rounded to. Sums are taken in single precision always.
public enum ProductPrecision: String, Codable, Sendable {
    /// Not at all.
    case fp32
    /// To bfloat16 (8 bits of precision), forward and backward, while weights, gradients and everything else stay in
    /// single precision: on processors that have such products half the time.
    case bf16
}

/// The right side B `[inner, columns]` of matrix products, in the layout the kernel reads, for products with many
/// different left sides.
///
/// B is packed in blocks of columns, so that packing is shared over threads too.
struct PackedMatrix {
    let columns: Int
    let inner: Int
    let precision: ProductPrecision
    private let storage: Storage
    /// The floats of memory of a block, in either precision.
    private let blockSize: Int

    /// The columns of a block: a multiple of every kernel's panel width.
    private static let blockColumns = 192
    /// The rows of a chunk of work: a multiple of every kernel's tile height.
    private static let rowChunk = 64

    /// Packs a matrix.
    ///
    /// - Parameters:
    ///   - source: `[columns, inner]` (a linear layer's weight), or with `transposed` `[inner, columns]`.
    ///   - stride: The elements from row to row of `source`.
    init(
        _ source: UnsafePointer<Float>, stride: Int, columns: Int, inner: Int, transposed: Bool,
        precision: ProductPrecision, tape: Tape
    ) {
        self.columns = columns
        self.inner = inner
        self.precision = precision
        let blockSize =
            switch precision {
            case .fp32: attar_pack_f32_size(Self.blockColumns, inner)
            case .bf16: (attar_pack_bf16_size(Self.blockColumns, inner) + 1) / 2
            }
        let blocks = (columns + Self.blockColumns - 1) / Self.blockColumns
        let storage = tape.scratch(blocks * blockSize)
        tape.parallel(columns, chunk: Self.blockColumns) { range in
            let first = source + (transposed ? range.lowerBound : range.lowerBound * stride)
            let block = storage.pointer + range.lowerBound / Self.blockColumns * blockSize
            switch precision {
            case .fp32: attar_pack_f32(first, stride, range.count, inner, transposed, block)
            case .bf16: attar_pack_bf16(first, stride, range.count, inner, transposed, block.halves)
            }
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
        tape.parallel(rows, chunk: Self.rowChunk) { range in
            let left = left + range.lowerBound * leftStride
            // Rows of bfloat16 take half a float a number, and have an even number of these.
            let width = (inner + 1) / 2 * 2
            let narrow = precision == .bf16 ? tape.scratch(range.count * width / 2) : nil
            if let narrow { attar_bf16_rows(left, leftStride, range.count, inner, narrow.pointer.halves, width) }
            for (block, column) in stride(from: 0, to: columns, by: Self.blockColumns).enumerated() {
                let count = min(Self.blockColumns, columns - column)
                let packed = storage.pointer + block * blockSize
                let target = result + range.lowerBound * resultStride + column
                let bias = bias.map { $0 + column }
                if let narrow {
                    attar_gemm_bf16_packed(
                        range.count, count, inner, narrow.pointer.halves, width, packed.halves, target, resultStride,
                        bias, accumulate)
                } else {
                    attar_gemm_f32_packed(
                        range.count, count, inner, left, leftStride, packed, target, resultStride, bias, accumulate)
                }
            }
        }
    }
}

extension UnsafeMutablePointer<Float> {
    /// The same memory as numbers of 16 bits. C's kernels alone look through it.
    var halves: UnsafeMutablePointer<UInt16> { UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt16.self) }
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
