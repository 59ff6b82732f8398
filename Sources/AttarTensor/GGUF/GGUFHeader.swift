import AttarStorage

/// Where the tensors of a GGUF file stand: the checked content of its header.
///
/// The file is: magic, version, number of tensors, number of metadata entries, the entries, what is said of each tensor
/// (name, extents, type, offset), padding, data. All is little-endian. Source: the specification `docs/gguf.md` in
/// ggml, and `gguf.cpp` there where the specification is silent. Version 1 had 32-bit counts; 3 added only big-endian
/// files.
struct GGUFHeader {
    /// "GGUF" as a little-endian number.
    private static let magic: UInt32 = 0x4655_4747
    /// Bytes of the shortest metadata entry (a key of one byte, a type, one byte) and of the shortest tensor's entry.
    private static let shortestEntries = (metadata: 14, tensor: 25)
    /// `GGML_MAX_DIMS`.
    private static let mostDimensions: UInt32 = 4
    private static let defaultAlignment = 32

    /// One tensor as the header describes it.
    private struct RawTensor {
        var name: String
        var shape: [Int]
        var type: GGUF.ElementType
        var offset: UInt64
    }

    private(set) var version = 0
    private(set) var alignment = defaultAlignment
    private(set) var metadata: [String: GGUF.Value] = [:]
    private(set) var entries: [String: GGUF.Entry] = [:]
    private let path: String

    /// - Throws: `TensorError` when the header breaks a rule.
    /// - Complexity: O(header + tensors · log(tensors)).
    init(file: UnsafeRawBufferPointer, path: String) throws {
        self.path = path
        var cursor = GGUFCursor(bytes: file, path: path)
        version = try Self.version(&cursor)
        let tensorCount = try cursor.count(of: "tensors", minimumBytes: Self.shortestEntries.tensor)
        let metadataCount = try cursor.count(of: "metadata entries", minimumBytes: Self.shortestEntries.metadata)
        for _ in 0..<metadataCount { try readMetadata(&cursor) }
        alignment = try checkedAlignment()
        let tensors = try (0..<tensorCount).map { _ in try Self.tensor(&cursor) }
        let data = try dataStart(after: cursor.position)
        for tensor in tensors {
            let entry = try entry(tensor, data: data, fileSize: file.count)
            guard entries.updateValue(entry, forKey: tensor.name) == nil else {
                throw failure(tensor.name, "it stands twice in the header.")
            }
        }
        try checkOverlap()
    }

    private static func version(_ cursor: inout GGUFCursor) throws -> Int {
        let path = cursor.path
        let found: UInt32 = try cursor.integer("the magic number")
        guard found == magic else {
            let word = String(found, radix: 16)
            throw TensorError.file(
                .corrupt, path: path, "it begins with 0x\(word), not with \"GGUF\" (0x46554747): it is no GGUF file.")
        }
        let version: UInt32 = try cursor.integer("the version")
        switch version {
        case 2, 3: return Int(version)
        case 0, 1:
            throw TensorError.file(
                .mismatch, path: path,
                "it has version \(version) of GGUF; 2 and 3 are read. Convert it with llama.cpp.")
        case _ where version.byteSwapped <= 0xFFFF:
            throw TensorError.file(
                .mismatch, path: path,
                "it is big-endian (version \(version.byteSwapped)); only little-endian files are read.")
        default:
            throw TensorError.file(.newerVersion, path: path, "it has version \(version) of GGUF; 2 and 3 are read.")
        }
    }

    private mutating func readMetadata(_ cursor: inout GGUFCursor) throws {
        let key = try cursor.name("a metadata key")
        let value = try cursor.value(of: key)
        guard metadata.updateValue(value, forKey: key) == nil else {
            throw cursor.failure("the metadata has \"\(key)\" twice")
        }
    }

    private func checkedAlignment() throws -> Int {
        guard let value = metadata["general.alignment"] else { return Self.defaultAlignment }
        guard case .uint32(let alignment) = value, alignment > 0, alignment & (alignment - 1) == 0 else {
            let found = value.integer.map(String.init) ?? value.kind
            throw TensorError.file(
                .corrupt, path: path, "general.alignment is \(found); a power of two in 32 bits was expected.")
        }
        return Int(alignment)
    }

    private static func tensor(_ cursor: inout GGUFCursor) throws -> RawTensor {
        let name = try cursor.name("a tensor's name")
        let dimensions: UInt32 = try cursor.integer("the number of dimensions of \"\(name)\"")
        guard dimensions <= mostDimensions else {
            throw cursor.failure("the tensor \"\(name)\" has \(dimensions) dimensions; \(mostDimensions) are allowed")
        }
        var shape: [Int] = []
        for _ in 0..<dimensions {
            let extent: UInt64 = try cursor.integer("the extents of \"\(name)\"")
            guard extent > 0, let extent = Int(exactly: extent) else {
                throw cursor.failure("the tensor \"\(name)\" has the extent \(extent); 1 to \(Int.max) are allowed")
            }
            shape.append(extent)
        }
        let number: UInt32 = try cursor.integer("the type of \"\(name)\"")
        guard let type = GGUF.ElementType(rawValue: number) else { throw unknownType(number, name, cursor.path) }
        let offset: UInt64 = try cursor.integer("the offset of \"\(name)\"")
        return RawTensor(name: name, shape: shape.reversed(), type: type, offset: offset)
    }

    private static func unknownType(_ number: UInt32, _ tensor: String, _ path: String) -> TensorError {
        let known = GGUF.ElementType.allCases.map(\.name).joined(separator: ", ")
        let name = GGUF.ElementType.name(ofNumber: number)
        return TensorError.file(
            .mismatch, path: path, tensor: tensor, "its type is \(name), which cannot be read; these can: \(known).")
    }

    /// The first multiple of the alignment behind the header.
    private func dataStart(after header: Int) throws -> Int {
        let (sum, overflow) = header.addingReportingOverflow(alignment - 1)
        guard !overflow else { throw TensorError.file(.corrupt, path: path, "its alignment \(alignment) is absurd.") }
        return sum / alignment * alignment
    }

    private func entry(_ raw: RawTensor, data: Int, fileSize: Int) throws -> GGUF.Entry {
        let size = try byteCount(raw)
        guard raw.offset % UInt64(alignment) == 0 else {
            throw failure(raw.name, "its offset \(raw.offset) is no multiple of the alignment, \(alignment).")
        }
        let available = max(0, fileSize - data)
        guard let offset = Int(exactly: raw.offset), offset <= available, size <= available - offset else {
            throw failure(
                raw.name,
                "it needs \(size) bytes from byte \(raw.offset) of the data, but the file holds \(available) bytes of "
                    + "data: it is truncated, or its header is wrong. Fetch it again.")
        }
        return GGUF.Entry(type: raw.type, shape: raw.shape, bytes: (data + offset)..<(data + offset + size))
    }

    /// The bytes of all the tensor's blocks. When they can be counted, so can its elements, or reading them is refused
    /// before anything is allocated: a block has more bytes than one for each 2 numbers.
    private func byteCount(_ raw: RawTensor) throws -> Int {
        let width = raw.shape.last ?? 1
        let (blocksInRow, rest) = width.quotientAndRemainder(dividingBy: raw.type.blockElements)
        guard rest == 0 else {
            throw failure(
                raw.name,
                "its rows have \(width) numbers, which is no multiple of the \(raw.type.blockElements) in a block of "
                    + "\(raw.type.name).")
        }
        var size = raw.type.blockBytes
        for factor in [blocksInRow] + raw.shape.dropLast() {
            let (product, overflow) = size.multipliedReportingOverflow(by: factor)
            guard !overflow else {
                throw failure(raw.name, "the shape \(raw.shape) has more elements than can be counted.")
            }
            size = product
        }
        return size
    }

    private func checkOverlap() throws {
        let order = entries.sorted { ($0.value.bytes.lowerBound, $0.key) < ($1.value.bytes.lowerBound, $1.key) }
        for (first, second) in zip(order, order.dropFirst())
        where second.value.bytes.lowerBound < first.value.bytes.upperBound {
            throw failure(second.key, "its bytes overlap those of \"\(first.key)\".")
        }
    }

    private func failure(_ tensor: String, _ detail: String) -> TensorError {
        TensorError.file(.corrupt, path: path, tensor: tensor, detail)
    }
}
