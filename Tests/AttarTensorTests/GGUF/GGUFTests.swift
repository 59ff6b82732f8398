import AttarStorage
import AttarTensor
import Testing

struct GGUFTests {
    @Test func everyTypeOfMetadataIsRead() throws {
        try withGGUF(.everything()) { file in
            let metadata = file.metadata
            #expect(file.version == 3 && file.alignment == 32 && metadata.keys.count == 19)
            #expect(try metadata.string("general.architecture") == "llama")
            let integers = try ["u8", "i8", "u16", "i16", "i32", "i64"].map(metadata.integer)
            #expect(integers == [250, -3, 65_000, -300, -70_000, -1 << 40])
            #expect(try metadata.float("f32") == 1.5 && metadata.float("f64") == 0.1)
            #expect(try metadata.bool("yes"))
            #expect(metadata["u64"] == .uint64(.max) && metadata["absent"] == nil)
            #expect(try metadata.strings("words") == ["é", "", "a longer word, on the heap"])
            #expect(try metadata.floats("scores") == [-1, 0.25])
            #expect(try metadata.integers("kinds") == [1, -2] && metadata.integers("bytes") == [1, 2, 3])
            #expect(try metadata.bools("flags") == [false, true] && metadata.strings("none") == [])
            #expect(metadata["nested"]?.elements?.arrays == [.uint32([7]), .string(["x"])])
        }
    }

    @Test func metadataOfAnotherTypeIsNamed() throws {
        try withGGUF(.everything()) { file in
            expectError(.missing, "\"absent\"", file.path) { _ = try file.metadata.string("absent") }
            expectError(.mismatch, "an array of 3 strings; a string", file.path) {
                _ = try file.metadata.string("words")
            }
            expectError(.mismatch, "is a whole number; a whole number up to", file.path) {
                _ = try file.metadata.integer("u64")
            }
            expectError(.mismatch, "is a string; an array of floats", file.path) {
                _ = try file.metadata.floats("general.architecture")
            }
        }
    }

    @Test func tensorsHaveRowMajorShapesAndNumbers() throws {
        try withGGUF(.everything()) { file in
            #expect(try file.matrix(named: "plain") == Matrix(rows: 2, columns: 3, values: [1, 2, 3, 4, 5, 6]))
            #expect(try file.floats(named: "plain", rows: 1..<2) == [4, 5, 6])
            #expect(try file.floats(named: "plain", rows: 1..<1) == [])
            #expect(try file.floats(named: "half") == [1, -2, 65504])
            #expect(try file.floats(named: "brain") == [1, -3.140625])
            #expect(try file.tensor(named: "scalar") == TensorValues(shape: [], values: [7]))
            let words = try file.blocks(named: "whole").withUnsafeBytes { Array($0) }
            #expect(words == [5, 0, 0, 0, 0xFB, 0xFF, 0xFF, 0xFF])
        }
    }

    @Test func wrongNamesShapesRowsAndTypesAreNamed() throws {
        try withGGUF(.everything()) { file in
            expectError(.missing, "\"v\"", file.path) { _ = try file.floats(named: "v") }
            expectError(.mismatch, "[3, 2] was expected", file.path) {
                _ = try file.floats(named: "plain", shape: [3, 2])
            }
            expectError(.mismatch, "it has 2", file.path) { _ = try file.floats(named: "plain", rows: 1..<3) }
            expectError(.mismatch, "it has 2", file.path) { _ = try file.floats(named: "plain", rows: -1..<1) }
            expectError(.mismatch, "I32", file.path) { _ = try file.floats(named: "whole") }
            expectError(.mismatch, "a matrix", file.path) { _ = try file.matrix(named: "half") }
        }
    }

    @Test func version2AndOtherAlignmentsAreRead() throws {
        for alignment in [1, 8, 4096] {
            var builder = GGUFBytes()
            builder.version = 2
            builder.alignment = alignment
            builder.metadata = [GGUFBytes.entry("general.alignment", 4, GGUFBytes.little(UInt32(alignment)))]
            builder.tensors = [
                .init(name: "a", extents: [1], type: 0, data: GGUFBytes.floats([1])),
                .init(name: "b", extents: [2], type: 0, data: GGUFBytes.floats([2, 3])),
            ]
            try withGGUF(builder) { file in
                #expect(file.version == 2 && file.alignment == alignment)
                let values = try ["a", "b"].map { try file.floats(named: $0) }
                #expect(values == [[1], [2, 3]])
            }
        }
    }

    @Test func numbersThatAreNotFiniteAreNamed() throws {
        var builder = GGUFBytes()
        builder.tensors = [.init(name: "w", extents: [2, 2], type: 0, data: GGUFBytes.floats([1, 2, 3, .nan]))]
        // A block of Q8_0 whose scale is infinite.
        let block: [UInt8] = [0x00, 0x7C] + [UInt8](repeating: 1, count: 32)
        builder.tensors.append(.init(name: "q", extents: [32], type: 8, data: block))
        try withGGUF(builder) { file in
            expectError(.corrupt, "\"w\": its number 3", file.path) { _ = try file.floats(named: "w", rows: 1..<2) }
            expectError(.corrupt, "\"q\": its number 0", file.path) { _ = try file.floats(named: "q") }
            let soundRow = try file.floats(named: "w", rows: 0..<1)
            #expect(soundRow == [1, 2])
        }
    }
}

/// Opens what was built, from a file that is removed afterwards.
func withGGUF(_ builder: GGUFBytes, _ body: (GGUF) throws -> Void) throws {
    try withFolder { folder in
        try AtomicFile.write(builder.bytes, to: folder + "/t.gguf")
        try body(try GGUF(path: folder + "/t.gguf"))
    }
}

/// Expects a `TensorError` of a kind whose message has the word and the path.
func expectError(_ kind: TensorError.Kind, _ word: String, _ path: String, _ body: () throws -> Void) {
    do {
        try body()
        Issue.record("no error for \(word)")
    } catch let error as TensorError {
        #expect(error.kind == kind && error.description.contains(word) && error.description.contains(path), "\(error)")
    } catch {
        Issue.record("\(error)")
    }
}
