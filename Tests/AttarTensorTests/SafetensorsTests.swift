import AttarStorage
import AttarTensor
import Foundation
import Testing

struct SafetensorsTests {
    @Test func tensorsComeBackAsTheyWereWritten() throws {
        try withFolder { folder in
            let path = folder + "/a.safetensors"
            let tensors = [
                "second": TensorValues(shape: [2, 3], values: [1, -2, 3.5, 1e38, 0, -0.25]),
                "first": TensorValues(shape: [], values: [7]),
                "empty \"quoted\" é\n": TensorValues(shape: [0, 4], values: []),
            ]
            try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: path)
            let file = try Safetensors(path: path)
            #expect(file.metadata == ["format": "pt"])
            #expect(file.names == tensors.keys.sorted())
            for (name, tensor) in tensors { #expect(try file.tensor(named: name) == tensor) }
            #expect(try file.matrix(named: "second").row(1).first == 1e38)
            #expect(try file.mapped(named: "second")?.elements.last == -0.25)
        }
    }

    @Test func equalTensorsGiveEqualBytesAndAlignedData() throws {
        try withFolder { folder in
            var tensors: [String: TensorValues] = [:]
            for index in 0..<30 { tensors["t\(index)"] = TensorValues(shape: [index], repeating: Float(index)) }
            try SafetensorsWriter.write(tensors, to: folder + "/a")
            let copy = Dictionary(uniqueKeysWithValues: tensors.sorted { $0.key > $1.key }.map { ($0.key, $0.value) })
            try SafetensorsWriter.write(copy, to: folder + "/b")
            let bytes = try LocalFileSystem().read(folder + "/a")
            #expect(try bytes == LocalFileSystem().read(folder + "/b"))
            #expect(bytes[0] % 8 == 0)
        }
    }

    @Test func halfAndBrainFloatsAreRead() throws {
        let header =
            #"{"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[6,10]}}"#
        // 1, -2, 65504 as half; 1, -3.140625 as bfloat16.
        let data: [UInt8] = [0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x80, 0x3F, 0x49, 0xC0]
        try withFile(header, data) { path in
            let file = try Safetensors(path: path)
            #expect(try file.floats(named: "h") == [1, -2, 65504])
            #expect(try file.floats(named: "b") == [1, -3.140625])
            #expect(try file.mapped(named: "h") == nil)
        }
    }

    @Test func integersAreReadAndRefusedAsFloats() throws {
        let header = #"{"i":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}"#
        let data = [Int64(-5), 1 << 40].flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        try withFile(header, data) { path in
            let file = try Safetensors(path: path)
            #expect(try file.integers(named: "i") == [-5, 1 << 40])
            #expect(throws: TensorError.self) { try file.floats(named: "i") }
        }
    }

    @Test func wrongNamesAndShapesAreNamed() throws {
        let header = #"{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#
        try withFile(header, [UInt8](repeating: 0, count: 8)) { path in
            let file = try Safetensors(path: path)
            expect(.missing, "\"v\"", path) { _ = try file.floats(named: "v") }
            expect(.mismatch, "[2, 1]", path) { _ = try file.floats(named: "w", shape: [2, 1]) }
        }
    }

    @Test func numbersThatAreNotFiniteAreNamed() throws {
        try withFolder { folder in
            let path = folder + "/a"
            for value in [Float.nan, .infinity, -.infinity] {
                try SafetensorsWriter.write(["w": TensorValues(shape: [3], values: [1, 2, value])], to: path)
                let file = try Safetensors(path: path)
                expect(.corrupt, "\"w\": its number 2", path) { _ = try file.floats(named: "w") }
                expect(.corrupt, "\"w\": its number 2", path) { _ = try file.mapped(named: "w") }
            }
        }
    }

    private static let manyOnes = Array(repeating: "1", count: 1_000_000).joined(separator: ",")
    private static let longName = String(repeating: "n", count: 5000)
    /// A hundred thousand tensors in the same four bytes.
    private static let manyTensors = (0..<100_000).map {
        #""t\#($0)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#
    }.joined(separator: ",")

    /// Headers that break a rule, each with a word that the error must contain.
    static let hostile: [(header: String, dataBytes: Int, word: String)] = [
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "truncated"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "8 to 0"),
        (#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "needs 12 bytes"),
        (#"{"w":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}}"#, 8, "more elements"),
        (#"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, 8, "too large"),
        (#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "not negative"),
        (#"{"w":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, 8, "F99"),
        (
            #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            12, "overlap"
        ),
        (
            #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            8, "twice"
        ),
        (#"{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "repeated"),
        (#"{"w":{"dtype":"F32","data_offsets":[0,8]}}"#, 8, "must have"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x"#, 8, "more after"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 12, "4 bytes at the end"),
        (#"{"w":[1,2]}"#, 8, "expected"),
        (#"["w"]"#, 8, "expected"),
        (#"{"w"#, 8, "does not end"),
        (#"{"w\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "surrogate"),
        (#"{"w":{"dtype":"F32","shape":[\#(manyOnes)],"data_offsets":[0,4]}}"#, 4, "more than 16 numbers"),
        (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[\#(manyOnes)]}}"#, 4, "more than 16 numbers"),
        (#"{"w":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, 4, "belong to no tensor"),
        (#"{"w":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8]}}"#, 8, "more elements"),
        (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775800,9223372036854775807]}}"#, 8, "wrong"),
        (#"{"\#(longName)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "5000 bytes; 4096"),
        (#"{"__metadata__":{"a":"1","\u0061":"2"}}"#, 0, "twice"),
        ("{" + manyTensors + "}", 4, "overlap"),
        ("", 0, "expected"),
        (String(repeating: "{\"a\":", count: 10_000), 0, "unknown"),
    ]

    @Test(arguments: hostile.indices) func hostileHeadersAreRefusedByName(index: Int) throws {
        let (header, count, word) = Self.hostile[index]
        try withFile(header, [UInt8](repeating: 0, count: count)) { path in
            expect(nil, word, path) { _ = try Safetensors(path: path) }
        }
    }

    @Test func hugeHeaderLengthsAndShortFilesAreRefused() throws {
        try withFolder { folder in
            let path = folder + "/x"
            for (bytes, word) in [
                ([UInt8](repeating: 0xFF, count: 8), "at most"), ([0, 0, 0, 1, 0, 0, 0, 0], "truncated"),
                ([1, 2, 3], "3 bytes"), ([], "0 bytes"),
                ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1], "at most"),
            ] {
                try AtomicFile.write(bytes, to: path)
                expect(.corrupt, word, path) { _ = try Safetensors(path: path) }
            }
            #expect(throws: StorageError.self) { try Safetensors(path: folder + "/none") }
        }
    }

    @Test func everyTruncationOfARealFileIsRefused() throws {
        try withFolder { folder in
            let path = folder + "/a"
            try SafetensorsWriter.write(
                ["a": TensorValues(shape: [3], repeating: 1), "b": TensorValues(shape: [2, 2], repeating: 2)], to: path)
            let whole = try LocalFileSystem().read(path)
            for length in 0..<whole.count {
                try AtomicFile.write(Array(whole[..<length]), to: path)
                #expect(throws: TensorError.self) { try Safetensors(path: path) }
            }
        }
    }

    // MARK: Helpers

    private func expect(_ kind: TensorError.Kind?, _ word: String, _ path: String, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("no error for \(word)")
        } catch let error as TensorError {
            if let kind { #expect(error.kind == kind) }
            #expect(error.description.contains(word) && error.description.contains(path), "\(error)")
        } catch {
            Issue.record("\(error)")
        }
    }

    private func withFile(_ header: String, _ data: [UInt8], _ body: (String) throws -> Void) throws {
        try withFolder { folder in
            let json = Array(header.utf8)
            let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) }
            try AtomicFile.write(length + json + data, to: folder + "/t.safetensors")
            try body(folder + "/t.safetensors")
        }
    }
}

/// Calls `body` with a new folder that is removed afterwards.
///
/// - Parameter inMemory: for very many files; where the system has a file system in memory, the folder is there.
func withFolder(inMemory: Bool = false, _ body: (String) throws -> Void) throws {
    let memory = "/dev/shm", isThere = FileManager.default.fileExists(atPath: memory)
    let parent = inMemory && isThere ? memory : FileManager.default.temporaryDirectory.path
    let folder = parent + "/attar-test-\(UUID().uuidString)"
    try LocalFileSystem().makeDirectory(folder)
    defer { try? LocalFileSystem().removeTree(folder) }
    try body(folder)
}
