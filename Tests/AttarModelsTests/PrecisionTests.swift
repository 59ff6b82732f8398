import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct PrecisionTests {
    /// The bars of each precision: the least cosine to fp32 on real text.
    @Test(
        .enabled(if: SharedData.hasMiniLM, "needs the model minilm"),
        arguments: [(Precision.bfloat16, 0.9999), (.int8, 0.995)])
    func vectorsStayNearFp32(precision: Precision, bar: Double) throws {
        let path = try #require(SharedData.model("minilm"))
        let texts = try JSONDecoder().decode(
            [String].self, from: Data(contentsOf: URL(filePath: BertEncoderTests.fixtures + "/texts.json")))
        let reference = try BertEncoder(path: path).encode(texts)
        let encoder = try BertEncoder(path: path, precision: precision)
        #expect(encoder.precision == precision)
        let vectors = try encoder.encode(texts)
        // An empty text is two special tokens: nothing averages their rounding out.
        for row in 0..<texts.count where !texts[row].isEmpty {
            #expect(cosine(vectors.row(row), reference.row(row)) >= bar, "\(texts[row].prefix(40))")
        }
        #expect(vectors.values != reference.values, "the precision was not used")
    }

    @Test(arguments: Precision.allCases)
    func aVectorDependsNeitherOnItsCompanyNorOnThreads(precision: Precision) throws {
        try withFolder { folder in
            try TinyModels.writePlain(to: folder)
            let encoder = try BertEncoder(path: folder, precision: precision)
            let texts = (0..<40).map { count in
                (0..<count).map { TinyModels.words[$0 * 7 % TinyModels.words.count] }.joined(separator: " ")
            }
            let reference = texts.map { encoder.encodeOne($0, role: .plain) }
            for (threads, tokens) in [(1, 1), (2, 7), (4, 64), (2, 512)] {
                let options = EncodingOptions(threads: threads, batchTokens: tokens)
                let vectors = try encoder.encode(texts, role: .plain, options: options)
                for row in texts.indices { #expect(Array(vectors.row(row)) == reference[row]) }
            }
        }
    }
}
