import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct StaticEncoderTests {
    private func writer(_ folder: String, _ dense: ModelFolderWriter.Dense? = nil, normalizes: Bool) throws
        -> ModelFolderWriter
    {
        let source = try TinyModels.writePlain(to: folder + "/source")
        return ModelFolderWriter(
            path: folder + "/student", tokenizerFrom: source, dense: dense, normalizes: normalizes,
            prompts: ModelPrompts(),
            facts: AttarFacts(name: "tiny static", dimension: 0, normalized: false))
    }

    @Test func aVectorIsTheMeanOfItsTokensMappedAndNormalised() throws {
        try withFolder { folder in
            let table = TinyModels.table(columns: 5, seed: 3)
            let weight = Matrix(rows: 4, columns: 5, values: (0..<20).map { Float($0 % 7) - 3 })
            let bias: [Float] = [0.5, 0, -1, 2]
            let dense = ModelFolderWriter.Dense(weight: weight, bias: bias, activation: .tanh)
            try writer(folder, dense, normalizes: true).writeStatic(table: table)
            let encoder = try StaticEncoder(path: folder + "/student")
            #expect(encoder.dimension == 4 && encoder.tableWidth == 5 && encoder.maximumLength == .max)
            let ids = encoder.tokenizer.encode("the oil of roses", addSpecialTokens: false)
            #expect(ids.count == 5)
            let mean = (0..<5).map { column in ids.map { table.values[Int($0) * 5 + column] }.reduce(0, +) / 5 }
            let mapped = (0..<4).map { row in
                tanhDouble(Double(bias[row]) + zip(weight.row(row), mean).map { Double($0 * $1) }.reduce(0, +))
            }
            let length = mapped.map { $0 * $0 }.reduce(0, +).squareRoot()
            let found = encoder.encodeOne("the oil of roses", role: .query)
            #expect(zip(found, mapped).allSatisfy { abs(Double($0) - $1 / length) < 1e-5 })
        }
    }

    @Test func oneTextAndManyGiveTheSameVectors() throws {
        try withFolder { folder in
            try writer(folder, normalizes: true).writeStatic(table: TinyModels.table(columns: 6, seed: 4))
            let encoder = try StaticEncoder(path: folder + "/student")
            let texts = (0..<200).map { ["rose oil", "", "steam is water", "zzz", "the cloudy petals"][$0 % 5] }
            for threads in [1, 2, 4] {
                let vectors = try encoder.encode(texts, role: .passage, options: EncodingOptions(threads: threads))
                for row in texts.indices {
                    #expect(Array(vectors.row(row)) == encoder.encodeOne(texts[row], role: .passage))
                }
            }
            #expect(encoder.encodeOne("", role: .plain).allSatisfy { $0 == 0 })
        }
    }

    @Test func aTokenizerOfAnotherModelIsRefused() throws {
        try withFolder { folder in
            let small = Matrix(rows: 7, columns: 4)
            try writer(folder, normalizes: false).writeStatic(table: small)
            let error = #expect(throws: ModelError.self) { try StaticEncoder(path: folder + "/student") }
            #expect(error?.description.contains("ids up to 20") == true && error?.category == .input)
        }
    }

    private func tanhDouble(_ x: Double) -> Double {
        // Written out, so that the test does not depend on the library that the kernel might use.
        let e = exp2(2 * x * 1.4426950408889634)
        return (e - 1) / (e + 1)
    }
}
