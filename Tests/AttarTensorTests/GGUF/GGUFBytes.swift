/// Builds GGUF files, sound and unsound: what is written is what the fields say, checked by nobody.
struct GGUFBytes {
    struct Tensor {
        var name: String
        /// Innermost first, as in the file.
        var extents: [UInt64]
        var type: UInt32
        var data: [UInt8]
        /// nil for the next free place.
        var offset: UInt64?
    }

    var magic: [UInt8] = Array("GGUF".utf8)
    var version: UInt32 = 3
    var metadataCount: UInt64?
    var tensorCount: UInt64?
    /// Whole entries: key, type, value.
    var metadata: [[UInt8]] = []
    var tensors: [Tensor] = []
    var alignment = 32

    /// The file's bytes.
    var bytes: [UInt8] {
        var header = magic + Self.little(version)
        header += Self.little(tensorCount ?? UInt64(tensors.count))
        header += Self.little(metadataCount ?? UInt64(metadata.count)) + metadata.joined()
        var data: [UInt8] = []
        for tensor in tensors {
            Self.pad(&data, to: alignment)
            header += Self.string(tensor.name) + Self.little(UInt32(tensor.extents.count))
            header += tensor.extents.flatMap(Self.little) + Self.little(tensor.type)
            header += Self.little(tensor.offset ?? UInt64(data.count))
            data += tensor.data
        }
        Self.pad(&header, to: alignment)
        return header + data
    }

    /// A metadata entry of a value type's number and its content.
    static func entry(_ key: String, _ type: UInt32, _ content: [UInt8]) -> [UInt8] {
        string(key) + little(type) + content
    }

    /// A metadata entry that is an array.
    static func array(_ key: String, _ type: UInt32, count: Int, _ content: [UInt8]) -> [UInt8] {
        entry(key, 9, elements(type, count: count, content))
    }

    /// The content of an array: the elements' type, their number, they themselves.
    static func elements(_ type: UInt32, count: Int, _ content: [UInt8]) -> [UInt8] {
        little(type) + little(UInt64(count)) + content
    }

    static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

    static func string(_ bytes: [UInt8]) -> [UInt8] { little(UInt64(bytes.count)) + bytes }

    static func little(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { little($0.bitPattern) } }

    private static func pad(_ bytes: inout [UInt8], to alignment: Int) {
        while alignment > 0, bytes.count % alignment != 0 { bytes.append(0) }
    }

    /// A sound file with every type of value and of tensor.
    static func everything() -> GGUFBytes {
        var file = GGUFBytes()
        file.metadata = [
            entry("general.architecture", 8, string("llama")), entry("general.alignment", 4, little(UInt32(32))),
            entry("u8", 0, [250]), entry("i8", 1, little(Int8(-3))), entry("u16", 2, little(UInt16(65_000))),
            entry("i16", 3, little(Int16(-300))), entry("i32", 5, little(Int32(-70_000))),
            entry("f32", 6, floats([1.5])), entry("yes", 7, [1]), entry("u64", 10, little(UInt64.max)),
            entry("i64", 11, little(Int64(-1) << 40)), entry("f64", 12, little(Double(0.1).bitPattern)),
            array("words", 8, count: 3, string("é") + string("") + string("a longer word, on the heap")),
            array("scores", 6, count: 2, floats([-1, 0.25])),
            array("kinds", 5, count: 2, little(Int32(1)) + little(Int32(-2))),
            array("bytes", 0, count: 3, [1, 2, 3]), array("flags", 7, count: 2, [0, 1]), array("none", 8, count: 0, []),
            array("nested", 9, count: 2, elements(4, count: 1, little(UInt32(7))) + elements(8, count: 1, string("x"))),
        ]
        for golden in GGUFGolden.blocks {
            let data = hexadecimal(golden.blocks), count = UInt64(golden.numbers.count / 8)
            file.tensors.append(Tensor(name: "t\(golden.type)", extents: [count], type: golden.type, data: data))
        }
        file.tensors += [
            Tensor(name: "plain", extents: [3, 2], type: 0, data: floats([1, 2, 3, 4, 5, 6])),
            Tensor(name: "half", extents: [3], type: 1, data: [0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B]),
            Tensor(name: "brain", extents: [2], type: 30, data: [0x80, 0x3F, 0x49, 0xC0]),
            Tensor(name: "scalar", extents: [], type: 0, data: floats([7])),
            Tensor(name: "whole", extents: [2], type: 26, data: little(Int32(5)) + little(Int32(-5))),
        ]
        return file
    }

    /// The bytes of hexadecimal text.
    static func hexadecimal(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 >= 0x61 ? $0 - 0x61 + 10 : $0 - 0x30) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
