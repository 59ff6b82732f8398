import AttarStorage

/// Reads the header of a GGUF file front to back; no step leaves the file, and nothing is allocated before the bytes
/// that fill it are known to be there.
struct GGUFCursor {
    /// Arrays in arrays in arrays: how deep they may nest. Real files do not nest at all.
    static let deepestNesting = 8
    /// The longest key or tensor's name, which is the specification's limit for keys.
    static let longestName = 65_535

    /// The types of metadata values (`enum gguf_type`).
    enum ValueType: UInt32 {
        case uint8 = 0, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

        /// The fewest bytes that one value takes.
        var minimumBytes: Int {
            switch self {
            case .uint8, .int8, .bool: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64, .string: 8
            case .array: 12
            }
        }
    }

    let bytes: UnsafeRawBufferPointer
    let path: String
    private(set) var position = 0

    init(bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
    }

    /// The bytes that are left.
    var remaining: Int { bytes.count - position }

    /// A whole number.
    ///
    /// - Parameter what: its name in the message, when the file ends before it.
    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ what: String) throws -> Integer {
        let field = try take(MemoryLayout<Integer>.size, what)
        return Integer(littleEndian: field.loadUnaligned(as: Integer.self))
    }

    /// A count of things that take at least `minimumBytes` each: refused when the file cannot hold so many.
    mutating func count(of things: String, minimumBytes: Int) throws -> Int {
        let claimed: UInt64 = try integer("the number of " + things)
        guard let count = Int(exactly: claimed), count <= remaining / minimumBytes else {
            throw failure(
                "\(claimed) \(things) are claimed, of \(minimumBytes) bytes or more each, but only \(remaining) bytes "
                    + "follow: it is truncated or no sound file. Fetch it again")
        }
        return count
    }

    /// A string: its length (64 bits) and its UTF-8.
    mutating func string(_ what: String, longest: Int = .max) throws -> String {
        let length: UInt64 = try integer(what)
        guard length <= UInt64(longest) else {
            throw failure("\(what) claims \(length) bytes; \(longest) are allowed")
        }
        guard length <= UInt64(remaining) else {
            throw failure(
                "\(what) claims \(length) bytes, but only \(remaining) follow: it is truncated or no sound file. Fetch it "
                    + "again")
        }
        let text = try take(Int(length), what)
        guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("\(what), the \(length) bytes before, is not valid UTF-8")
        }
        return string
    }

    /// A key or a tensor's name.
    mutating func name(_ what: String) throws -> String {
        let name = try string(what, longest: Self.longestName)
        guard !name.isEmpty else { throw failure("\(what) is empty") }
        return name
    }

    /// A metadata value: its type (32 bits) and its content.
    mutating func value(of key: String) throws -> GGUF.Value {
        switch try valueType(of: key) {
        case .uint8: .uint8(try integer(key))
        case .int8: .int8(try integer(key))
        case .uint16: .uint16(try integer(key))
        case .int16: .int16(try integer(key))
        case .uint32: .uint32(try integer(key))
        case .int32: .int32(try integer(key))
        case .uint64: .uint64(try integer(key))
        case .int64: .int64(try integer(key))
        case .float32: .float32(Float(bitPattern: try integer(key)))
        case .float64: .float64(Double(bitPattern: try integer(key)))
        case .bool: .bool(try bool(key))
        case .string: .string(try string("the value of \"\(key)\""))
        case .array: .array(try elements(of: key, depth: 1))
        }
    }

    /// An array: the elements' type (32 bits), their number (64 bits), and they themselves.
    private mutating func elements(of key: String, depth: Int) throws -> GGUF.Elements {
        guard depth <= Self.deepestNesting else {
            throw failure("the arrays of \"\(key)\" nest deeper than \(Self.deepestNesting)")
        }
        let type = try valueType(of: key)
        let count = try count(of: "elements of \"\(key)\"", minimumBytes: type.minimumBytes)
        switch type {
        case .uint8: return .uint8(try numbers(count, key))
        case .int8: return .int8(try numbers(count, key))
        case .uint16: return .uint16(try numbers(count, key))
        case .int16: return .int16(try numbers(count, key))
        case .uint32: return .uint32(try numbers(count, key))
        case .int32: return .int32(try numbers(count, key))
        case .uint64: return .uint64(try numbers(count, key))
        case .int64: return .int64(try numbers(count, key))
        case .float32: return .float32(try numbers(count, key))
        case .float64: return .float64(try numbers(count, key))
        case .bool: return .bool(try (0..<count).map { _ in try bool(key) })
        case .string: return .string(try strings(count, key))
        case .array: return .array(try arrays(count, key, depth: depth))
        }
    }

    /// Numbers as they stand; processors that Attar runs on are little-endian, as the file is.
    private mutating func numbers<Number: BitwiseCopyable>(_ count: Int, _ key: String) throws -> [Number] {
        let source = try take(count * MemoryLayout<Number>.size, "the elements of \"\(key)\"")
        return [Number](unsafeUninitializedCapacity: count) { target, initialized in
            UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            initialized = count
        }
    }

    private mutating func strings(_ count: Int, _ key: String) throws -> [String] {
        let what = "an element of \"\(key)\""
        return try (0..<count).map { _ in try string(what) }
    }

    private mutating func arrays(_ count: Int, _ key: String, depth: Int) throws -> [GGUF.Elements] {
        try (0..<count).map { _ in try elements(of: key, depth: depth + 1) }
    }

    private mutating func bool(_ key: String) throws -> Bool {
        let byte: UInt8 = try integer(key)
        guard byte <= 1 else { throw failure("\"\(key)\" has the truth value \(byte); 0 and 1 are allowed") }
        return byte == 1
    }

    private mutating func valueType(of key: String) throws -> ValueType {
        let number: UInt32 = try integer("the type of \"\(key)\"")
        guard let type = ValueType(rawValue: number) else {
            throw failure("\"\(key)\" has the unknown value type \(number); 0 to 12 are known")
        }
        return type
    }

    /// The next bytes.
    private mutating func take(_ count: Int, _ what: String) throws -> UnsafeRawBufferPointer {
        guard count <= remaining else {
            throw failure("the file ends inside \(what): it is truncated. Fetch it again")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    func failure(_ detail: String) -> TensorError {
        TensorError.file(.corrupt, path: path, "the header is wrong at its byte \(position): \(detail).")
    }
}
