import AttarTensor
import CAttarKernels

/// How the weights of a decoder's products are held.
public enum DecoderPrecision: String, Sendable, CaseIterable {
    /// 32-bit floats: what the file says, exactly.
    case float32 = "fp32"
    /// bfloat16 with float sums: half the memory and, on processors that have such products, half the time.
    case bfloat16 = "bf16"
}

/// A linear layer y = x Wᵀ + b of a decoder, whose columns are shared among threads.
struct DecoderLinear: Sendable {
    /// The width of x.
    let inputs: Int
    /// The width of y.
    let outputs: Int
    private let weights: Weights
    private let bias: FloatBuffer?

    private enum Weights: Sendable {
        case float32(FloatBuffer)
        case bfloat16(AlignedBuffer<UInt16>)
    }

    /// Columns are shared in multiples of this: a multiple of every kernel's panel width.
    static let columnUnit = 192

    /// Packs a weight matrix `[outputs, inputs]`, and a bias `[outputs]`.
    init(weight: [Float], bias: [Float]? = nil, outputs: Int, inputs: Int, precision: DecoderPrecision) {
        precondition(weight.count == outputs * inputs, "\(weight.count) weights for \(outputs) x \(inputs)")
        precondition(bias.map { $0.count == outputs } ?? true, "\(bias?.count ?? 0) biases for \(outputs) outputs")
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias.map { FloatBuffer($0) }
        switch precision {
        case .float32:
            let packed = FloatBuffer(count: attar_pack_f32_size(outputs, inputs))
            weight.withUnsafeBufferPointer {
                if let base = $0.baseAddress { attar_pack_f32(base, inputs, outputs, inputs, false, packed.start) }
            }
            weights = .float32(packed)
        case .bfloat16:
            let packed = AlignedBuffer<UInt16>(count: attar_pack_bf16_size(outputs, inputs))
            weight.withUnsafeBufferPointer {
                if let base = $0.baseAddress { attar_pack_bf16(base, inputs, outputs, inputs, false, packed.start) }
            }
            weights = .bfloat16(packed)
        }
    }

    /// y `[rows, outputs]` = x Wᵀ + b, or y += x Wᵀ + b; for some columns only.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`, prepared.
    ///   - stride: the floats from row to row of y.
    ///   - columns: which; they begin at a multiple of `columnUnit`.
    func apply(
        _ x: Activations, rows: Int, _ y: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>,
        accumulate: Bool = false
    ) {
        guard !columns.isEmpty else { return }
        let first = columns.lowerBound
        let biases = bias.map { UnsafePointer($0.start + first) }
        switch weights {
        case .float32(let packed):
            attar_gemm_f32_packed(
                rows, columns.count, inputs, x.floats.start, x.width, packed.start + first * inputs, y + first, stride,
                biases, accumulate)
        case .bfloat16(let packed):
            let depth = (inputs + 1) / 2 * 2
            attar_gemm_bf16_packed(
                rows, columns.count, inputs, x.narrow.start, depth, packed.start + first * depth, y + first, stride,
                biases, accumulate)
        }
    }
}

/// The left side of products `[rows, width]`: as floats, and in the form in which the weights want it.
struct Activations {
    let width: Int
    let floats: FloatBuffer
    /// The same in bfloat16, rows of even length; empty for other precisions.
    let narrow: AlignedBuffer<UInt16>
    private let precision: DecoderPrecision

    init(rows: Int, width: Int, precision: DecoderPrecision) {
        self.width = width
        self.precision = precision
        floats = FloatBuffer(count: rows * width)
        narrow = AlignedBuffer(count: precision == .bfloat16 ? rows * ((width + 1) / 2 * 2) : 0)
    }

    /// Makes the form that the weights want of some rows of floats.
    func prepare(_ rows: Range<Int>) {
        guard precision == .bfloat16, !rows.isEmpty else { return }
        let stride = (width + 1) / 2 * 2
        attar_bf16_rows(
            floats.start + rows.lowerBound * width, width, rows.count, width,
            narrow.start + rows.lowerBound * stride, stride)
    }
}
