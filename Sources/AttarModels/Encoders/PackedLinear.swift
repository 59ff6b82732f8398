import AttarTensor
import CAttarKernels

/// A linear layer y = x Wᵀ + b for inference: W stands in the precision and the order in which the kernel reads it.
struct PackedLinear: Sendable {
    private enum Weights: Sendable {
        case float32(AlignedBuffer<Float>)
        case bfloat16(AlignedBuffer<UInt16>)
        case int8(AlignedBuffer<Int8>)
    }

    /// The width of x.
    let inputs: Int
    /// The width of y.
    let outputs: Int
    private let weights: Weights
    private let bias: FloatBuffer?

    /// Packs a weight matrix `[outputs, inputs]`, and a bias `[outputs]`.
    init(weight: [Float], bias: [Float]?, outputs: Int, inputs: Int, precision: Precision = .float32) {
        self = weight.withUnsafeBufferPointer {
            PackedLinear(weight: $0, bias: bias, outputs: outputs, inputs: inputs, precision: precision)
        }
    }

    /// Packs a weight matrix `[outputs, inputs]`, and a bias `[outputs]`.
    init(
        weight: UnsafeBufferPointer<Float>, bias: [Float]?, outputs: Int, inputs: Int, precision: Precision = .float32
    ) {
        precondition(weight.count == outputs * inputs, "\(weight.count) weights for \(outputs) x \(inputs)")
        precondition(bias.map { $0.count == outputs } ?? true, "\(bias?.count ?? 0) biases for \(outputs) outputs")
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias.map { FloatBuffer($0) }
        switch precision {
        case .float32: weights = .float32(.packed(weight, outputs: outputs, inputs: inputs))
        case .bfloat16: weights = .bfloat16(.packed(bfloat16: weight, outputs: outputs, inputs: inputs))
        case .int8:
            let packed = AlignedBuffer<Int8>(count: attar_pack_i8_size(outputs, inputs))
            attar_pack_i8(weight.baseAddress, inputs, outputs, inputs, packed.start)
            weights = .int8(packed)
        }
    }

    /// Packs weight matrices of bytes, below each other, and a bias `[outputs]`: a layer in `int8`.
    ///
    /// - Parameter rows: which rows of each matrix; nil for all.
    init(bytes matrices: [ScaledBytes], rows: Range<Int>? = nil, bias: [Float]?) {
        let parts = matrices.map { (matrix: $0, rows: rows ?? 0..<$0.rows) }
        let (outputs, inputs) = (parts.reduce(0) { $0 + $1.rows.count }, matrices.first?.columns ?? 0)
        precondition(matrices.allSatisfy { $0.columns == inputs }, "matrices of several widths below each other")
        precondition(bias.map { $0.count == outputs } ?? true, "\(bias?.count ?? 0) biases for \(outputs) outputs")
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias.map { FloatBuffer($0) }
        var (codes, scales): ([Int8], [Float]) = ([], [])
        codes.reserveCapacity(outputs * inputs)
        for part in parts {
            codes += part.matrix.codes.elements[part.rows.lowerBound * inputs..<part.rows.upperBound * inputs]
            scales += part.matrix.scales[part.rows]
        }
        let packed = AlignedBuffer<Int8>(count: attar_pack_i8_size(outputs, inputs))
        attar_pack_i8_codes(codes, inputs, scales, outputs, inputs, packed.start)
        weights = .int8(packed)
    }

    /// y `[rows, outputs]` = x `[rows, inputs]` Wᵀ + b; rows of x are contiguous, as are those of y.
    ///
    /// - Parameter scratch: where x waits in the layer's precision; not used in fp32.
    func apply(
        rows: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, scratch: LinearScratch
    ) {
        switch weights {
        case .float32(let packed):
            attar_gemm_f32_packed(rows, outputs, inputs, x, inputs, packed.start, y, outputs, bias?.start, false)
        case .bfloat16(let packed):
            let stride = (inputs + 1) / 2 * 2
            let rounded = scratch.bfloat16(count: rows * stride)
            attar_bf16_rows(x, inputs, rows, inputs, rounded, stride)
            attar_gemm_bf16_packed(
                rows, outputs, inputs, rounded, stride, packed.start, y, outputs, bias?.start, false)
        case .int8(let packed):
            let (codes, scales, zeros) = scratch.bytes(count: rows * ((inputs + 3) / 4 * 4), rows: rows)
            attar_quantize_rows_u8(x, inputs, rows, inputs, codes, scales, zeros)
            attar_gemm_i8_packed(
                rows, outputs, inputs, codes, scales, zeros, packed.start, y, outputs, bias?.start)
        }
    }
}

extension AlignedBuffer<Float> {
    /// A weight matrix `[outputs, inputs]` in the order in which products in fp32 read it.
    static func packed(_ weight: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int) -> AlignedBuffer {
        let packed = AlignedBuffer(count: attar_pack_f32_size(outputs, inputs))
        attar_pack_f32(weight.baseAddress, inputs, outputs, inputs, false, packed.start)
        return packed
    }
}

extension AlignedBuffer<UInt16> {
    /// The same for products in bfloat16.
    static func packed(bfloat16 weight: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int) -> AlignedBuffer {
        let packed = AlignedBuffer(count: attar_pack_bf16_size(outputs, inputs))
        attar_pack_bf16(weight.baseAddress, inputs, outputs, inputs, false, packed.start)
        return packed
    }
}

/// Where the left side of a product waits in the precision of the layer. It grows to the largest it has met.
final class LinearScratch: @unchecked Sendable {
    private var words = AlignedBuffer<UInt16>(count: 0)
    private var codes = AlignedBuffer<UInt8>(count: 0)
    private var scales = AlignedBuffer<Float>(count: 0)
    private var zeros = AlignedBuffer<Int32>(count: 0)

    func bfloat16(count: Int) -> UnsafeMutablePointer<UInt16> {
        if words.count < count { words = AlignedBuffer(count: count) }
        return words.start
    }

    func bytes(count: Int, rows: Int) -> (
        codes: UnsafeMutablePointer<UInt8>, scales: UnsafeMutablePointer<Float>, zeros: UnsafeMutablePointer<Int32>
    ) {
        if codes.count < count { codes = AlignedBuffer(count: count) }
        if scales.count < rows {
            scales = AlignedBuffer(count: rows)
            zeros = AlignedBuffer(count: rows)
        }
        return (codes.start, scales.start, zeros.start)
    }
}
