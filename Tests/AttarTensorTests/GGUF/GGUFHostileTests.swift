import AttarStorage
import AttarTensor
import Testing

struct GGUFHostileTests {
    /// A sound small file: one text, one matrix of 2 x 4 floats (offset 0), one block of Q8_0 (offset 32).
    static func small() -> GGUFBytes {
        var file = GGUFBytes()
        file.metadata = [GGUFBytes.entry("general.name", 8, GGUFBytes.string("small"))]
        file.tensors = [
            .init(name: "w", extents: [4, 2], type: 0, data: GGUFBytes.floats([1, 2, 3, 4, 5, 6, 7, 8])),
            .init(name: "q", extents: [32], type: 8, data: [UInt8](repeating: 0, count: 34)),
        ]
        return file
    }

    /// A rule broken, the kind of the error, and a word that it must contain.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let kind: TensorError.Kind
        let word: String
        let edit: @Sendable (inout GGUFBytes) -> Void

        init(
            _ name: String, _ word: String, _ kind: TensorError.Kind = .corrupt,
            _ edit: @escaping @Sendable (inout GGUFBytes) -> Void
        ) {
            testDescription = name
            self.kind = kind
            self.word = word
            self.edit = edit
        }
    }

    static let header: [Case] = [
        Case("magic", "no GGUF file") { $0.magic = Array("GGML".utf8) },
        Case("version 0", "version 0", .mismatch) { $0.version = 0 },
        Case("version 1", "version 1", .mismatch) { $0.version = 1 },
        Case("version 4", "version 4", .newerVersion) { $0.version = 4 },
        Case("big-endian", "big-endian (version 3)", .mismatch) { $0.version = UInt32(3).byteSwapped },
        Case("absurd tensor count", "\(UInt64.max) tensors are claimed") { $0.tensorCount = .max },
        Case("many tensors", "1000000 tensors are claimed") { $0.tensorCount = 1_000_000 },
        Case("one tensor too many", "header is wrong") { $0.tensorCount = 3 },
        Case("absurd metadata count", "\(UInt64(1) << 62) metadata entries") { $0.metadataCount = 1 << 62 },
        Case("key twice", "\"general.name\" twice") { $0.metadata.append($0.metadata[0]) },
        Case("empty key", "key is empty") { $0.metadata.append(GGUFBytes.entry("", 0, [1])) },
        Case("long key", "65535 are allowed") {
            $0.metadata.append(GGUFBytes.entry(String(repeating: "k", count: 65_536), 0, [1]))
        },
        Case("key not UTF-8", "not valid UTF-8") {
            $0.metadata.append(GGUFBytes.string([0x6B, 0xFF]) + [0, 0, 0, 0, 1])
        },
        Case("value not UTF-8", "value of \"s\"") {
            $0.metadata.append(GGUFBytes.entry("s", 8, GGUFBytes.string([0xC3, 0x28])))
        },
        Case("long string", "claims \(UInt64.max) bytes") {
            $0.metadata.append(GGUFBytes.entry("s", 8, GGUFBytes.little(UInt64.max)))
        },
        Case("value type", "value type 13") { $0.metadata.append(GGUFBytes.entry("s", 13, [0])) },
        Case("truth value", "truth value 2") { $0.metadata.append(GGUFBytes.entry("s", 7, [2])) },
        Case("element type", "value type 99") { $0.metadata.append(GGUFBytes.array("s", 99, count: 1, [0])) },
        Case("long array", "1099511627776 elements") {
            $0.metadata.append(GGUFBytes.array("s", 0, count: 1 << 40, [0]))
        },
        Case("array of overflowing size", "elements") {
            $0.metadata.append(GGUFBytes.array("s", 10, count: 1 << 61, [0]))
        },
        Case("many strings", "1000 elements") { $0.metadata.append(GGUFBytes.array("s", 8, count: 1000, [0])) },
        Case("deep nesting", "nest deeper") {
            let content = (0..<10_000).reduce(into: [UInt8]()) { bytes, _ in
                bytes += GGUFBytes.elements(9, count: 1, [])
            }
            $0.metadata.append(GGUFBytes.entry("s", 9, content))
        },
        Case("alignment 0", "alignment is 0") { $0.metadata.append(alignment(0)) },
        Case("alignment 24", "alignment is 24") { $0.metadata.append(alignment(24)) },
        Case("alignment a string", "alignment is a string") {
            $0.metadata.append(GGUFBytes.entry("general.alignment", 8, GGUFBytes.string("32")))
        },
        Case("huge alignment", "holds 0 bytes of data") { $0.metadata.append(alignment(1 << 31)) },
    ]

    static let tensors: [Case] = [
        Case("name twice", "\"w\": it stands twice") {
            $0.tensors.append(.init(name: "w", extents: [1], type: 0, data: GGUFBytes.floats([1])))
        },
        Case("empty name", "name is empty") { $0.tensors[1].name = "" },
        Case("five dimensions", "5 dimensions") { $0.tensors[0].extents = [1, 1, 1, 1, 8] },
        Case("extent 0", "extent 0") { $0.tensors[0].extents = [4, 0] },
        Case("extent beyond Int", "extent \(UInt64.max)") { $0.tensors[0].extents = [4, .max] },
        Case("overflowing shape", "more elements than can be counted") { $0.tensors[0].extents = [1 << 32, 1 << 32] },
        Case("overflowing bytes", "more elements than can be counted") { $0.tensors[0].extents = [1 << 62] },
        Case("huge shape", "\"w\": it needs 4398046511104 bytes") { $0.tensors[0].extents = [1 << 40] },
        Case("part of a block", "\"q\": its rows have 33") { $0.tensors[1].extents = [33] },
        Case("known type", "\"q\": its type is IQ4_NL", .mismatch) { $0.tensors[1].type = 20 },
        Case("unknown type", "\"q\": its type is number 4242", .mismatch) { $0.tensors[1].type = 4242 },
        Case("unaligned", "no multiple of the alignment, 32") { $0.tensors[1].offset = 33 },
        Case("overlap", "\"w\": its bytes overlap those of \"q\"") { $0.tensors[1].offset = 0 },
        Case("beyond the end", "\"q\": it needs 34 bytes from byte 64") { $0.tensors[1].offset = 64 },
        Case("offset beyond Int", "from byte 18446744073709551584") { $0.tensors[1].offset = .max - 31 },
        Case("offset that overflows", "from byte 9223372036854775776") { $0.tensors[1].offset = (1 << 63) - 32 },
    ]

    static func alignment(_ value: UInt32) -> [UInt8] {
        GGUFBytes.entry("general.alignment", 4, GGUFBytes.little(value))
    }

    @Test(arguments: header + tensors) func hostileFilesAreRefusedByName(broken: Case) throws {
        var builder = Self.small()
        broken.edit(&builder)
        try withFolder { folder in
            let path = folder + "/x.gguf"
            try AtomicFile.write(builder.bytes, to: path)
            expectError(broken.kind, broken.word, path) { _ = try GGUF(path: path) }
        }
    }

    @Test func everyTruncationIsRefused() throws {
        try withFolder { folder in
            let path = folder + "/x.gguf"
            let whole = Self.small().bytes
            for length in 0..<whole.count {
                try AtomicFile.write(Array(whole[..<length]), to: path)
                expectError(.corrupt, "", path) { _ = try GGUF(path: path) }
            }
            try AtomicFile.write(whole, to: path)
            #expect(try GGUF(path: path).names == ["q", "w"])
            #expect(throws: StorageError.self) { try GGUF(path: folder + "/none") }
        }
    }

    @Test func fileWithoutTensorsIsSound() throws {
        try withGGUF(GGUFBytes()) { file in
            #expect(file.names.isEmpty && file.metadata.keys.isEmpty)
        }
    }
}
