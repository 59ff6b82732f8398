import AttarStorage

/// Makes the bytes of a Protocol Buffers message, field by field; of the format, what CIFF needs.
///
/// See "Encoding", https://protobuf.dev/programming-guides/encoding/.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// Forgets all fields.
    mutating func reset() { bytes.removeAll(keepingCapacity: true) }

    /// Adds a whole number; 0 is left out, as readers take what is absent for it.
    mutating func add(_ field: Int, _ number: Int) {
        guard number != 0 else { return }
        bytes.append(UInt8(field << 3 | ProtobufWire.varint.rawValue))
        PostingBlock.appendVarint(UInt64(bitPattern: Int64(number)), to: &bytes)
    }

    /// Adds a floating-point number.
    mutating func add(_ field: Int, _ number: Double) {
        bytes.append(UInt8(field << 3 | ProtobufWire.fixed64.rawValue))
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Adds a text, or a message within the message.
    mutating func add(_ field: Int, _ content: some Collection<UInt8>) {
        bytes.append(UInt8(field << 3 | ProtobufWire.bytes.rawValue))
        PostingBlock.appendVarint(UInt64(content.count), to: &bytes)
        bytes.append(contentsOf: content)
    }

    /// Adds the fields of another writer.
    mutating func append(_ fields: ProtobufWriter) { bytes.append(contentsOf: fields.bytes) }

    /// The message behind its length, as `writeDelimitedTo` has it.
    var delimited: [UInt8] {
        var result: [UInt8] = []
        PostingBlock.appendVarint(UInt64(bytes.count), to: &result)
        return result + bytes
    }
}

/// How the value of a field lies in bytes.
enum ProtobufWire: Int {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
}

/// Reads Protocol Buffers from a file that comes piece by piece, plain or gzip.
///
/// A message is never held as a whole, and no length is believed: what is kept grows only with bytes that were read.
final class ProtobufStream {
    /// A field's number and how its value lies there.
    typealias Field = (number: Int, wire: ProtobufWire)

    /// The bytes that were read so far.
    private(set) var position = 0
    let path: String
    private let reader: ByteReader
    private var chunk = [UInt8](repeating: 0, count: 1 << 17)
    private var available = 0
    private var next = 0

    init(path: String) throws {
        self.path = path
        reader = try ByteReader(path: path)
    }

    /// Whether nothing follows.
    func isAtEnd() throws -> Bool {
        if next == available { try refill() }
        return available == 0
    }

    /// The end of a message of which the length comes next.
    func messageEnd(within limit: Int = .max) throws -> Int {
        let length = try varint()
        guard length <= UInt64(Int32.max), Int(length) <= limit - position else {
            throw corrupt("a message of \(length) bytes does not fit where it stands")
        }
        return position + Int(length)
    }

    /// The next field before `end`; nil at it.
    func field(before end: Int) throws -> Field? {
        guard position < end else {
            guard position == end else { throw corrupt("a field goes over the end of its message") }
            return nil
        }
        let tag = try varint()
        guard let wire = ProtobufWire(rawValue: Int(tag & 7)), tag >> 3 > 0, tag >> 3 < 1 << 29 else {
            throw corrupt("\(tag) is no field of a message")
        }
        return (Int(tag >> 3), wire)
    }

    /// A whole number of at most 31 bits.
    func number(_ field: Field) throws -> Int {
        let value = try integer(field)
        guard value <= UInt64(Int32.max) else { throw corrupt("a count or an identifier is negative or too large") }
        return Int(value)
    }

    /// A whole number.
    func integer(_ field: Field) throws -> UInt64 {
        guard field.wire == .varint else { throw corrupt("field \(field.number) is no whole number") }
        return try varint()
    }

    /// A text of at most `limit` bytes.
    func text(_ field: Field, limit: Int) throws -> [UInt8] {
        guard field.wire == .bytes else { throw corrupt("field \(field.number) is no text") }
        let length = try varint()
        guard length <= UInt64(limit) else { throw corrupt("a text has \(length) bytes, more than \(limit)") }
        return try (0..<Int(length)).map { _ in try byte() }
    }

    /// Reads over a field that nobody asks for.
    func skip(_ field: Field, before end: Int) throws {
        switch field.wire {
        case .varint: _ = try varint()
        case .fixed32: for _ in 0..<4 { _ = try byte() }
        case .fixed64: for _ in 0..<8 { _ = try byte() }
        case .bytes:
            let stop = try messageEnd(within: end)
            while position < stop { _ = try byte() }
        }
    }

    private func varint() throws -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        throw corrupt("a number has more than 64 bits")
    }

    private func byte() throws -> UInt8 {
        if next == available { try refill() }
        guard next < available else { throw corrupt("it ends in the middle") }
        next += 1
        position += 1
        return chunk[next - 1]
    }

    private func refill() throws {
        available = try chunk.withUnsafeMutableBytes { try reader.read(into: $0) }
        next = 0
    }

    func corrupt(_ what: String) -> StorageError {
        StorageError(
            .corrupt, path: path,
            "no CIFF file that can be read: \(what), \(position) bytes from its beginning; export it again.")
    }
}
