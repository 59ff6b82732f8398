import AttarTensor
import CAttarKernels

/// A linear layer y = x Wᵀ + b of a decoder, whose columns are shared among threads; with a low-rank change at its
/// side, y += (x Aᵀ) Bᵀ.
struct DecoderLinear: Sendable {
    /// The width of x.
    let inputs: Int
    /// The width of y.
    let outputs: Int
    private let weights: Weights
    private let bias: FloatBuffer?
    /// What is added beside the weights.
    var change: DecoderChange?

    private enum Weights: Sendable {
        case float32(FloatBuffer)
        case bfloat16(AlignedBuffer<UInt16>)
        case blocks(attar_block_format, AlignedBuffer<UInt8>)
    }

    /// Columns are shared in multiples of this: a multiple of every kernel's panel width.
    static let columnUnit = 48

    /// Packs a weight matrix `[outputs, inputs]` of floats, and a bias `[outputs]`.
    init(weight: [Float], bias: [Float]?, outputs: Int, inputs: Int, isNarrow: Bool) {
        precondition(weight.count == outputs * inputs, "\(weight.count) weights for \(outputs) x \(inputs)")
        precondition(bias.map { $0.count == outputs } ?? true, "\(bias?.count ?? 0) biases for \(outputs) outputs")
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias.map { FloatBuffer($0) }
        weights = weight.withUnsafeBufferPointer { source in
            isNarrow
                ? .bfloat16(.packed(bfloat16: source, outputs: outputs, inputs: inputs))
                : .float32(.packed(source, outputs: outputs, inputs: inputs))
        }
    }

    /// Packs a weight matrix of blocks, its rows one behind the other.
    init(
        blocks: UnsafeRawBufferPointer, format: attar_block_format, bias: [Float]?, outputs: Int, inputs: Int
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.bias = bias.map { FloatBuffer($0) }
        let packed = AlignedBuffer<UInt8>(count: attar_pack_blocks_size(format, outputs, inputs))
        attar_pack_blocks(format, blocks.baseAddress, outputs, inputs, packed.start)
        weights = .blocks(format, packed)
    }

    /// The form in which it wants x.
    var form: Activations.Form {
        switch weights {
        case .float32: .floats
        case .bfloat16: .narrow
        case .blocks(let format, _): attar_blocks_group(format) == 16 ? .groupsOf16 : .groupsOf32
        }
    }

    /// y `[rows, outputs]` = x Wᵀ + b, for some columns only.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`, prepared in the layer's form.
    ///   - stride: the floats from row to row of y.
    ///   - columns: which; they begin at a multiple of `columnUnit`.
    func apply(
        _ x: Activations, rows: Int, _ y: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>
    ) {
        guard !columns.isEmpty else { return }
        multiply(x, rows: rows, y, stride: stride, columns: columns)
        change?.add(x.floats.start, rows: rows, y, stride: stride, columns: columns)
    }

    private func multiply(
        _ x: Activations, rows: Int, _ y: UnsafeMutablePointer<Float>, stride: Int, columns: Range<Int>
    ) {
        let first = columns.lowerBound
        let biases = bias.map { UnsafePointer($0.start + first) }
        switch weights {
        case .float32(let packed):
            attar_gemm_f32_packed(
                rows, columns.count, inputs, x.floats.start, x.width, packed.start + first * inputs, y + first, stride,
                biases, false)
        case .bfloat16(let packed):
            let depth = (inputs + 1) / 2 * 2
            attar_gemm_bf16_packed(
                rows, columns.count, inputs, x.narrow.start, depth, packed.start + first * depth, y + first, stride,
                biases, false)
        case .blocks(let format, let packed):
            let groups = form == .groupsOf16 ? x.groupsOf16 : x.groupsOf32
            attar_gemm_blocks_packed(
                format, rows, columns.count, inputs, groups.codes.start, groups.scales.start, groups.sums.start,
                packed.start + attar_pack_blocks_size(format, first, inputs), y + first, stride, biases)
        }
    }
}

/// The left side of products `[rows, width]`: as floats, and in the forms in which weights want it.
struct Activations {
    /// The forms, as a set.
    struct Form: OptionSet {
        let rawValue: Int
        static let floats = Form([])
        static let narrow = Form(rawValue: 1)
        static let groupsOf16 = Form(rawValue: 2)
        static let groupsOf32 = Form(rawValue: 4)
        /// Every one.
        static let all: Form = [.narrow, .groupsOf16, .groupsOf32]
    }

    /// Bytes with a scale and a sum a group.
    struct Groups {
        fileprivate let size: Int
        fileprivate let codes: AlignedBuffer<Int8>
        fileprivate let scales: FloatBuffer
        fileprivate let sums: AlignedBuffer<Int32>

        fileprivate init(size: Int, rows: Int, width: Int) {
            self.size = size
            codes = AlignedBuffer(count: rows * width)
            scales = AlignedBuffer(count: rows * (width / size))
            sums = AlignedBuffer(count: rows * (width / size))
        }
    }

    let width: Int
    let floats: FloatBuffer
    /// bfloat16, rows of even length.
    fileprivate let narrow: AlignedBuffer<UInt16>
    fileprivate let groupsOf16: Groups
    fileprivate let groupsOf32: Groups

    /// - Parameter forms: those that there must be room for.
    init(rows: Int, width: Int, forms: Form) {
        self.width = width
        floats = FloatBuffer(count: rows * width)
        narrow = AlignedBuffer(count: forms.contains(.narrow) ? rows * ((width + 1) / 2 * 2) : 0)
        groupsOf16 = Groups(size: 16, rows: forms.contains(.groupsOf16) ? rows : 0, width: width)
        groupsOf32 = Groups(size: 32, rows: forms.contains(.groupsOf32) ? rows : 0, width: width)
    }

    /// Makes some forms of some rows of floats.
    func prepare(_ rows: Range<Int>, _ forms: Form) {
        guard !rows.isEmpty else { return }
        let start = floats.start + rows.lowerBound * width
        if forms.contains(.narrow) {
            let stride = (width + 1) / 2 * 2
            attar_bf16_rows(start, width, rows.count, width, narrow.start + rows.lowerBound * stride, stride)
        }
        // The group's size alone decides what becomes of x; any format that has it will do.
        if forms.contains(.groupsOf16) { prepare(groupsOf16, ATTAR_BLOCKS_Q6_K, rows) }
        if forms.contains(.groupsOf32) { prepare(groupsOf32, ATTAR_BLOCKS_Q8_0, rows) }
    }

    private func prepare(_ groups: Groups, _ format: attar_block_format, _ rows: Range<Int>) {
        let first = rows.lowerBound, count = width / groups.size
        attar_quantize_groups_i8(
            format, floats.start + first * width, width, rows.count, width, groups.codes.start + first * width,
            groups.scales.start + first * count, groups.sums.start + first * count)
    }
}
