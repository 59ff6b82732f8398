import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Testing

@Suite struct MultiVectorIndexTests {
    static let codecs: [TokenCodec] = [
        .bfloat16, .int8, .residual(bits: 1), .residual(bits: 2), .residual(bits: 4), .product(subspaces: 8),
    ]
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func options(_ codec: TokenCodec, lists: Bool = false, centroids: Int = 40) -> MultiVectorBuilder.Options {
        var options = MultiVectorBuilder.Options(codec: codec, lists: lists, centroids: centroids)
        options.iterations = 5
        return options
    }

    /// Scores are MaxSim with the tokens that the index says it holds, written out one product at a time.
    @Test(arguments: codecs)
    func scoresAreMaxSimWithTheKeptTokens(codec: TokenCodec) throws {
        let random = RandomTokens(documents: 120, seed: 1)
        let index = try random.index(options(codec), in: folder)
        #expect(index.count == 120 && index.tokenCount == random.tokens.rows && index.codec == codec)
        for (queryTokens, seed) in [(1, 7), (5, 8), (32, 9), (33, 10)] as [(Int, UInt64)] {
            let query = RandomVectors.clustered(queryTokens, 32, topics: 60, seed: seed)
            let listed: [UInt32] = [3, 119, 3, 5, 0, 64]
            let scores = try index.scores(query, documents: listed)
            for (document, score) in zip(listed, scores) {
                let expected = Self.maxSim(query, try index.tokens(of: document))
                // The query is rounded as well, where tokens are bfloat16 or bytes.
                let tolerance = codec == .bfloat16 || codec == .int8 ? 0.01 * Double(queryTokens) : 1e-4
                #expect(score == Float(expected) || abs(Double(score) - expected) < tolerance)
            }
            #expect(scores[3] == -.infinity && scores[0] == scores[2])
        }
    }

    private static func maxSim(_ query: Matrix, _ document: Matrix) -> Double {
        (0..<query.rows).reduce(0) { sum, row in
            sum + ((0..<document.rows).map { token in
                zip(query.row(row), document.row(token)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            }.max() ?? -.infinity)
        }
    }

    /// What is kept is near to what was given, the nearer the more bytes are spent.
    @Test func moreBytesLoseLess() throws {
        let random = RandomTokens(documents: 300, dimension: 32, seed: 2)
        func error(_ codec: TokenCodec, centroids: Int = 40) throws -> Double {
            let index = try random.index(options(codec, centroids: centroids), in: folder)
            return try (0..<300).reduce(0) { sum, ordinal in
                let kept = try index.tokens(of: UInt32(ordinal))
                return sum + zip(kept.values, random.document(ordinal).values).reduce(0.0) {
                    $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
                }
            } / Double(random.tokens.rows)
        }
        let bits = try [1, 2, 4].map { try error(.residual(bits: $0)) }
        #expect(bits[0] > 1.5 * bits[1] && bits[1] > 2 * bits[2] && bits[2] < 0.02)
        let subspaces = try [2, 4, 8, 16].map { try error(.product(subspaces: $0)) }
        #expect(zip(subspaces, subspaces.dropFirst()).allSatisfy { $0 > $1 })
        let centroids = try [5, 40, 160].map { try error(.product(subspaces: 4), centroids: $0) }
        #expect(zip(centroids, centroids.dropFirst()).allSatisfy { $0 > $1 })
        #expect(try error(.int8) < 1e-4 && error(.bfloat16) < 1e-4)
    }

    @Test(arguments: codecs)
    func theSearchOfAllDocumentsIsExhaustive(codec: TokenCodec) throws {
        let random = RandomTokens(documents: 230, seed: 3)
        let index = try random.index(options(codec), in: folder)
        let query = RandomVectors.clustered(9, 32, topics: 60, seed: 4)
        let all = try index.scores(query, documents: Array(0..<230))
        var allowed = OrdinalSet(capacity: 230)
        for ordinal in stride(from: 0, to: 230, by: 3) { allowed.insert(UInt32(ordinal)) }
        for filter in [nil, allowed] {
            let expected = all.enumerated().filter { score in
                score.element > -.infinity && filter?.contains(UInt32(score.offset)) ?? true
            }.map { SearchHit(ordinal: UInt32($0.offset), score: $0.element) }
            let sorted = expected.sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) }
            for k in [1, 10, 500] {
                let response = try index.search(query, k: k, allowed: filter)
                #expect(response.hits == Array(sorted.prefix(k)) && response.scored == filter?.count ?? 230)
            }
        }
        #expect(index.emptyDocuments == random.lengths.count { $0 == 0 })
    }

    /// MaxSim does not know in which order a document's tokens come, nor the query's.
    @Test func theOrderOfTokensDoesNotMatter() throws {
        let random = RandomTokens(documents: 40, seed: 5)
        let index = try random.index(options(.bfloat16), in: folder)
        let builder = try MultiVectorBuilder(
            path: folder.file("turned"), dimension: 32, options: options(.bfloat16), fingerprint: "f")
        for ordinal in 0..<40 {
            let document = random.document(ordinal)
            try builder.append(document.gathered((0..<document.rows).reversed()), lengths: [document.rows])
        }
        try builder.finish()
        let query = RandomVectors.clustered(6, 32, topics: 60, seed: 6)
        let documents = Array(0..<UInt32(40))
        let scores = try index.scores(query, documents: documents)
        let turned = try MultiVectorIndex(path: folder.file("turned")).scores(query, documents: documents)
        #expect(scores == turned)
    }

    /// With every centroid probed the documents are all that have tokens, and the hits those of the exhaustive search.
    @Test(arguments: codecs)
    func gatheringByAllCentroidsIsExhaustive(codec: TokenCodec) throws {
        let index = try RandomTokens(documents: 200, seed: 7).index(options(codec, lists: true), in: folder)
        let query = RandomVectors.clustered(8, 32, topics: 60, seed: 8)
        let (all, exact) = (try index.gather(query, k: 10, gathering: .init(probes: 1000)), try index.search(query, k: 10))
        #expect(all.hits == exact.hits && all.scored == 200 - index.emptyDocuments)
        var allowed = OrdinalSet(capacity: 200)
        for ordinal in 100..<150 as Range<UInt32> { allowed.insert(ordinal) }
        #expect(
            try index.gather(query, k: 10, gathering: .init(probes: 1000), allowed: allowed).hits
                == index.search(query, k: 10, allowed: allowed).hits)
    }

    /// Fewer probes gather fewer documents, each of which has a token near a token of the query; of these the best by
    /// centroids are scored.
    @Test func gatheringFindsWhatIsNearTheQuery() throws {
        let index = try RandomTokens(documents: 600, seed: 9).index(
            options(.residual(bits: 2), centroids: 120), in: folder)
        var (recall, pruned, scored, fewer) = (0, 0, 0, 0)
        for seed in 20..<40 as Range<UInt64> {
            let query = RandomVectors.clustered(6, 32, topics: 60, seed: seed)
            let truth = Set(try index.search(query, k: 10).hits.map(\.ordinal))
            let response = try index.gather(query, k: 10, gathering: .init(probes: 2))
            let few = try index.gather(query, k: 10, gathering: .init(probes: 2, candidates: 40))
            #expect(few.scored <= 40 && few.candidates == response.scored)
            recall += response.hits.count { truth.contains($0.ordinal) }
            pruned += few.hits.count { truth.contains($0.ordinal) }
            (scored, fewer) = (scored + response.scored, fewer + few.scored)
        }
        #expect(recall >= 190 && pruned >= 160 && scored < 20 * 500 && fewer < scored / 3)
    }

    @Test func candidatesOfAFirstStageAreScoredAgain() throws {
        let index = try RandomTokens(documents: 150, seed: 11).index(options(.int8), in: folder)
        let query = RandomVectors.clustered(7, 32, topics: 60, seed: 12)
        let exact = try index.search(query, k: 150)
        // A first stage that is nearly right: neighbours change places.
        let candidates = exact.hits.enumerated().sorted { ($0.offset ^ 1) < ($1.offset ^ 1) }.enumerated().map {
            SearchHit(ordinal: $0.element.element.ordinal, score: 200 - Float($0.offset))
        }
        let full = try index.rerank(query, candidates: candidates, k: 10)
        #expect(full.hits == Array(exact.hits.prefix(10)) && full.scored == candidates.count)
        let short = try index.rerank(query, candidates: candidates, k: 10, cascade: .init(margin: 0.1, patience: 3))
        #expect(short.hits == full.hits && short.scored == 13)
        #expect(throws: IndexError.ordinal(150, count: 150)) {
            try index.rerank(query, candidates: [SearchHit(ordinal: 150, score: 1)], k: 1)
        }
    }

    /// The file depends on the seed, not on the number of threads.
    @Test(arguments: codecs)
    func theFileDoesNotDependOnTheNumberOfThreads(codec: TokenCodec) throws {
        let random = RandomTokens(documents: 90, seed: 13)
        _ = try random.index(options(codec, lists: true), in: folder, name: "one", threads: 1)
        let index = try random.index(options(codec, lists: true), in: folder, name: "two", threads: 3)
        let files = try ["one", "two"].map { try LocalFileSystem().read(folder.file($0)) }
        #expect(files[0] == files[1])
        try index.verify()
        // What waited while it was built is gone.
        #expect(try LocalFileSystem().list(folder.path).sorted() == ["one", "two"])
    }

    @Test func queriesThatCannotBeComparedAreRefused() throws {
        let index = try RandomTokens(documents: 30, seed: 14).index(options(.bfloat16), in: folder)
        #expect(throws: IndexError.dimension(expected: 32, found: 31)) {
            try index.search(Matrix(rows: 2, columns: 31), k: 3)
        }
        var query = Matrix(rows: 2, columns: 32)
        #expect(try index.search(query, k: 3).hits.map(\.score) == [0, 0, 0])
        query.values[40] = .nan
        #expect(throws: IndexError.notFinite(position: 40)) { try index.search(query, k: 3) }
        #expect(try index.search(Matrix(rows: 0, columns: 32), k: 3).hits.isEmpty)
        #expect(throws: IndexError.self) { try index.gather(Matrix(rows: 1, columns: 32), k: 3) }
    }

    @Test(arguments: codecs)
    func anEmptyIndexFindsNothing(codec: TokenCodec) throws {
        for lengths in [[], [0, 0]] as [[Int]] {
            let builder = try MultiVectorBuilder(
                path: folder.file("empty"), dimension: 32, options: options(codec, lists: true), fingerprint: "f")
            try builder.append(Matrix(rows: 0, columns: 32), lengths: lengths)
            try builder.finish()
            let index = try MultiVectorIndex(path: folder.file("empty"))
            try index.verify()
            let query = RandomVectors.normal(3, 32, seed: 1)
            #expect(try index.search(query, k: 5).hits.isEmpty && index.gather(query, k: 5).hits.isEmpty)
            let scores = try index.scores(query, documents: lengths.indices.map { UInt32($0) })
            #expect(scores == lengths.map { _ in -.infinity })
        }
    }

    @Test func codecsThatDoNotFitAreRefused() throws {
        for (codec, dimension) in [
            (TokenCodec.residual(bits: 3), 32), (.residual(bits: 1), 30), (.product(subspaces: 5), 32),
            (.product(subspaces: 0), 32),
        ] {
            #expect(throws: IndexError.self) {
                try MultiVectorBuilder(
                    path: folder.file("x"), dimension: dimension, options: .init(codec: codec), fingerprint: "f")
            }
        }
        #expect(try LocalFileSystem().list(folder.path).isEmpty)
    }

    /// There are more codewords than tokens: each token has one of its own.
    @Test(arguments: [1, 7, 255])
    func fewTokensAreKeptByProductCodesAsTheyAre(count: Int) throws {
        let tokens = RandomVectors.normal(count, 32, seed: 1)
        let builder = try MultiVectorBuilder(
            path: folder.file("x"), dimension: 32, options: .init(codec: .product(subspaces: 4)), fingerprint: "f")
        try builder.append(tokens, lengths: [count])
        try builder.finish()
        let kept = try MultiVectorIndex(path: folder.file("x")).tokens(of: 0)
        for (value, original) in zip(kept.values, tokens.values) { #expect(abs(value - original) < 0.05) }
    }

    @Test func codecsHaveNames() {
        for codec in Self.codecs { #expect(TokenCodec(name: codec.description) == codec) }
        for name in ["", "pq", "pq0", "residual", "fp16", "pq-3"] { #expect(TokenCodec(name: name) == nil) }
    }
}
