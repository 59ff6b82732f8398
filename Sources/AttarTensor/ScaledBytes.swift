/// A matrix in a safetensors file as bytes with a scale a row: the element (i, j) is `scales[i] · codes[i, j]`.
///
/// It is what the library compressed-tensors calls `int-quantized` with a scale a channel: beside the tensor `NAME` of
/// the type I8 stands `NAME_scale`, `[rows, 1]`.
public struct ScaledBytes: Sendable {
    /// The end of the name of the tensor with the scales.
    public static let scaleSuffix = "_scale"

    /// The number of rows.
    public let rows: Int
    /// The number of columns.
    public let columns: Int
    /// `[rows, columns]`, where they stand in the file.
    public let codes: MappedTensor<Int8>
    /// `[rows]`, finite and above 0.
    public let scales: [Float]

    /// Some rows as floats, one behind the other.
    public func floats(ofRows range: Range<Int>) -> [Float] {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return [Float](unsafeUninitializedCapacity: range.count * columns) { target, count in
            count = range.count * columns
            guard count > 0, let base = target.baseAddress else { return }
            for (place, row) in range.enumerated() { copyFloats(ofRow: row, to: base + place * columns) }
        }
    }

    /// One row as floats, `[columns]`.
    public func copyFloats(ofRow row: Int, to target: UnsafeMutablePointer<Float>) {
        guard let base = codes.elements.baseAddress else { return }
        Self.scale(base + row * columns, by: scales[row], count: columns, to: target)
    }

    /// `target[i] = scale · codes[i]`, each rounded once: the same bits wherever bytes become floats.
    public static func scale(
        _ codes: UnsafePointer<Int8>, by scale: Float, count: Int, to target: UnsafeMutablePointer<Float>
    ) {
        for index in 0..<count { target[index] = scale * Float(codes[index]) }
    }
}

extension Safetensors {
    /// A matrix of bytes with a scale a row; nil when the tensor has another type than I8.
    ///
    /// - Throws: `TensorError`: `missing` without its scales, `mismatch` for another shape of either, `corrupt` for a
    ///   scale that is not finite or not above 0; each names the file and the tensor.
    /// - Complexity: O(rows); the bytes stay where they are.
    public func scaledBytes(named name: String, shape: [Int]? = nil) throws -> ScaledBytes? {
        let entry = try entry(named: name, shape: shape)
        guard entry.type == .int8, let codes: MappedTensor<Int8> = mappedElements(of: entry) else { return nil }
        guard entry.shape.count == 2 else {
            throw TensorError.file(
                .mismatch, path: path, tensor: name,
                "it holds I8, which is read as a matrix with a scale a row; its shape is \(entry.shape).")
        }
        let (rows, columns) = (entry.shape[0], entry.shape[1])
        return ScaledBytes(rows: rows, columns: columns, codes: codes, scales: try scales(of: name, rows: rows))
    }

    private func scales(of name: String, rows: Int) throws -> [Float] {
        let scaleName = name + ScaledBytes.scaleSuffix
        guard entries[scaleName] != nil else {
            throw TensorError.file(
                .missing, path: path, tensor: name,
                "it holds I8, but \"\(scaleName)\", the scales of its \(rows) rows, is not there. "
                    + "Quantize the model again.")
        }
        _ = try floatEntry(named: scaleName, shape: [rows, 1])
        let scales = try floats(named: scaleName)
        if let row = scales.firstIndex(where: { $0 <= 0 }) {
            throw TensorError.file(
                .corrupt, path: path, tensor: scaleName,
                "the scale of row \(row) is \(scales[row]), where scales must be above 0. Quantize the model again.")
        }
        return scales
    }
}
