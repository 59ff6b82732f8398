import AttarTensor

/// The token table of a decoder `[vocabulary, hidden]`: read row by row where it stands, quantised or not.
struct TokenVectors: Sendable {
    private enum Table: Sendable {
        case blocks(MappedBlocks)
        case floats(FloatBuffer)
        case mapped(MappedFloats)
    }

    private let table: Table
    private let columns: Int

    /// - Throws: `TensorError` when it is missing, has another shape, or another type than floats or blocks of them.
    init(_ file: DecoderWeightFile, _ shape: DecoderConfiguration) throws {
        let name = file.name(.tokens) + ".weight"
        let extents = [shape.vocabularySize, shape.hiddenSize]
        columns = shape.hiddenSize
        switch file {
        case .gguf(let gguf):
            let entry = try gguf.entry(named: name, shape: extents)
            guard entry.type.isReadableAsFloat else {
                throw TensorError(.mismatch, "\(gguf.path): tensor \"\(name)\" holds \(entry.type.name), not floats.")
            }
            table = .blocks(try gguf.blocks(named: name))
        case .safetensors(let files, _):
            if let mapped = try files[name]?.mapped(named: name, shape: extents) {
                table = .mapped(mapped)
            } else {
                table = .floats(FloatBuffer(try file.floats(name, shape: extents)))
            }
        }
    }

    /// Writes the vector of a token, `[hidden]`.
    func copy(_ token: Int, to target: UnsafeMutablePointer<Float>) {
        switch table {
        case .blocks(let blocks): blocks.copyFloats(ofRow: token, to: target)
        case .floats(let buffer): target.update(from: buffer.start + token * columns, count: columns)
        case .mapped(let mapped):
            guard let base = mapped.elements.baseAddress else { return }
            target.update(from: base + token * columns, count: columns)
        }
    }
}
