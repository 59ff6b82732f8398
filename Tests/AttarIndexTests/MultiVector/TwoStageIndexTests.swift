import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Testing

@Suite struct TwoStageIndexTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Documents whose sparse vectors have a weight in a column for each token's largest number: near to what MaxSim
    /// finds, and cheap.
    private func sparse(_ random: RandomTokens, documents: String? = nil) throws -> SparseIndex {
        var builder = SparseIndexBuilder(
            columns: 32, attributes: documents.map { [TwoStageIndex.documentsAttribute: $0] } ?? [:])
        for ordinal in random.lengths.indices {
            let vector = Self.weights(random.document(ordinal))
            try builder.add(columns: vector.map(\.column), weights: vector.map(\.weight))
        }
        try builder.finish(to: folder.file("weights"))
        return try SparseIndex(path: folder.file("weights"))
    }

    private static func weights(_ tokens: Matrix) -> [(column: Int32, weight: Float)] {
        (0..<32).compactMap { column in
            let largest = (0..<tokens.rows).map { tokens.values[$0 * 32 + column] }.max() ?? 0
            return largest > 0.15 ? (Int32(column), largest) : nil
        }
    }

    /// Two stages are the first stage's candidates, scored again; what is not scored is not found.
    @Test func candidatesAreThoseOfTheFirstStage() throws {
        let random = RandomTokens(documents: 250, seed: 1)
        let tokens = try random.index(.init(codec: .bfloat16), in: folder)
        let index = try TwoStageIndex(sparse: sparse(random), tokens: tokens)
        for seed in 5..<15 as Range<UInt64> {
            let query = RandomVectors.clustered(6, 32, topics: 60, seed: seed)
            let vector = Self.weights(query)
            let (columns, weights) = (vector.map(\.column), vector.map(\.weight))
            let candidates = try index.sparse.search(columns: columns, weights: weights, k: 30)
            let scores = try tokens.scores(query, documents: candidates.map(\.ordinal))
            let expected = zip(candidates, scores).map { SearchHit(ordinal: $0.ordinal, score: $1) }
                .sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) }
            let all = try index.search(
                columns: columns, weights: weights, tokens: query, k: 10, options: .init(candidates: 30))
            #expect(all.hits == Array(expected.prefix(10)) && all.scored == candidates.count)
            let fewer = try index.search(
                columns: columns, weights: weights, tokens: query, k: 10,
                options: .init(candidates: 30, cascade: .init(margin: 0.2, patience: 3)))
            #expect(fewer.scored <= all.scored && fewer.scored >= 10 && fewer.candidates == candidates.count)
            // With a candidate for every hit, order alone can change.
            let least = try index.search(
                columns: columns, weights: weights, tokens: query, k: 10, options: .init(candidates: 1))
            #expect(Set(least.hits.map(\.ordinal)) == Set(candidates.prefix(10).map(\.ordinal)))
        }
    }

    @Test func indexesOfOtherDocumentsAreRefused() throws {
        let random = RandomTokens(documents: 40, seed: 2)
        let tokens = try random.index(.init(codec: .bfloat16), in: folder)
        #expect(throws: Never.self) { try TwoStageIndex(sparse: sparse(random), tokens: tokens) }
        #expect(throws: IndexError.otherDocuments(folder.file("weights"), tokens.path)) {
            try TwoStageIndex(sparse: sparse(random, documents: "others"), tokens: tokens)
        }
        #expect(throws: IndexError.self) {
            try TwoStageIndex(sparse: sparse(RandomTokens(documents: 41, seed: 2)), tokens: tokens)
        }
    }
}
