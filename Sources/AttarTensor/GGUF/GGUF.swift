import AttarStorage
import CAttarKernels

/// A GGUF file, memory-mapped: a model's metadata, and named tensors, mostly quantised, that are read only when asked
/// for.
///
/// ```swift
/// let model = try GGUF(path: "model.gguf")
/// let layers = try model.metadata.integer("llama.block_count")
/// let table = try model.matrix(named: "token_embd.weight")
/// ```
/// Versions 2 and 3, little-endian. Everything in the header is checked when the file is opened; nothing in it can make
/// a later read leave the file, and nothing is allocated for what a file merely claims to hold.
public final class GGUF: TensorFile, Sendable {
    /// What the header says of one tensor.
    public struct Entry: TensorFileEntry, Sendable, Equatable {
        /// How its numbers are written.
        public let type: ElementType
        /// Its extents, outermost first (the file has them innermost first); a scalar has none.
        public let shape: [Int]
        /// Where its blocks stand in the file.
        public let bytes: Range<Int>

        /// The number of its elements.
        public var count: Int { bytes.count / type.blockBytes * type.blockElements }
        /// The extent of the innermost dimension; 1 for a scalar.
        public var columns: Int { shape.last ?? 1 }
        /// How many rows of `columns` elements it has.
        public var rows: Int { count / columns }
        /// Bytes of one row, a whole number of blocks.
        public var rowBytes: Int { columns / type.blockElements * type.blockBytes }
    }

    /// The file.
    public let path: String
    /// The version of the format: 2 or 3.
    public let version: Int
    /// Every tensor's blocks begin at a multiple of this many bytes, counted from the start of the data.
    public let alignment: Int
    /// What the file says of its model.
    public let metadata: Metadata
    /// The tensors by name.
    public let entries: [String: Entry]
    private let file: MappedFile

    /// Opens a file and checks its header.
    ///
    /// - Throws: `StorageError` when it cannot be opened, `TensorError` when it is no sound GGUF file, or has a tensor
    ///   of a type that is not in `ElementType`.
    /// - Complexity: O(header + tensors · log(tensors)).
    public init(path: String) throws {
        let file = try MappedFile(path: path)
        let header = try file.withBytes { try GGUFHeader(file: $0, path: path) }
        self.file = file
        self.path = path
        version = header.version
        alignment = header.alignment
        metadata = Metadata(values: header.metadata, path: path)
        entries = header.entries
    }

    /// The numbers of a tensor, as 32-bit floats in row-major order, dequantised where need be.
    ///
    /// - Parameter shape: the shape that the caller needs; nil takes any.
    /// - Throws: `TensorError`: `missing`, `mismatch` (shape, or a type that is not read as floats), or `corrupt` for
    ///   numbers that are not finite.
    /// - Complexity: O(elements); at most 8 bytes are allocated for each byte of the tensor in the file.
    public func floats(named name: String, shape: [Int]? = nil) throws -> [Float] {
        try floats(named: name, rows: 0..<entry(named: name, shape: shape).rows)
    }

    /// The numbers of some neighbouring rows of a tensor: `rows.count` times the innermost extent, in row-major order.
    ///
    /// - Parameter rows: which, when all dimensions but the innermost are counted through; a range beyond the tensor is
    ///   refused.
    /// - Throws: as `floats(named:shape:)`, and `mismatch` for rows that are not there.
    /// - Complexity: O(elements of these rows).
    public func floats(named name: String, rows: Range<Int>) throws -> [Float] {
        let entry = try entry(named: name)
        guard let form = entry.type.floatForm else {
            throw TensorError.file(
                .mismatch, path: path, tensor: name,
                "it holds \(entry.type.name), floats or blocks of them were expected.")
        }
        guard rows.lowerBound >= 0, rows.upperBound <= entry.rows else {
            throw TensorError.file(
                .mismatch, path: path, tensor: name, "the rows \(rows) were asked for; it has \(entry.rows).")
        }
        let values = MappedBlocks(file: file, entry: entry).withUnsafeBytes(ofRows: rows) { source in
            [Float](unsafeUninitializedCapacity: rows.count * entry.columns) { target, count in
                guard let start = source.baseAddress, let destination = target.baseAddress else { return }
                count = rows.count * entry.columns
                Self.convert(start, form, to: destination, count: count, blockElements: entry.type.blockElements)
            }
        }
        try values.withUnsafeBufferPointer {
            try TensorError.requireFinite($0, path: path, tensor: name, first: rows.lowerBound * entry.columns)
        }
        return values
    }

    /// A tensor's bytes where they stand in the file, for kernels that work on blocks; of any type.
    ///
    /// - Throws: `TensorError` of the kind `missing`.
    /// - Complexity: O(1); nothing is read.
    public func blocks(named name: String) throws -> MappedBlocks {
        MappedBlocks(file: file, entry: try entry(named: name))
    }

    fileprivate static func convert(
        _ source: UnsafeRawPointer, _ form: ElementType.FloatForm, to target: UnsafeMutablePointer<Float>, count: Int,
        blockElements: Int
    ) {
        switch form {
        case .float32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * count)
        case .float16: attar_f16_to_f32(source.assumingMemoryBound(to: UInt16.self), target, count)
        case .bfloat16: attar_bf16_to_f32(source.assumingMemoryBound(to: UInt16.self), target, count)
        case .blocks(let format): attar_dequantize_blocks(format, source, count / blockElements, target)
        }
    }
}

/// A tensor's blocks in a mapped file, kept alive together with the file.
public struct MappedBlocks: Sendable {
    private let file: MappedFile
    /// Their type, and the tensor's shape.
    public let entry: GGUF.Entry

    init(file: MappedFile, entry: GGUF.Entry) {
        self.file = file
        self.entry = entry
    }

    /// Writes the numbers of one row as 32-bit floats: `entry.columns` of them. Nothing is allocated, and nothing is
    /// checked to be finite.
    ///
    /// - Precondition: the row is there, and the type is readable as floats.
    /// - Complexity: O(`entry.columns`).
    public func copyFloats(ofRow row: Int, to target: UnsafeMutablePointer<Float>) {
        guard let form = entry.type.floatForm else {
            preconditionFailure("a tensor of \(entry.type.name) was read as floats")
        }
        withUnsafeBytes(ofRows: row..<(row + 1)) { source in
            guard let start = source.baseAddress else { return }
            GGUF.convert(start, form, to: target, count: entry.columns, blockElements: entry.type.blockElements)
        }
    }

    /// Calls `body` with the bytes of some rows, `entry.rowBytes` each, which are valid only during the call.
    ///
    /// - Parameter rows: which; nil for all.
    /// - Precondition: the rows are there.
    /// - Complexity: O(1) and `body`.
    public func withUnsafeBytes<Result>(
        ofRows rows: Range<Int>? = nil, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let rows = rows ?? 0..<entry.rows
        precondition(rows.lowerBound >= 0 && rows.upperBound <= entry.rows, "rows \(rows) of \(entry.rows)")
        let start = entry.bytes.lowerBound + rows.lowerBound * entry.rowBytes
        return try file.withBytes { bytes in
            try body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + rows.count * entry.rowBytes)]))
        }
    }
}
