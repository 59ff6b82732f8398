import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

@Suite struct IVFTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func index(
        _ vectors: Matrix, _ quantizer: IVFQuantizer, batch: Int = 700, threads: Int = 1, rescores: Bool = true,
        name: String = "a.ivf"
    ) throws -> IVFIndex {
        let builder = IVFBuilder(quantizer: quantizer, fingerprint: "f")
        for start in stride(from: 0, to: vectors.rows, by: batch) {
            try builder.append(vectors.gathered(start..<min(start + batch, vectors.rows)), threads: threads)
        }
        #expect(builder.count == vectors.rows)
        let size = try builder.write(to: folder.file(name))
        let index = try IVFIndex(
            path: folder.file(name), vectors: rescores ? folder.flatIndex(vectors, name: name + ".vec") : nil)
        #expect(index.byteCount == size && index.count == vectors.rows && index.dimension == vectors.columns)
        #expect(index.fingerprint == "f" && !index.isExact && index.parameters.lists == quantizer.lists)
        try index.verify()
        return index
    }

    /// All ways to keep codes: half bytes and bytes, of residuals and of vectors, rotated and not.
    static let kinds: [IVFParameters] = [
        IVFParameters(lists: 13, subspaces: 8), IVFParameters(lists: 7, subspaces: 3, codesResiduals: false),
        IVFParameters(lists: 13, subspaces: 6, rotates: true), IVFParameters(lists: 9, subspaces: 4, codewords: 256),
        IVFParameters(lists: 1, subspaces: 12, codewords: 256, codesResiduals: false, rotates: true),
    ]

    private func trained(_ vectors: Matrix, _ parameters: IVFParameters) throws -> IVFQuantizer {
        var options = ProductQuantizer.Options(subspaces: parameters.subspaces, codewords: parameters.codewords)
        options.iterations = 4
        guard parameters.rotates else { return try IVFQuantizer(vectors, parameters: parameters, threads: 1) }
        // A rotation that is quick to come by: what it is fitted to is OptimizedProductQuantizer's own business.
        let rotation = Orthogonal.random(vectors.columns, seed: 5)
        let turned = MatrixProduct.transposed(vectors, rotation, threads: 1)
        let centroids = KMeans(turned, options: .init(clusters: parameters.lists, iterations: 4), threads: 1).centroids
        let plain = IVFQuantizer(
            rotation: rotation, centroids: centroids, product: try ProductQuantizer(turned, options: options, threads: 1),
            codesResiduals: parameters.codesResiduals)
        let coded = plain.coded(turned, lists: plain.lists(ofRotated: turned, threads: 1))
        return IVFQuantizer(
            rotation: rotation, centroids: centroids, product: try ProductQuantizer(coded, options: options, threads: 1),
            codesResiduals: parameters.codesResiduals)
    }

    /// The plain twin: every vector of the best lists, by the dot product with what its list and code stand for. The
    /// sheet of Distill-VQ calls it check 5: scores from the tables are `⟨q, reconstruction⟩`.
    @Test(arguments: kinds)
    func scoresAreThoseOfWhatTheCodesStandFor(parameters: IVFParameters) throws {
        let vectors = RandomVectors.clustered(611, 24, seed: 1)
        let quantizer = try trained(vectors, parameters)
        let index = try index(vectors, quantizer, rescores: false)
        let encoded = quantizer.encode(vectors, threads: 1)
        let decoded = quantizer.decodedRotated(lists: encoded.lists, codes: encoded.codes)
        let queries = RandomVectors.clustered(20, 24, seed: 2)
        for row in 0..<queries.rows {
            let query = quantizer.rotated(queries.gathered([row]), threads: 1).row(0)
            let scores = (0..<quantizer.lists).map { Similarity.dot(query, quantizer.centroids.row($0)) }
            for lists in [1, 3, quantizer.lists] where lists <= quantizer.lists {
                // Lists are chosen by centroids as bytes: where the next is about as good as the last, either may be.
                let ordered = scores.sorted(by: >) + [-.infinity]
                let (last, isClear) = (ordered[lists - 1], ordered[lists - 1] - ordered[lists] > 0.01)
                func met(_ least: Double) -> [Int] {
                    (0..<vectors.rows).filter { scores[Int(encoded.lists[$0])] >= least }
                }
                let (surely, perhaps) = (met(isClear ? last : last + 0.01), met(last - 0.01))
                let response = try index.respond(
                    to: Array(queries.row(row)), k: 611, options: IVFSearchOptions(lists: lists, k: 10))
                // All are asked for, so that all lists are met in the end.
                #expect(response.returned == 611 && response.scanned == 611)
                let some = try index.respond(
                    to: Array(queries.row(row)), k: min(5, surely.count), options: IVFSearchOptions(lists: lists, k: 5))
                #expect(surely.isEmpty || (surely.count...perhaps.count).contains(some.scanned))
                for hit in some.hits {
                    #expect(perhaps.contains(Int(hit.ordinal)))
                    let score = Float(Similarity.dot(query, decoded.row(Int(hit.ordinal))))
                    // Tables of bytes are off by half a step each.
                    let tolerance: Float = parameters.codewords == 16 ? 0.05 : 1e-5
                    #expect(abs(hit.score - score) < tolerance)
                }
            }
        }
    }

    @Test(arguments: kinds)
    func rescoredResultsAreNearlyTheBest(parameters: IVFParameters) throws {
        let vectors = RandomVectors.clustered(1500, 24, seed: 3)
        let (index, exact) = (try index(vectors, trained(vectors, parameters)), try folder.flatIndex(vectors))
        let queries = RandomVectors.clustered(40, 24, seed: 4)
        var found = 0
        for row in 0..<queries.rows {
            let query = Array(queries.row(row))
            let truth = Set(try exact.search(query, k: 10).map(\.ordinal))
            let response = try index.respond(
                to: query, k: 10, options: IVFSearchOptions(lists: parameters.lists, rescored: 200, k: 10))
            #expect(response.requested == 10 && response.returned == 10 && response.scanned == 1500)
            for hit in response.hits { #expect(hit.score == (try exact.score(query, ordinal: hit.ordinal))) }
            #expect(response.hits == response.hits.sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) })
            found += response.hits.count { truth.contains($0.ordinal) }
        }
        #expect(Double(found) / 400 > 0.95)
    }

    @Test func moreListsFindMore() throws {
        let vectors = RandomVectors.normal(4000, 16, seed: 5)
        let quantizer = try IVFQuantizer(vectors, parameters: IVFParameters(lists: 40, subspaces: 8), threads: 1)
        let (index, exact) = (try index(vectors, quantizer), try folder.flatIndex(vectors))
        let queries = RandomVectors.normal(40, 16, seed: 6)
        let recalls = try [1, 4, 40].map { lists in
            var found = 0
            for row in 0..<queries.rows {
                let query = Array(queries.row(row))
                let truth = Set(try exact.search(query, k: 10).map(\.ordinal))
                let options = IVFSearchOptions(lists: lists, rescored: 400, k: 10)
                found += try index.respond(to: query, k: 10, options: options).hits.count { truth.contains($0.ordinal) }
            }
            return Double(found) / 400
        }
        #expect(recalls[0] < recalls[1] && recalls[1] < recalls[2] && recalls[2] > 0.97)
    }

    @Test func aMarginPassesOverListsThatAreFarWorse() throws {
        let vectors = RandomVectors.clustered(3000, 24, seed: 15)
        let quantizer = try IVFQuantizer(vectors, parameters: IVFParameters(lists: 50, subspaces: 8), threads: 1)
        let index = try index(vectors, quantizer)
        let lists = quantizer.lists(ofRotated: vectors, threads: 1)
        let queries = RandomVectors.clustered(20, 24, seed: 16)
        var allowed = OrdinalSet(capacity: 3000)
        for ordinal in stride(from: UInt32(0), to: 3000, by: 300) { allowed.insert(ordinal) }
        for row in 0..<queries.rows {
            let query = Array(queries.row(row))
            let scores = (0..<50).map { Similarity.dot(query[...], quantizer.centroids.row($0)) }
            let best = scores.max() ?? 0
            /// The vectors of lists whose centroid is at most so much worse.
            func near(_ margin: Double) -> Int { lists.count { scores[Int($0)] >= best - margin } }
            for margin in [0.05, 0.2, 0.5] {
                let options = IVFSearchOptions(lists: 50, margin: Float(margin), k: 1)
                let scanned = try index.respond(to: query, k: 1, options: options).scanned
                // Centroids are scored as bytes.
                #expect((near(margin - 0.02)...near(margin + 0.02)).contains(scanned))
                // There are as many results as asked for, whatever the margin, and filters do not suffer from it.
                #expect(try index.respond(to: query, k: 1000, options: options).returned == 1000)
                let filtered = try index.respond(to: query, k: 10, allowed: allowed, options: options)
                #expect(filtered.returned == 10)
            }
            let wide = try index.respond(to: query, k: 10, options: IVFSearchOptions(lists: 9, margin: 1e6, k: 10))
            #expect(wide == (try index.respond(to: query, k: 10, options: IVFSearchOptions(lists: 9, k: 10))))
        }
    }

    /// Sizes about that of a block, and lists without a vector.
    @Test(arguments: [0, 1, 31, 32, 33, 64, 200], [1, 5, 64])
    func anyNumberOfVectorsIsFound(count: Int, lists: Int) throws {
        let training = RandomVectors.normal(400, 6, seed: 7)
        let quantizer = try IVFQuantizer(training, parameters: IVFParameters(lists: lists, subspaces: 3), threads: 1)
        let vectors = RandomVectors.normal(count, 6, seed: 8)
        let index = try index(vectors, quantizer)
        for k in [0, 1, 10, count, count + 5] {
            let response = try index.respond(to: [1, 0, -1, 0.5, 0, 2], k: k)
            #expect(response.returned == min(k, count) && response.requested == k)
            #expect(Set(response.hits.map(\.ordinal)).count == response.returned)
        }
    }

    @Test func theFileDependsOnVectorsAndSeedAlone() throws {
        let vectors = RandomVectors.clustered(1500, 16, seed: 9)
        func bytes(seed: UInt64, threads: Int, batch: Int) throws -> [UInt8] {
            let parameters = IVFParameters(lists: 20, subspaces: 8, seed: seed)
            let quantizer = try IVFQuantizer(vectors, parameters: parameters, threads: threads)
            _ = try index(vectors, quantizer, batch: batch, threads: threads, name: "b")
            return try LocalFileSystem().read(folder.file("b"))
        }
        let once = try bytes(seed: 1, threads: 1, batch: 700)
        #expect(try bytes(seed: 1, threads: 2, batch: 700) == once)
        #expect(try bytes(seed: 1, threads: 1, batch: 33) == once)
        #expect(try bytes(seed: 2, threads: 1, batch: 700) != once)
        // From a file, part by part, the same comes out.
        let quantizer = try IVFQuantizer(
            folder.flatIndex(vectors), parameters: IVFParameters(lists: 20, subspaces: 8), threads: 1)
        let builder = IVFBuilder(quantizer: quantizer, fingerprint: "f")
        try builder.append(folder.flatIndex(vectors), threads: 1)
        try builder.write(to: folder.file("c"))
        #expect(try LocalFileSystem().read(folder.file("c")) == once)
    }

    @Test(arguments: [0.9, 0.5, 0.05, 0.005])
    func filtersReturnAllThatThereIs(share: Double) throws {
        let vectors = RandomVectors.clustered(5000, 32, seed: 10)
        let quantizer = try IVFQuantizer(vectors, parameters: IVFParameters(lists: 64, subspaces: 16), threads: 1)
        let (index, exact) = (try index(vectors, quantizer), try folder.flatIndex(vectors))
        var generator = SeededGenerator(seed: 11)
        // A set may be larger than the index; what it holds beyond counts for nothing.
        var allowed = OrdinalSet(capacity: 5100)
        for ordinal in 0..<UInt32(5100) where generator.uniform() < share { allowed.insert(ordinal) }
        let queries = RandomVectors.clustered(40, 32, seed: 12)
        for k in [1, 10, 100] {
            for row in 0..<queries.rows {
                let options = IVFSearchOptions(lists: 8, k: k)
                let hits = try index.respond(
                    to: Array(queries.row(row)), k: k, allowed: allowed, options: options).hits
                #expect(hits.count == min(k, allowed.count(below: 5000)))
                #expect(hits.allSatisfy { allowed.contains($0.ordinal) && $0.ordinal < 5000 })
            }
        }
        #expect(try index.recall(of: queries, k: 10, allowed: allowed, exact: exact) >= 0.95)
        #expect(try index.search(Array(queries.row(0)), k: 10, allowed: OrdinalSet(capacity: 5000)) == [])
    }

    @Test func zerosAndHugeNumbersDoNoHarm() throws {
        var vectors = RandomVectors.normal(200, 8, seed: 13)
        for row in 0..<50 { vectors.setRow(row, to: [Float](repeating: 0, count: 8)[...]) }
        vectors.setRow(60, to: [Float](repeating: 1e15, count: 8)[...])
        vectors.setRow(61, to: [Float](repeating: 1e-40, count: 8)[...])
        let quantizer = try IVFQuantizer(vectors, parameters: IVFParameters(lists: 4, subspaces: 4), threads: 1)
        let hits = try index(vectors, quantizer).search([Float](repeating: 1, count: 8), k: 200)
        #expect(hits.count == 200 && hits[0].ordinal == 60)
    }

    @Test func whatCannotBeIsRefused() throws {
        let vectors = RandomVectors.normal(100, 6, seed: 14)
        for (parameters, words) in [
            (IVFParameters(lists: 4, subspaces: 4), "4 subspaces do not divide 6"),
            (IVFParameters(lists: 0, subspaces: 3), "0 lists"),
            (IVFParameters(lists: 4, subspaces: 3, codewords: 32), "32 codewords"),
            (IVFParameters(lists: 4, subspaces: 3, codewords: 256), "100 vectors are too few for 256"),
        ] {
            let error = #expect(throws: IndexError.self) { try IVFQuantizer(vectors, parameters: parameters, threads: 1) }
            #expect(error?.description.contains(words) ?? false, "\(String(describing: error))")
        }
        let quantizer = try IVFQuantizer(vectors, parameters: IVFParameters(lists: 4, subspaces: 3), threads: 1)
        let builder = IVFBuilder(quantizer: quantizer, fingerprint: "f")
        #expect(throws: IndexError.notFinite(position: 4)) {
            try builder.append(Matrix(rows: 1, columns: 6, values: [0, 1, 2, 3, .nan, 5]))
        }
        #expect(throws: IndexError.dimension(expected: 6, found: 2)) {
            try builder.append(Matrix(rows: 1, columns: 2, values: [0, 1]))
        }
        #expect(builder.count == 0)
        let index = try index(vectors, quantizer)
        #expect(throws: IndexError.notFinite(position: 2)) { try index.search([0, 1, .infinity, 0, 0, 0], k: 1) }
        #expect(throws: IndexError.dimension(expected: 6, found: 1)) { try index.search([0], k: 1) }
        let others = try folder.flatIndex(Matrix(rows: 2, columns: 6))
        #expect(throws: IndexError.otherVectors(graph: folder.file("a.ivf"), vectors: others.path)) {
            try IVFIndex(path: folder.file("a.ivf"), vectors: others)
        }
    }
}
