import AttarStorage
import CAttarKernels

/// A safetensors file, memory-mapped: named tensors that are read only when asked for.
///
/// ```swift
/// let weights = try Safetensors(path: "model.safetensors")
/// let table = try weights.matrix(named: "embeddings.word_embeddings.weight")
/// ```
/// Everything in the header is checked when the file is opened; nothing in it can make a later read leave the file.
public final class Safetensors: TensorFile, Sendable {
    /// How a tensor's numbers are written.
    public enum ElementType: String, Sendable {
        case float64 = "F64", float32 = "F32", float16 = "F16", bfloat16 = "BF16"
        case int64 = "I64", int32 = "I32", int16 = "I16", int8 = "I8"
        case uint64 = "U64", uint32 = "U32", uint16 = "U16", uint8 = "U8", boolean = "BOOL"

        /// Bytes of one number.
        public var width: Int {
            switch self {
            case .float64, .int64, .uint64: 8
            case .float32, .int32, .uint32: 4
            case .float16, .bfloat16, .int16, .uint16: 2
            case .int8, .uint8, .boolean: 1
            }
        }
    }

    /// What the header says of one tensor.
    public struct Entry: TensorFileEntry, Sendable, Equatable {
        /// How its numbers are written.
        public let type: ElementType
        /// Its extents, outermost first; a scalar has none.
        public let shape: [Int]
        /// Where its bytes stand in the file.
        public let bytes: Range<Int>

        /// The number of its elements.
        public var count: Int { bytes.count / type.width }
    }

    /// The file.
    public let path: String
    /// The strings that the header carries along.
    public let metadata: [String: String]
    /// The tensors by name.
    public let entries: [String: Entry]
    let file: MappedFile

    /// Opens a file and checks its header.
    ///
    /// - Throws: `StorageError` when it cannot be opened, `TensorError` when it is no sound safetensors file.
    /// - Complexity: O(header).
    public init(path: String) throws {
        file = try MappedFile(path: path)
        let header = try SafetensorsHeader(file: file.bytes, path: path)
        self.path = path
        metadata = header.metadata
        entries = header.entries
    }

    /// The numbers of a tensor, as 32-bit floats in row-major order.
    ///
    /// - Parameter shape: the shape that the caller needs; nil takes any.
    /// - Throws: `TensorError`: `missing`, `mismatch` (shape, or a type that is not F32, F16, BF16 or I8 with scales),
    ///   or `corrupt` for numbers that are not finite.
    /// - Complexity: O(elements); the numbers are copied.
    public func floats(named name: String, shape: [Int]? = nil) throws -> [Float] {
        if let bytes = try scaledBytes(named: name, shape: shape) { return bytes.floats(ofRows: 0..<bytes.rows) }
        let entry = try floatEntry(named: name, shape: shape)
        let source = file.bytes[entry.bytes]
        let values = [Float](unsafeUninitializedCapacity: entry.count) { target, count in
            count = entry.count
            guard count > 0, let destination = target.baseAddress else { return }
            Self.convert(UnsafeRawBufferPointer(rebasing: source), entry.type, to: destination, count: count)
        }
        try values.withUnsafeBufferPointer { try TensorError.requireFinite($0, path: path, tensor: name) }
        return values
    }

    /// A tensor of whole numbers (I64 or I32).
    ///
    /// - Throws: `TensorError`: `missing`, `mismatch`.
    public func integers(named name: String) throws -> [Int] {
        let entry = try entry(named: name)
        let bytes = file.bytes[entry.bytes]
        return try (0..<entry.count).map { index in
            let at = bytes.startIndex + index * entry.type.width
            switch entry.type {
            case .int64: return Int(Int64(littleEndian: file.bytes.loadUnaligned(fromByteOffset: at, as: Int64.self)))
            case .int32: return Int(Int32(littleEndian: file.bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)))
            default:
                throw TensorError.file(
                    .mismatch, path: path, tensor: name, "it holds \(entry.type.rawValue), whole numbers were expected."
                )
            }
        }
    }

    /// A tensor's numbers where they stand in the file, if they are F32 and aligned; nil otherwise.
    ///
    /// - Throws: as `floats(named:shape:)`.
    /// - Complexity: O(elements) to look for numbers that are not finite; nothing is copied.
    public func mapped(named name: String, shape: [Int]? = nil) throws -> MappedFloats? {
        let entry = try entry(named: name, shape: shape)
        guard entry.type == .float32, let mapped: MappedFloats = mappedElements(of: entry) else { return nil }
        try TensorError.requireFinite(mapped.elements, path: path, tensor: name)
        return mapped
    }

    /// The bits of a tensor of type BF16 where they stand in the file, if they are aligned; nil otherwise.
    ///
    /// - Throws: as `floats(named:shape:)`.
    /// - Complexity: O(elements) to look for numbers that are not finite; nothing is copied.
    public func mappedBrainFloats(named name: String, shape: [Int]? = nil) throws -> MappedTensor<UInt16>? {
        let entry = try entry(named: name, shape: shape)
        guard entry.type == .bfloat16, let mapped: MappedTensor<UInt16> = mappedElements(of: entry) else { return nil }
        try TensorError.requireFinite(brainFloats: mapped.elements, path: path, tensor: name)
        return mapped
    }

    /// The elements of a tensor in the file; nil when they are not aligned.
    func mappedElements<Element: BitwiseCopyable>(of entry: Entry) -> MappedTensor<Element>? {
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.bytes])
        guard Int(bitPattern: bytes.baseAddress) % MemoryLayout<Element>.alignment == 0 else { return nil }
        return MappedTensor(file: file, elements: bytes.assumingMemoryBound(to: Element.self))
    }

    /// Calls `body` with a tensor's numbers: where they stand in the file if that is possible, else a converted copy.
    ///
    /// - Throws: as `floats(named:shape:)`, and what `body` throws.
    public func withFloats<Result>(
        named name: String, shape: [Int]? = nil, _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) throws -> Result {
        guard let mapped = try mapped(named: name, shape: shape) else {
            return try floats(named: name, shape: shape).withUnsafeBufferPointer(body)
        }
        return try withExtendedLifetime(mapped) { try body(mapped.elements) }
    }

    /// A tensor's bytes as they stand in the file.
    ///
    /// - Throws: `TensorError` of the kind `missing`.
    /// - Complexity: O(bytes).
    public func bytes(named name: String) throws -> [UInt8] {
        let range = try entry(named: name).bytes
        return file.withBytes { Array($0[range]) }
    }

    /// The SHA-256 of the whole file.
    ///
    /// - Complexity: O(bytes), about 0.05 s for 90 MB.
    public func digest() -> SHA256Digest {
        let hasher = SHA256Hasher()
        file.withBytes { hasher.update($0) }
        return hasher.finish()
    }

    func floatEntry(named name: String, shape: [Int]?) throws -> Entry {
        let entry = try entry(named: name, shape: shape)
        guard [.float32, .float16, .bfloat16].contains(entry.type) else {
            throw TensorError.file(
                .mismatch, path: path, tensor: name, "it holds \(entry.type.rawValue); F32, F16 or BF16 was expected.")
        }
        return entry
    }

    private static func convert(
        _ source: UnsafeRawBufferPointer, _ type: ElementType, to target: UnsafeMutablePointer<Float>, count: Int
    ) {
        guard let start = source.baseAddress else { return }
        guard type != .float32 else {
            UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: 4 * count)
            return
        }
        let words = start.assumingMemoryBound(to: UInt16.self)
        if type == .float16 {
            attar_f16_to_f32(words, target, count)
        } else {
            attar_bf16_to_f32(words, target, count)
        }
    }
}

/// Floats in a mapped file.
public typealias MappedFloats = MappedTensor<Float>

/// The elements of a tensor in a mapped file, kept alive together with the file.
public struct MappedTensor<Element: BitwiseCopyable>: @unchecked Sendable {
    private let file: MappedFile
    /// The elements, for kernels; valid only while this value lives.
    public let elements: UnsafeBufferPointer<Element>

    init(file: MappedFile, elements: UnsafeBufferPointer<Element>) {
        self.file = file
        self.elements = elements
    }
}
