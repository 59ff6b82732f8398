import AttarStorage
import AttarTensor
import AttarTestSupport
import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Blocks {
        @Test(arguments: Level.all)
        func quantisedBlocksHaveTheReferencesBitsAtEveryLevel(level: Level) throws {
            for golden in GGUFGolden.blocks {
                let type = try #require(GGUF.ElementType(rawValue: golden.type))
                let bytes = GGUFBytes.hexadecimal(golden.blocks)
                let expected = Self.bits(golden.numbers)
                // Off any alignment.
                let shifted = [0] + bytes
                let y = Buffer(repeating: .nan, count: expected.count)
                level.run {
                    shifted.withUnsafeBytes {
                        attar_dequantize_blocks(
                            attar_block_format(rawValue: numericCast(golden.type)), $0.baseAddress.map { $0 + 1 },
                            bytes.count / type.blockBytes, y.start)
                    }
                }
                #expect(y.values.map(\.bitPattern) == expected, "\(type.name)")
                #expect(y.isIntact)
            }
        }

        static func bits(_ text: String) -> [UInt32] {
            let bytes = GGUFBytes.hexadecimal(text)
            return stride(from: 0, to: bytes.count, by: 4).map { at in
                bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
            }
        }
    }
}

struct GGUFDequantisationTests {
    @Test func tensorsOfEveryQuantisedTypeHaveTheReferencesNumbers() throws {
        try withGGUF(.everything()) { file in
            for golden in GGUFGolden.blocks {
                let values = try file.floats(named: "t\(golden.type)")
                #expect(values.map(\.bitPattern) == KernelTests.Blocks.bits(golden.numbers), "type \(golden.type)")
            }
        }
    }

    @Test func rowsAreThoseOfTheWholeTensor() throws {
        for golden in GGUFGolden.blocks {
            let type = try #require(GGUF.ElementType(rawValue: golden.type))
            let block = Array(GGUFBytes.hexadecimal(golden.blocks)[..<type.blockBytes])
            // Blocks that differ in their codes: 5 rows of 2 blocks.
            let data = (0..<10).flatMap { index -> [UInt8] in
                var copy = block
                copy[type.blockBytes / 2] = UInt8(index * 25)
                return copy
            }
            var builder = GGUFBytes()
            let extents = [UInt64(2 * type.blockElements), 5]
            builder.tensors = [.init(name: "w", extents: extents, type: golden.type, data: data)]
            try withGGUF(builder) { file in
                let whole = try file.matrix(named: "w")
                for rows in [0..<5, 0..<1, 2..<4, 4..<5, 3..<3] {
                    let expected = rows.flatMap { Array(whole.row($0)) }
                    #expect(try file.floats(named: "w", rows: rows) == expected, "\(type.name) \(rows)")
                }
                let bytes = try file.blocks(named: "w").withUnsafeBytes(ofRows: 1..<2) { Array($0) }
                #expect(bytes == Array(data[(2 * type.blockBytes)..<(4 * type.blockBytes)]))
            }
        }
    }

    /// Real models: by type, the tensors, their elements, and the SHA-256 of all numbers of all tensors (by name) as
    /// `make_golden.py --model` gives it for the reference's dequantisation.
    struct Model: Sendable, CustomTestStringConvertible {
        let folder, file: String
        let types: [String: (tensors: Int, elements: Int, sha256: String)]
        var path: String { SharedData.modelFile(folder, file) ?? "" }
        var testDescription: String { folder }
    }

    static let models: [Model] = [
        Model(
            folder: "smollm2", file: "SmolLM2-135M-Instruct.Q4_1.gguf",
            types: [
                "F32": (61, 35_136, "3eb9c869067fc677a752ffae22bb49683f1c65587854b241b209f74a2b8715f0"),
                "Q4_1": (210, 106_168_320, "f9f40894952385b619e2804452f9d2067df1182fdcc947c2a825452a29a5bb6d"),
                "Q8_0": (1, 28_311_552, "3fd491c8066dd9dc1a2bf6796701526c82817d95c0ecabacdef3013c2b8bbbaa"),
            ]),
        Model(
            folder: "qwen05", file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            types: [
                "F32": (121, 71_552, "c7c8469fa440616caa50cc174fb21f68674b976298916c85ce6c98e51b5e7e94"),
                "Q4_K": (12, 52_297_728, "bea60f7fb63ed0dd4a23a3075597e7f809e584ad52bf301b6798ffce3918cc48"),
                "Q5_0": (133, 387_989_504, "9777a30a936adf6621cbe33b4c943ea5085f0b0b92f84b7796d2249aeeeccd8b"),
                "Q6_K": (12, 52_297_728, "5dd1b51fb7ce82e6adfd04e0ead3ba60f6094211bbbf271cdbf08b23cfe2ae95"),
                "Q8_0": (13, 137_510_912, "ccbacb5ce3f9416366432aada06dd5746a538ce8d0c570b4cc6c8246ce2758c9"),
            ]),
    ]

    @Test(arguments: models.filter { !$0.path.isEmpty })
    func realModelsHaveTheReferencesBits(model: Model) throws {
        let file = try GGUF(path: model.path)
        var hashers: [String: SHA256Hasher] = [:], elements: [String: Int] = [:], tensors: [String: Int] = [:]
        for name in file.names.sorted(by: { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }) {
            let entry = try file.entry(named: name), type = entry.type.name
            let hasher = hashers[type] ?? SHA256Hasher()
            hashers[type] = hasher
            for start in stride(from: 0, to: entry.rows, by: 8192) {
                let values = try file.floats(named: name, rows: start..<min(start + 8192, entry.rows))
                values.withUnsafeBytes { hasher.update($0) }
            }
            elements[type, default: 0] += entry.count
            tensors[type, default: 0] += 1
        }
        #expect(tensors == model.types.mapValues(\.tensors))
        #expect(elements == model.types.mapValues(\.elements))
        #expect(hashers.mapValues { $0.finish().hex } == model.types.mapValues(\.sha256))
    }
}
