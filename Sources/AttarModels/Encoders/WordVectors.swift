import AttarStorage
import AttarTensor
import CAttarKernels

/// The word vectors of an encoder `[vocabulary, hidden]`, read row by row where they stand in the file, rounded as the
/// encoder's precision has it: to bfloat16, or to bytes with a scale a row.
///
/// A row of fp32 is rounded when it is read, one of a quantised file was rounded before: the numbers are the same.
struct WordVectors: Sendable {
    private enum Table: Sendable {
        case mapped(MappedFloats)
        case copied(FloatBuffer)
        case brainFloats(MappedTensor<UInt16>)
        case bytes(ScaledBytes)
    }

    /// The number of words.
    let rows: Int
    private let columns: Int
    private let table: Table
    private let precision: Precision
    /// What rows of the table are still rounded to.
    private let rounding: Precision

    /// - Throws: `TensorError`.
    init(_ file: Safetensors, named name: String, shape: [Int], precision: Precision) throws {
        rows = shape[0]
        columns = shape[1]
        self.precision = precision
        if let bytes = try file.scaledBytes(named: name, shape: shape) {
            table = .bytes(bytes)
            rounding = precision == .int8 ? .float32 : precision
        } else if let words = try file.mappedBrainFloats(named: name, shape: shape) {
            table = .brainFloats(words)
            rounding = precision == .bfloat16 ? .float32 : precision
        } else {
            table = try file.mapped(named: name, shape: shape).map { .mapped($0) }
                ?? .copied(FloatBuffer(try file.floats(named: name, shape: shape)))
            rounding = precision
        }
    }

    /// Writes the vector of a word, `[hidden]`.
    func copy(_ word: Int, to target: UnsafeMutablePointer<Float>) {
        copyUnrounded(word, to: target)
        switch rounding {
        case .float32: break
        case .bfloat16: roundToBrainFloats(target)
        case .int8: roundToBytes(target)
        }
    }

    /// The product of a state with some of the vectors, plus a bias, as a layer: what predicts words.
    ///
    /// It is packed from the file's numbers, so that nothing is rounded twice.
    func layer(of words: Range<Int>, bias: [Float]) -> PackedLinear {
        switch table {
        case .bytes(let bytes) where precision == .int8: return PackedLinear(bytes: [bytes], rows: words, bias: bias)
        case .mapped(let mapped):
            return layer(UnsafeBufferPointer(rebasing: mapped.elements[elements(words)]), bias)
        case .copied(let buffer):
            return layer(UnsafeBufferPointer(rebasing: buffer.elements[elements(words)]), bias)
        case .brainFloats, .bytes:
            return [Float](unsafeUninitializedCapacity: words.count * columns) { target, count in
                count = words.count * columns
                guard let base = target.baseAddress else { return }
                for (place, word) in words.enumerated() { copyUnrounded(word, to: base + place * columns) }
            }.withUnsafeBufferPointer { layer($0, bias) }
        }
    }

    private func layer(_ weight: UnsafeBufferPointer<Float>, _ bias: [Float]) -> PackedLinear {
        PackedLinear(weight: weight, bias: bias, outputs: bias.count, inputs: columns, precision: precision)
    }

    private func elements(_ words: Range<Int>) -> Range<Int> {
        words.lowerBound * columns..<words.upperBound * columns
    }

    private func copyUnrounded(_ word: Int, to target: UnsafeMutablePointer<Float>) {
        switch table {
        case .bytes(let bytes): bytes.copyFloats(ofRow: word, to: target)
        case .copied(let buffer): target.update(from: buffer.start + word * columns, count: columns)
        case .mapped(let mapped):
            guard let base = mapped.elements.baseAddress else { return }
            target.update(from: base + word * columns, count: columns)
        case .brainFloats(let words):
            guard let base = words.elements.baseAddress else { return }
            attar_bf16_to_f32(base + word * columns, target, columns)
        }
    }

    private func roundToBrainFloats(_ row: UnsafeMutablePointer<Float>) {
        let stride = (columns + 1) / 2 * 2
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: stride) { rounded in
            guard let base = rounded.baseAddress else { return }
            attar_bf16_rows(row, columns, 1, columns, base, stride)
            attar_bf16_to_f32(base, row, columns)
        }
    }

    private func roundToBytes(_ row: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Int8.self, capacity: columns) { codes in
            guard let base = codes.baseAddress else { return }
            var scale: Float = 0
            attar_quantize_i8(row, 1, columns, base, &scale)
            ScaledBytes.scale(base, by: scale, count: columns, to: row)
        }
    }
}
