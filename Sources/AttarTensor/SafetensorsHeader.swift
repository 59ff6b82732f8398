import AttarStorage

/// Where the tensors of a safetensors file stand: the checked content of its JSON header.
///
/// The file is: header length (64 bits, little-endian), header, data. The header is one JSON object that maps each
/// tensor's name to `dtype`, `shape` and `data_offsets` (first byte and byte after the last, counted from the data's
/// start), and `__metadata__` to a map of strings.
struct SafetensorsHeader {
    /// The longest header that is read; real ones have some kilobytes.
    static let maximumLength = 100 << 20

    var entries: [String: Safetensors.Entry] = [:]
    var metadata: [String: String] = [:]

    init(file: UnsafeRawBufferPointer, path: String) throws {
        let data = try Self.dataStart(of: file, path: path)
        var parser = SafetensorsHeaderParser(bytes: UnsafeRawBufferPointer(rebasing: file[8..<data]), path: path)
        try parser.parse()
        metadata = parser.metadata
        for raw in parser.tensors {
            let entry = try Self.entry(raw, data: data, fileSize: file.count, path: path)
            guard entries.updateValue(entry, forKey: raw.name) == nil else {
                throw TensorError.file(.corrupt, path: path, tensor: raw.name, "it stands twice in the header.")
            }
        }
        try checkOverlap(path: path)
        let end = entries.values.map(\.bytes.upperBound).max() ?? data
        guard end == file.count else {
            throw TensorError.file(
                .corrupt, path: path,
                "\(file.count - end) bytes at the end belong to no tensor: its header is wrong. Fetch it again.")
        }
    }

    private static func dataStart(of file: UnsafeRawBufferPointer, path: String) throws -> Int {
        guard file.count >= 8 else {
            throw TensorError.file(
                .corrupt, path: path, "\(file.count) bytes are no safetensors file; it begins with 8 bytes of length.")
        }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumLength) else {
            throw TensorError.file(
                .corrupt, path: path,
                "the header claims \(length) bytes, where at most \(maximumLength) are allowed: no safetensors file.")
        }
        guard 8 + Int(length) <= file.count else {
            throw TensorError.file(
                .corrupt, path: path,
                "the header claims \(length) bytes, but the file has \(file.count): it is truncated. Fetch it again.")
        }
        return 8 + Int(length)
    }

    private static func entry(
        _ raw: SafetensorsHeaderParser.RawTensor, data: Int, fileSize: Int, path: String
    ) throws -> Safetensors.Entry {
        func failure(_ kind: TensorError.Kind, _ detail: String) -> TensorError {
            TensorError.file(kind, path: path, tensor: raw.name, detail)
        }
        guard let type = Safetensors.ElementType(rawValue: raw.type) else {
            throw failure(.mismatch, "the type \"\(raw.type)\" is unknown.")
        }
        let available = fileSize - data
        guard raw.start <= raw.end, raw.end <= available else {
            throw failure(
                .corrupt,
                "its bytes are said to be \(raw.start) to \(raw.end), but the file holds \(available) bytes of data: "
                    + "it is truncated, or its header is wrong. Fetch it again.")
        }
        var size = type.width
        for extent in raw.shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow else {
                throw failure(.corrupt, "the shape \(raw.shape) has more elements than can be counted.")
            }
            size = product
        }
        guard size == raw.end - raw.start else {
            throw failure(
                .corrupt,
                "the shape \(raw.shape) of \(type.rawValue) needs \(size) bytes, the offsets give \(raw.end - raw.start)."
            )
        }
        return Safetensors.Entry(type: type, shape: raw.shape, bytes: (data + raw.start)..<(data + raw.end))
    }

    private func checkOverlap(path: String) throws {
        let order = entries.filter { !$0.value.bytes.isEmpty }.sorted {
            ($0.value.bytes.lowerBound, $0.key) < ($1.value.bytes.lowerBound, $1.key)
        }
        for (first, second) in zip(order, order.dropFirst())
        where second.value.bytes.lowerBound < first.value.bytes.upperBound {
            throw TensorError.file(
                .corrupt, path: path, tensor: second.key, "its bytes overlap those of \"\(first.key)\".")
        }
    }
}
