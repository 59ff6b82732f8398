import AttarTensor
import Testing

struct LateInteractionTests {
    private static func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        Matrix(rows: rows, columns: columns, values: KernelTests.numbers(rows * columns, seed: seed))
    }

    @Test(arguments: LateInteractionQuery.Precision.allCases)
    func documentsAreScoredByTheirBestTokens(precision: LateInteractionQuery.Precision) {
        let (query, lengths) = (Self.matrix(20, 48, seed: 60), [5, 0, 60, 1])
        let documents = Self.matrix(lengths.reduce(0, +), 48, seed: 61)
        let scores = LateInteractionQuery(query, precision: precision).scores(documents, lengths: lengths)
        let tolerance: Double = precision == .fp32 ? 1e-4 : 0.3
        var first = 0
        for (score, length) in zip(scores, lengths) {
            let tokens = documents.gathered(first..<(first + length))
            let exact = (0..<20).reduce(0.0) { sum, q in
                sum + ((0..<length).map { Similarity.dot(query.row(q), tokens.row($0)) }.max() ?? -.infinity)
            }
            #expect(Double(score) == exact || (Double(score) - exact).magnitude < tolerance)
            let alone = Similarity.maxSim(query, tokens)
            #expect(alone == exact || (alone - exact).magnitude < 1e-4)
            first += length
        }
        #expect(scores[1] == -.infinity)
    }

    @Test func nothingGivesNothing() {
        let none = Matrix(rows: 0, columns: 8)
        #expect(Similarity.maxSim(none, Self.matrix(3, 8, seed: 62)) == 0)
        #expect(Similarity.maxSim(Self.matrix(3, 8, seed: 62), none) == -.infinity)
        #expect(LateInteractionQuery(none, precision: .bf16).scores(none, lengths: []) == [])
    }
}
