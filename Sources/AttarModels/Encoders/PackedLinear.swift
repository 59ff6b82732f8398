import AttarTensor
import CAttarKernels

/// A linear layer y = x Wᵀ + b for inference: W stands in the order in which the kernel reads it.
struct PackedLinear: Sendable {
    /// The width of x.
    let inputs: Int
    /// The width of y.
    let outputs: Int
    private let packed: FloatBuffer
    private let bias: FloatBuffer?

    /// Packs a weight matrix `[outputs, inputs]`, and a bias `[outputs]`.
    init(weight: [Float], bias: [Float]?, outputs: Int, inputs: Int) {
        precondition(weight.count == outputs * inputs, "\(weight.count) weights for \(outputs) x \(inputs)")
        precondition(bias.map { $0.count == outputs } ?? true, "\(bias?.count ?? 0) biases for \(outputs) outputs")
        self.inputs = inputs
        self.outputs = outputs
        let packed = FloatBuffer(count: attar_pack_f32_size(outputs, inputs))
        weight.withUnsafeBufferPointer {
            if let base = $0.baseAddress { attar_pack_f32(base, inputs, outputs, inputs, false, packed.start) }
        }
        self.packed = packed
        self.bias = bias.map { FloatBuffer($0) }
    }

    /// y `[rows, outputs]` = x `[rows, inputs]` Wᵀ + b; rows of x are contiguous, as are those of y.
    func apply(rows: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        attar_gemm_f32_packed(rows, outputs, inputs, x, inputs, packed.start, y, outputs, bias?.start, false)
    }
}
