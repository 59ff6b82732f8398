/// A parser for exactly the JSON that a safetensors header may contain.
///
/// A general parser would silently keep the last of two equal keys, and would build values that the format does not
/// have. This one has no recursion, so no nesting can exhaust the stack.
struct SafetensorsHeaderParser {
    /// One tensor as the header describes it, unchecked but for signs.
    struct RawTensor {
        var name: String
        var type: String
        var shape: [Int]
        var start: Int
        var end: Int
    }

    /// A longer shape is refused while it is read, so that a header full of numbers does not become a larger array.
    private static let maximumDimensions = 16
    /// Longer names are refused: errors repeat them.
    private static let maximumNameBytes = 4096

    private(set) var tensors: [RawTensor] = []
    private(set) var metadata: [String: String] = [:]
    private let bytes: UnsafeRawBufferPointer
    private let path: String
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
    }

    mutating func parse() throws {
        try object { parser, name in
            if name == "__metadata__" {
                try parser.object { parser, key in
                    let value = try parser.string()
                    guard parser.metadata.updateValue(value, forKey: key) == nil else {
                        throw parser.failure("the metadata has \"\(key)\" twice")
                    }
                }
            } else {
                parser.tensors.append(try parser.tensor(named: name))
            }
        }
        skipSpace()
        guard position == bytes.count else { throw failure("there is more after the end of the header's object") }
    }

    private mutating func tensor(named name: String) throws -> RawTensor {
        guard name.utf8.count <= Self.maximumNameBytes else {
            throw failure("a tensor's name has \(name.utf8.count) bytes; \(Self.maximumNameBytes) are allowed")
        }
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try object { parser, key in
            switch key {
            case "dtype" where type == nil: type = try parser.string()
            case "shape" where shape == nil: shape = try parser.integers()
            case "data_offsets" where offsets == nil: offsets = try parser.integers()
            default: throw parser.failure("the tensor \"\(name)\" has an unknown or repeated entry \"\(key)\"")
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw failure("the tensor \"\(name)\" must have dtype, shape and two data_offsets")
        }
        return RawTensor(name: name, type: type, shape: shape, start: offsets[0], end: offsets[1])
    }

    // MARK: JSON

    private mutating func object(_ entry: (inout SafetensorsHeaderParser, String) throws -> Void) throws {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try entry(&self, key)
        } while take(",")
        try expect("}")
    }

    private mutating func integers() throws -> [Int] {
        try expect("[")
        var values: [Int] = []
        if take("]") { return values }
        repeat {
            guard values.count < Self.maximumDimensions else {
                throw failure("a list of more than \(Self.maximumDimensions) numbers; no tensor has so many dimensions")
            }
            values.append(try integer())
        } while take(",")
        try expect("]")
        return values
    }

    private mutating func integer() throws -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
            let (tens, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = tens.addingReportingOverflow(Int(bytes[position] - 0x30))
            guard !first, !second else { throw failure("a number is too large") }
            value = sum
            position += 1
        }
        guard position > start else { throw failure("a whole number that is not negative was expected") }
        return value
    }

    private mutating func string() throws -> String {
        try expect("\"")
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: content, as: UTF8.self) else {
                    throw failure("a string is not valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): content.append(contentsOf: try escape())
            case 0..<0x20: throw failure("a string contains a control character")
            default: content.append(byte)
            }
        }
        throw failure("a string does not end")
    }

    private mutating func escape() throws -> [UInt8] {
        guard position < bytes.count else { throw failure("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("a string has an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws -> [UInt8] {
        var units = [try hexadecimal()]
        if UTF16.isLeadSurrogate(units[0]), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        {
            position += 2
            units.append(try hexadecimal())
        }
        guard let character = String(validating: units, as: UTF16.self) else {
            throw failure("a string has half a surrogate pair")
        }
        return Array(character.utf8)
    }

    private mutating func hexadecimal() throws -> UInt16 {
        guard position + 4 <= bytes.count,
            let value = UInt16(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
        else { throw failure("an escape needs four hexadecimal digits") }
        position += 4
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw failure("\"\(character)\" was expected") }
    }

    private func failure(_ detail: String) -> TensorError {
        TensorError.file(.corrupt, path: path, "the header is wrong at its byte \(position): \(detail).")
    }
}
