import AttarStorage
import AttarTensor
import Foundation
import Testing

struct ScaledBytesTests {
    private static func bytes<Element>(_ values: [Element]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    /// `w` is 2 x 3 bytes, with whatever scales are given.
    private static func write(
        _ scales: SafetensorsWriter.Tensor?, shape: [Int] = [2, 3], to path: String
    ) throws -> Safetensors {
        var tensors: [String: SafetensorsWriter.Tensor] = [
            "w": .init(type: .int8, shape: shape) { bytes([127, -128, 0, 1, -1, 5] as [Int8]) }
        ]
        tensors["w_scale"] = scales
        try SafetensorsWriter.write(tensors, to: path)
        return try Safetensors(path: path)
    }

    private static func scales(_ values: [Float], _ shape: [Int] = [2, 1]) -> SafetensorsWriter.Tensor {
        .init(type: .float32, shape: shape) { bytes(values) }
    }

    @Test func bytesTimesTheirRowsScaleAreFloats() throws {
        try withFolder { folder in
            let file = try Self.write(Self.scales([0.5, 0.1]), to: folder + "/a")
            let expected: [Float] = [63.5, -64, 0, 0.1, -0.1, 5 * 0.1]
            #expect(try file.floats(named: "w") == expected)
            #expect(try file.matrix(named: "w").row(1) == expected[3...])
            #expect(try file.withFloats(named: "w", shape: [2, 3]) { Array($0) } == expected)
            #expect(try file.mapped(named: "w") == nil)
            let bytes = try #require(try file.scaledBytes(named: "w", shape: [2, 3]))
            #expect(Array(bytes.codes.elements) == [127, -128, 0, 1, -1, 5] && bytes.scales == [0.5, 0.1])
            #expect(bytes.floats(ofRows: 1..<2) == Array(expected[3...]) && bytes.floats(ofRows: 1..<1).isEmpty)
            #expect(try file.scaledBytes(named: "w_scale") == nil)
        }
    }

    /// The library compressed-tensors writes scales in the model's own type.
    @Test func scalesMayBeBrainFloats() throws {
        try withFolder { folder in
            let file = try Self.write(
                .init(type: .bfloat16, shape: [2, 1]) { Self.bytes([0x3F00, 0x4000] as [UInt16]) }, to: folder + "/a")
            #expect(try file.floats(named: "w") == [63.5, -64, 0, 2, -2, 10])
        }
    }

    @Test func hostileScalesAreRefusedByFileAndTensor() throws {
        let cases: [(scales: SafetensorsWriter.Tensor?, tensor: String, word: String)] = [
            (nil, "\"w\"", "\"w_scale\", the scales of its 2 rows, is not there"),
            (Self.scales([1, 1], [2]), "\"w_scale\"", "[2, 1] was expected, it is [2]"),
            (Self.scales([1, 1], [1, 2]), "\"w_scale\"", "it is [1, 2]"),
            (Self.scales([1], [1, 1]), "\"w_scale\"", "it is [1, 1]"),
            (Self.scales([1, 1, 1], [3, 1]), "\"w_scale\"", "it is [3, 1]"),
            (Self.scales([1, .nan]), "\"w_scale\"", "number 1 is nan"),
            (Self.scales([.infinity, 1]), "\"w_scale\"", "number 0 is inf"),
            (Self.scales([1, 0]), "\"w_scale\"", "row 1 is 0.0"),
            (Self.scales([-0.5, 1]), "\"w_scale\"", "row 0 is -0.5"),
            (.init(type: .int8, shape: [2, 1]) { [1, 1] }, "\"w_scale\"", "it holds I8"),
            (.init(type: .float64, shape: [2, 1]) { Self.bytes([1, 1] as [Double]) }, "\"w_scale\"", "it holds F64"),
        ]
        try withFolder { folder in
            for (scales, tensor, word) in cases {
                let file = try Self.write(scales, to: folder + "/a")
                for read in [
                    { _ = try file.floats(named: "w") }, { _ = try file.scaledBytes(named: "w") },
                    { try file.withFloats(named: "w") { _ in } },
                ] {
                    let error = #expect(throws: TensorError.self) { try read() }
                    let text = error?.description ?? ""
                    #expect(text.contains(folder + "/a") && text.contains(tensor) && text.contains(word), "\(text)")
                }
            }
            for shape in [[6], [1, 2, 3]] {
                let file = try Self.write(Self.scales([1, 1]), shape: shape, to: folder + "/a")
                let error = #expect(throws: TensorError.self) { try file.floats(named: "w") }
                #expect(error?.description.contains("its shape is \(shape)") == true)
            }
            let file = try Self.write(Self.scales([1, 1]), to: folder + "/a")
            #expect(throws: TensorError.self) { try file.scaledBytes(named: "w", shape: [3, 2]) }
        }
    }

    @Test func tensorsOfAnyTypeComeBackAlignedWhateverTheirNames() throws {
        try withFolder { folder in
            let tensors: [String: SafetensorsWriter.Tensor] = [
                "a": .init(type: .int8, shape: [3, 1]) { [1, 2, 3] },
                "a_scale": .init(type: .float32, shape: [3, 1]) { Self.bytes([1, 2, 3] as [Float]) },
                "b": .init(type: .bfloat16, shape: [1, 3]) { Self.bytes([0x3F80, 0xC000, 0x3F00] as [UInt16]) },
                "c": .init(type: .int64, shape: [1]) { Self.bytes([-7] as [Int64]) },
                "d": .init(type: .float32, shape: [2]) { Self.bytes([0.25, -1] as [Float]) },
            ]
            try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: folder + "/a")
            let file = try Safetensors(path: folder + "/a")
            for entry in file.entries.values { #expect(entry.bytes.lowerBound % entry.type.width == 0) }
            #expect(try file.floats(named: "a") == [1, 4, 9])
            #expect(try file.integers(named: "c") == [-7])
            #expect(try file.mapped(named: "d")?.elements.last == -1)
            #expect(try file.mappedBrainFloats(named: "b").map { Array($0.elements) } == [0x3F80, 0xC000, 0x3F00])
            #expect(try file.mappedBrainFloats(named: "d") == nil)
            #expect(try file.bytes(named: "b") == Self.bytes([0x3F80, 0xC000, 0x3F00] as [UInt16]))
        }
    }

    @Test func brainFloatsThatAreNotFiniteAreNamed() throws {
        try withFolder { folder in
            for bits: UInt16 in [0x7F80, 0xFF80, 0x7FC0] {
                try SafetensorsWriter.write(
                    ["b": .init(type: .bfloat16, shape: [3]) { Self.bytes([0x3F80, bits, 0]) }], to: folder + "/a")
                let file = try Safetensors(path: folder + "/a")
                let error = #expect(throws: TensorError.self) { try file.mappedBrainFloats(named: "b") }
                #expect(error?.description.contains("\"b\": its number 1") == true)
            }
        }
    }

    /// What making a tensor's bytes throws leaves no file.
    @Test func aFailureWhileWritingLeavesNothing() throws {
        struct Failure: Error {}
        try withFolder { folder in
            #expect(throws: Failure.self) {
                try SafetensorsWriter.write(
                    ["a": .init(type: .float32, shape: [1]) { throw Failure() }], to: folder + "/a")
            }
            let left = try LocalFileSystem().list(folder)
            #expect(left.isEmpty)
        }
    }
}
