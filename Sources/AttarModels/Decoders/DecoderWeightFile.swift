import AttarStorage
import AttarTensor
import AttarText
import CAttarKernels

/// Where the weights of a decoder stand: a GGUF file, or the safetensors of a Hugging Face folder.
///
/// The rows of query and key matrices come out in Hugging Face's order, in which the halves of a head turn together:
/// llama.cpp's converter interleaves them for the architecture `llama`, which is undone here.
enum DecoderWeightFile {
    case gguf(GGUF)
    /// The tensors of one file or of several shards, by name.
    case safetensors([String: Safetensors], path: String)

    /// The matrices and vectors of one layer.
    enum Part: String, CaseIterable {
        case attentionNorm = "attn_norm", query = "attn_q", key = "attn_k", value = "attn_v"
        case attentionOutput = "attn_output", feedForwardNorm = "ffn_norm", gate = "ffn_gate", up = "ffn_up"
        case down = "ffn_down"

        /// Its name in a Hugging Face folder.
        var folderName: String {
            switch self {
            case .attentionNorm: "input_layernorm"
            case .query: "self_attn.q_proj"
            case .key: "self_attn.k_proj"
            case .value: "self_attn.v_proj"
            case .attentionOutput: "self_attn.o_proj"
            case .feedForwardNorm: "post_attention_layernorm"
            case .gate: "mlp.gate_proj"
            case .up: "mlp.up_proj"
            case .down: "mlp.down_proj"
            }
        }
    }

    /// A tensor without the ending `.weight` or `.bias`.
    enum Place {
        case tokens, outputNorm, output
        case layer(Int, Part)
    }

    /// The name of a place in this kind of file.
    func name(_ place: Place) -> String {
        switch (self, place) {
        case (.gguf, .tokens): "token_embd"
        case (.gguf, .outputNorm): "output_norm"
        case (.gguf, .output): "output"
        case (.gguf, .layer(let layer, let part)): "blk.\(layer).\(part.rawValue)"
        case (.safetensors, .tokens): "model.embed_tokens"
        case (.safetensors, .outputNorm): "model.norm"
        case (.safetensors, .output): "lm_head"
        case (.safetensors, .layer(let layer, let part)): "model.layers.\(layer).\(part.folderName)"
        }
    }

    /// The file or folder, for messages.
    var path: String {
        switch self {
        case .gguf(let file): file.path
        case .safetensors(_, let path): path
        }
    }

    /// The numbers of a tensor, as 32-bit floats in row-major order.
    ///
    /// - Throws: `TensorError` when it is missing, has another shape, or holds numbers that are not finite.
    func floats(_ name: String, shape: [Int]) throws -> [Float] {
        switch self {
        case .gguf(let file): return try file.floats(named: name, shape: shape)
        case .safetensors(let files, let path):
            guard let file = files[name] else {
                throw TensorError(.missing, "\(path): there is no tensor \"\(name)\" among \(files.count).")
            }
            return try file.floats(named: name, shape: shape)
        }
    }

    /// The order in which the rows of a matrix are taken; nil for that of the file.
    func rowOrder(_ place: Place, _ shape: DecoderConfiguration) -> [Int]? {
        guard case .gguf = self, shape.architecture == .llama, case .layer(_, let part) = place else { return nil }
        switch part {
        case .query: return Self.halves(heads: shape.heads, headSize: shape.headSize)
        case .key: return Self.halves(heads: shape.keyValueHeads, headSize: shape.headSize)
        default: return nil
        }
    }

    /// From neighbours (x0 y0 x1 y1 …) to halves (x0 x1 … y0 y1 …), in each head.
    private static func halves(heads: Int, headSize: Int) -> [Int] {
        (0..<heads).flatMap { head in
            (0..<headSize).map { head * headSize + $0 % (headSize / 2) * 2 + $0 / (headSize / 2) }
        }
    }

    /// A matrix `[rows, columns]`, its rows in the order of Hugging Face.
    func matrix(_ place: Place, rows: Int, columns: Int, _ shape: DecoderConfiguration) throws -> [Float] {
        let values = try floats(name(place) + ".weight", shape: [rows, columns])
        return rowOrder(place, shape).map { Self.reordered(values, $0, columns: columns) } ?? values
    }

    /// Calls `body` with the blocks of a matrix `[rows, columns]`, its rows in the order of Hugging Face; nil when the
    /// file does not hold it as blocks.
    ///
    /// - Throws: `TensorError` when it is missing, or has another shape.
    func withBlocks<Result>(
        _ place: Place, rows: Int, columns: Int, _ shape: DecoderConfiguration,
        _ body: (attar_block_format, UnsafeRawBufferPointer) -> Result
    ) throws -> Result? {
        guard case .gguf(let file) = self else { return nil }
        let name = name(place) + ".weight"
        let entry = try file.entry(named: name, shape: [rows, columns])
        guard let format = entry.type.blockFormat else { return nil }
        let blocks = try file.blocks(named: name)
        guard let order = rowOrder(place, shape) else { return blocks.withUnsafeBytes { body(format, $0) } }
        var reordered: [UInt8] = []
        reordered.reserveCapacity(rows * entry.rowBytes)
        for row in order { blocks.withUnsafeBytes(ofRows: row..<(row + 1)) { reordered.append(contentsOf: $0) } }
        return reordered.withUnsafeBytes { body(format, $0) }
    }

    /// Whether the matrices of the layers are blocks.
    var holdsBlocks: Bool {
        guard case .gguf(let file) = self else { return false }
        return file.entries[name(.layer(0, .down)) + ".weight"]?.type.blockFormat != nil
    }

    /// A bias of the rows of a matrix, in the same order as they.
    func bias(_ place: Place, count: Int, _ shape: DecoderConfiguration) throws -> [Float] {
        let values = try floats(name(place) + ".bias", shape: [count])
        return rowOrder(place, shape).map { Self.reordered(values, $0, columns: 1) } ?? values
    }

    private static func reordered(_ values: [Float], _ order: [Int], columns: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(values.count)
        for row in order { result.append(contentsOf: values[(row * columns)..<((row + 1) * columns)]) }
        return result
    }
}

extension DecoderWeightFile {
    /// Opens the weights of a Hugging Face folder: `model.safetensors`, or the shards that an index names.
    ///
    /// - Throws: `ModelError` when there are none, `TensorError`, `StorageError`.
    static func safetensors(folder: String) throws -> DecoderWeightFile {
        let single = folder + "/model.safetensors"
        if try LocalFileSystem().exists(single) {
            let file = try Safetensors(path: single)
            return .safetensors(file.entries.mapValues { _ in file }, path: single)
        }
        guard let index = try ConfigurationFile(ifPresent: single + ".index.json") else {
            throw ModelError.missingFile(
                folder: folder, file: "model.safetensors",
                mend: "Save the model with safe serialisation: weights are read from safetensors only.")
        }
        var opened: [String: Safetensors] = [:]
        var tensors: [String: Safetensors] = [:]
        for member in index.value["weight_map"]?.members ?? [] {
            guard let shard = member.value.string, ModulePlan.isInside(shard), !shard.isEmpty else {
                throw ModelError.unsafePath(member.value.plainText)
            }
            let file = try opened[shard] ?? Safetensors(path: folder + "/" + shard)
            opened[shard] = file
            tensors[member.key] = file
        }
        return .safetensors(tensors, path: folder)
    }
}
