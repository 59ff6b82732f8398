import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@Suite struct HNSWTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func graph(
        _ vectors: Matrix, _ parameters: HNSWParameters = .init(), batch: Int = 1000, threads: Int = 1,
        name: String = "a.hnsw"
    ) throws -> HNSWIndex {
        let builder = HNSWBuilder(dimension: vectors.columns, parameters: parameters, fingerprint: "f")
        for start in stride(from: 0, to: vectors.rows, by: batch) {
            try builder.append(vectors.gathered(start..<min(start + batch, vectors.rows)), threads: threads)
        }
        #expect(builder.count == vectors.rows)
        let size = try builder.write(to: folder.file(name))
        let index = try HNSWIndex(path: folder.file(name), vectors: folder.flatIndex(vectors, name: name + ".vec"))
        #expect(index.byteCount == size && index.count == vectors.rows && index.dimension == vectors.columns)
        #expect(index.parameters == parameters && index.fingerprint == "f" && !index.isExact)
        try index.verify()
        return index
    }

    /// Sizes about the number of links, the size of a group, and where scanning ends and walking begins.
    @Test(arguments: [0, 1, 2, 15, 16, 17, 33, 63, 64, 65, 130, 3000], [3, 64, 100])
    func nearlyAllOfTheBestAreFound(count: Int, dimension: Int) throws {
        let vectors = RandomVectors.clustered(count, dimension, seed: UInt64(count))
        let index = try graph(vectors)
        let exact = try folder.flatIndex(vectors)
        let queries = RandomVectors.clustered(30, dimension, seed: 999)
        for k in [1, 10, count, count + 5] {
            for row in 0..<queries.rows {
                let query = Array(queries.row(row))
                let response = try index.respond(to: query, k: k)
                #expect(response.requested == k && response.returned == min(k, count))
                #expect(response.returned == response.hits.count && response.scanned >= response.returned)
                // Scores are the vectors' own, in order, each vector once.
                for hit in response.hits { #expect(hit.score == (try exact.score(query, ordinal: hit.ordinal))) }
                #expect(response.hits == response.hits.sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) })
                #expect(Set(response.hits.map(\.ordinal)).count == response.returned)
            }
        }
        #expect(try index.recall(of: queries, k: 10, exact: exact) >= (count < 1000 ? 0.99 : 0.97))
    }

    @Test func moreCandidatesFindMore() throws {
        let vectors = RandomVectors.normal(6000, 24, seed: 3)
        let index = try graph(vectors, HNSWParameters(links: 6, candidates: 40))
        let exact = try folder.flatIndex(vectors)
        let queries = RandomVectors.normal(50, 24, seed: 4)
        let recalls = try [10, 40, 160].map { candidates in
            var found = 0
            for row in 0..<queries.rows {
                let query = Array(queries.row(row))
                let truth = Set(try exact.search(query, k: 10).map(\.ordinal))
                let options = HNSWSearchOptions(candidates: candidates, k: 10)
                let response = try index.respond(to: query, k: 10, options: options)
                found += response.hits.count { truth.contains($0.ordinal) }
            }
            return Double(found) / 500
        }
        #expect(recalls[0] < recalls[1] && recalls[1] < recalls[2] && recalls[2] > 0.95 && recalls[0] < 0.9)
    }

    @Test func theFileDependsOnSeedAndVectorsAlone() throws {
        let vectors = RandomVectors.clustered(1500, 16, seed: 5)
        func bytes(_ parameters: HNSWParameters, threads: Int, batch: Int) throws -> [UInt8] {
            _ = try graph(vectors, parameters, batch: batch, threads: threads, name: "b")
            return try LocalFileSystem().read(folder.file("b"))
        }
        let once = try bytes(.init(), threads: 1, batch: 640)
        #expect(try bytes(.init(), threads: 2, batch: 640) == once)
        #expect(try bytes(.init(), threads: 1, batch: 64) == once)
        #expect(try bytes(.init(seed: 2), threads: 1, batch: 640) != once)
    }

    @Test(arguments: [0.9, 0.5, 0.1, 0.05, 0.005])
    func filtersReturnAllThatThereIs(share: Double) throws {
        let vectors = RandomVectors.clustered(5000, 32, seed: 6)
        let (index, exact) = (try graph(vectors), try folder.flatIndex(vectors))
        var generator = SeededGenerator(seed: 7)
        // A set may be larger than the index; what it holds beyond counts for nothing.
        var allowed = OrdinalSet(capacity: 5100)
        for ordinal in 0..<UInt32(5100) where generator.uniform() < share { allowed.insert(ordinal) }
        let queries = RandomVectors.clustered(40, 32, seed: 8)
        for k in [1, 10, 100] {
            for row in 0..<queries.rows {
                let hits = try index.search(Array(queries.row(row)), k: k, allowed: allowed)
                #expect(hits.count == min(k, allowed.count(below: 5000)))
                #expect(hits.allSatisfy { allowed.contains($0.ordinal) && $0.ordinal < 5000 })
            }
        }
        #expect(try index.recall(of: queries, k: 10, allowed: allowed, exact: exact) >= 0.95)
        #expect(try index.search(Array(queries.row(0)), k: 10, allowed: OrdinalSet(capacity: 5000)) == [])
    }

    /// What is allowed stands all in one corner, the queries in another: the walk meets none of it.
    @Test func filtersFarFromTheQueryReturnAllThatThereIs() throws {
        let near = RandomVectors.clustered(4000, 16, topics: 1, seed: 9)
        let far = Matrix(rows: 1000, columns: 16, values: near.gathered(0..<1000).values.map { -$0 })
        let vectors = Matrix(rows: 5000, columns: 16, values: near.values + far.values)
        let (index, exact) = (try graph(vectors), try folder.flatIndex(vectors))
        var allowed = OrdinalSet(capacity: 5000)
        for ordinal in 4000..<UInt32(5000) { allowed.insert(ordinal) }
        let queries = near.gathered(0..<20)
        #expect(try index.recall(of: queries, k: 10, allowed: allowed, exact: exact) >= 0.95)
        for row in 0..<20 {
            let response = try index.respond(to: Array(queries.row(row)), k: 50, allowed: allowed)
            #expect(response.returned == 50 && response.scanned < 12_000)
        }
    }

    @Test(arguments: [1, 40, 3000])
    func equalVectorsAreAllFound(count: Int) throws {
        let vectors = Matrix(rows: count, columns: 4, values: [Float](repeating: 0.5, count: 4 * count))
        let index = try graph(vectors)
        for k in [1, 10, count] {
            let hits = try index.search([1, 1, 1, 1], k: k)
            #expect(hits.count == min(k, count) && hits.allSatisfy { $0.score == 2 })
            #expect(Set(hits.map(\.ordinal)).count == hits.count)
        }
    }

    @Test func zerosAndHugeNumbersDoNoHarm() throws {
        var vectors = RandomVectors.normal(200, 8, seed: 10)
        for row in 0..<50 { vectors.setRow(row, to: [Float](repeating: 0, count: 8)[...]) }
        vectors.setRow(60, to: [Float](repeating: 1e30, count: 8)[...])
        vectors.setRow(61, to: [Float](repeating: 1e-40, count: 8)[...])
        let index = try graph(vectors)
        let hits = try index.search([Float](repeating: 1, count: 8), k: 200)
        #expect(hits.count == 200 && hits[0].ordinal == 60)
    }

    @Test func whatCannotBeComparedIsRefused() throws {
        let builder = HNSWBuilder(dimension: 3, fingerprint: "f")
        #expect(throws: IndexError.notFinite(position: 4)) {
            try builder.append(Matrix(rows: 2, columns: 3, values: [0, 1, 2, 3, .nan, 5]))
        }
        #expect(throws: IndexError.dimension(expected: 3, found: 2)) {
            try builder.append(Matrix(rows: 1, columns: 2, values: [0, 1]))
        }
        #expect(builder.count == 0)
        try builder.append(Matrix(rows: 1, columns: 3, values: [0, 1, 2]))
        try builder.write(to: folder.file("c"))
        let index = try HNSWIndex(path: folder.file("c"))
        #expect(throws: IndexError.notFinite(position: 2)) { try index.search([0, 1, .infinity], k: 1) }
        #expect(throws: IndexError.dimension(expected: 3, found: 1)) { try index.search([0], k: 1) }
        #expect(try index.search([0, 1, 0], k: 0) == [])
        // Without vectors the scores are the codes': 64 / 127 · 2 for the rounded 1.
        let score = try index.search([0, 1, 0], k: 1)[0].score
        #expect(abs(score - 1) < 0.01)
        let others = try folder.flatIndex(Matrix(rows: 2, columns: 3))
        #expect(throws: IndexError.otherVectors(graph: folder.file("c"), vectors: others.path)) {
            try HNSWIndex(path: folder.file("c"), vectors: others)
        }
    }
}
