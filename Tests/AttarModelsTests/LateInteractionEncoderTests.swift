import AttarModels
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

@Suite struct LateInteractionEncoderTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func tiny() throws -> BertEncoder {
        try TinyModels.writePlain(to: folder.file("tiny"), configuration: TinyModels.configuration)
        return try BertEncoder(path: folder.file("tiny"))
    }

    /// Each word has a vector, of length 1, and it is that of the state; special tokens and punctuation have none.
    @Test func vectorsAreTheStatesOfWords() throws {
        let model = try tiny()
        let encoder = LateInteractionEncoder(model)
        let states = try model.tokenStates(["rose oil . rose"], role: .passage)[0]
        let vectors = try encoder.encode(["rose oil . rose", ""], role: .passage)
        let words = states.ids.indices.filter { ["rose", "oil"].contains(model.tokenizer.token(for: states.ids[$0])) }
        #expect(vectors[0].rows == 3 && words.count == 3 && vectors[1].rows == 0)
        #expect(vectors[0].columns == encoder.dimension && encoder.dimension == model.configuration.hiddenSize)
        for (row, token) in words.enumerated() {
            #expect(abs(Similarity.dot(vectors[0].row(row), vectors[0].row(row)) - 1) < 1e-5)
            #expect(Similarity.cosine(vectors[0].row(row), states.states.row(token)) > 0.99999)
        }
    }

    /// Onto all directions a projection is a rotation, and products stay; onto few, vectors are of length 1 again.
    @Test func projectionsKeepProducts() throws {
        let model = try tiny()
        let wide = LateInteractionEncoder(model)
        let texts = ["rose oil water steam", "petals dawn cloud", "oil of roses"]
        let hidden = model.configuration.hiddenSize
        let turned = LateInteractionEncoder(model, projection: try wide.projection(to: hidden, from: texts))
        let narrow = LateInteractionEncoder(model, projection: try wide.projection(to: 3, from: texts))
        for text in texts {
            let (plain, rotated) = (try wide.encode([text], role: .query)[0], try turned.encode([text], role: .query)[0])
            for (one, other) in zip(0..<plain.rows, (0..<plain.rows).reversed()) {
                let products = [plain, rotated].map { Similarity.dot($0.row(one), $0.row(other)) }
                #expect(abs(products[0] - products[1]) < 1e-4)
            }
            let few = try narrow.encode([text], role: .query)[0]
            #expect(few.columns == 3 && few.rows == plain.rows)
            #expect((0..<few.rows).allSatisfy { abs(Similarity.dot(few.row($0), few.row($0)) - 1) < 1e-5 })
        }
        let fingerprints = [wide, turned, narrow].map(\.fingerprint)
        #expect(Set(fingerprints.map(\.id)).count == 3 && fingerprints[2].dimension == 3)
        #expect(!fingerprints[0].sharesSpace(with: model.fingerprint))
    }
}
