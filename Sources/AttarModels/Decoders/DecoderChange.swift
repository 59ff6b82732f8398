import AttarTensor
import CAttarKernels

/// A low-rank change at the side of a linear layer, y += (x Aᵀ) Bᵀ, in the order in which the kernels read it.
struct DecoderChange: Sendable {
    private let inputs: Int
    private let rank: Int
    private let down: FloatBuffer
    /// B times the adapter's scale.
    private let up: FloatBuffer

    init(_ change: DecoderAdapter.Change, scale: Float) {
        let (outputs, inputs, rank) = (change.up.shape[0], change.down.shape[1], change.down.shape[0])
        (self.inputs, self.rank) = (inputs, rank)
        down = change.down.values.withUnsafeBufferPointer { .packed($0, outputs: rank, inputs: inputs) }
        up = change.up.values.map { scale * $0 }.withUnsafeBufferPointer {
            .packed($0, outputs: outputs, inputs: rank)
        }
    }

    /// Rows that go together: what waits between the two products stays on the stack for usual ranks.
    private static let rows = 16

    /// Adds to some columns of y. Every member of a team makes x Aᵀ for itself: it is small, and a barrier is not.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`.
    ///   - y: `[rows, outputs]`, with `stride` floats from row to row.
    ///   - columns: which; they begin at a multiple of `DecoderLinear.columnUnit`.
    func add(
        _ x: UnsafePointer<Float>, rows: Int, _ y: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>
    ) {
        let first = columns.lowerBound
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.rows * rank) { low in
            for row in Swift.stride(from: 0, to: rows, by: Self.rows) {
                let count = min(Self.rows, rows - row)
                attar_gemm_f32_packed(
                    count, rank, inputs, x + row * inputs, inputs, down.start, low.baseAddress, rank, nil, false)
                attar_gemm_f32_packed(
                    count, columns.count, rank, low.baseAddress, rank, up.start + first * rank,
                    y + row * stride + first, stride, nil, true)
            }
        }
    }
}
