import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@Suite struct FlatVectorIndexTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        return Matrix(
            rows: rows, columns: columns, values: (0..<(rows * columns)).map { _ in Float(generator.normal()) })
    }

    private func index(
        _ vectors: Matrix, _ precision: VectorPrecision, batch: Int = 100, name: String = "a.vec"
    ) throws -> FlatVectorIndex {
        let writer = try FlatVectorWriter(
            path: folder.file(name), dimension: vectors.columns, precision: precision, fingerprint: #"{"id":"x"}"#)
        for start in stride(from: 0, to: vectors.rows, by: batch) {
            try writer.append(vectors.gathered(start..<min(start + batch, vectors.rows)))
        }
        let size = try writer.finish()
        let index = try FlatVectorIndex(path: folder.file(name))
        #expect(index.byteCount == size && index.count == vectors.rows && index.dimension == vectors.columns)
        #expect(index.precision == precision && index.fingerprint == #"{"id":"x"}"#)
        try index.verify()
        return index
    }

    @Test(arguments: [(1, 1), (3, 5), (255, 16), (256, 33), (1000, 64), (9000, 7)], VectorPrecision.allCases)
    func theSearchFindsWhatLookingAtEachVectorFinds(shape: (Int, Int), precision: VectorPrecision) throws {
        let vectors = random(shape.0, shape.1, seed: UInt64(shape.0))
        let index = try index(vectors, precision)
        let queries = random(20, shape.1, seed: 7)
        var generator = SeededGenerator(seed: 1)
        let filter = OrdinalSet.random(capacity: shape.0, &generator)
        for (number, k) in [1, 10, shape.0, shape.0 + 5].enumerated() {
            let query = Array(queries.row(number))
            let all = try (0..<UInt32(shape.0)).map {
                SearchHit(ordinal: $0, score: try index.score(query, ordinal: $0))
            }
            .sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) }
            #expect(try index.search(query, k: k) == Array(all.prefix(k)))
            #expect(try index.search(query, k: k, threads: 3) == Array(all.prefix(k)))
            let filtered = all.filter { filter.contains($0.ordinal) }
            #expect(try index.search(query, k: k, allowed: filter) == Array(filtered.prefix(k)))
        }
        let batch = try index.search(queries, k: 10, threads: 2)
        for number in 0..<queries.rows {
            #expect(try batch[number] == index.search(Array(queries.row(number)), k: 10))
        }
    }

    @Test func scoresAreInnerProducts() throws {
        let vectors = random(300, 48, seed: 2)
        let query = Array(random(1, 48, seed: 3).values)
        let (exact, coded) = (try index(vectors, .float32), try index(vectors, .int8, name: "b.vec"))
        for ordinal in [UInt32(0), 150, 299] {
            let row = vectors.row(Int(ordinal))
            var expected = 0.0
            for (one, other) in zip(row, query) { expected += Double(one) * Double(other) }
            #expect(abs(Double(try exact.score(query, ordinal: ordinal)) - expected) < 1e-4)
            // 48 products, each off by at most half a step of 3.5 / 127 in either factor.
            #expect(abs(Double(try coded.score(query, ordinal: ordinal)) - expected) < 0.5)
            #expect(exact.vector(ordinal) == Array(row))
            #expect(zip(coded.vector(ordinal), row).allSatisfy { abs($0 - $1) < 0.02 })
        }
    }

    @Test func halvesAndSignsAreInnerProductsOfWhatTheyStandFor() throws {
        for dimension in [1, 7, 48, 100] {
            let vectors = random(40, dimension, seed: 8)
            let query = Array(random(1, dimension, seed: 9).values)
            let (halves, signs) = (try index(vectors, .bfloat16), try index(vectors, .binary, name: "b.vec"))
            for ordinal in UInt32(0)..<40 {
                let row = vectors.row(Int(ordinal))
                #expect(zip(halves.vector(ordinal), row).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
                let product = zip(halves.vector(ordinal), query).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                #expect(abs(Double(try halves.score(query, ordinal: ordinal)) - product) < 1e-4)
                let size = 1 / Float(dimension).squareRoot()
                #expect(signs.vector(ordinal) == row.map { $0 > 0 ? size : -size })
                let agreeing = zip(row, query).count { ($0 > 0) == ($1 > 0) }
                let expected = Float(2 * agreeing - dimension) / Float(dimension)
                #expect(try signs.score(query, ordinal: ordinal) == expected)
            }
        }
    }

    @Test(arguments: [VectorPrecision.int8, .binary, .bfloat16])
    func rescoredCandidatesHaveTheVectorsOwnScores(precision: VectorPrecision) throws {
        let vectors = RandomVectors.clustered(2000, 64, seed: 10)
        let (exact, codes) = (try index(vectors, .float32), try index(vectors, precision, name: "b.vec"))
        let both = try RescoredVectorIndex(codes: codes, vectors: exact)
        let queries = RandomVectors.clustered(30, 64, seed: 11)
        for row in 0..<30 {
            let query = Array(queries.row(row))
            let response = try both.respond(to: query, k: 10, allowed: nil)
            #expect(response.returned == 10 && response.requested == 10)
            for hit in response.hits { #expect(hit.score == (try exact.score(query, ordinal: hit.ordinal))) }
            // With all as candidates nothing is lost.
            let whole = try RescoredVectorIndex(codes: codes, vectors: exact) { _ in 5000 }
            #expect(try whole.search(query, k: 10) == exact.search(query, k: 10))
        }
        #expect(try both.recall(of: queries, k: 10, exact: exact) >= (precision == .binary ? 0.9 : 0.99))
        let others = try index(random(3, 64, seed: 1), .float32, name: "c.vec")
        #expect(throws: IndexError.self) { try RescoredVectorIndex(codes: codes, vectors: others) }
    }

    @Test func equalScoresComeByAscendingOrdinal() throws {
        let vectors = Matrix(rows: 600, columns: 4, values: (0..<2400).map { Float(($0 / 4) % 3) })
        for precision in VectorPrecision.allCases {
            let hits = try index(vectors, precision, name: precision.rawValue).search([1, 1, 1, 1], k: 300)
            let twos = (0..<200).map { UInt32($0 * 3 + 2) }
            let ones = (0..<100).map { UInt32($0 * 3 + 1) }
            // Signs do not tell 1 from 2.
            let signs = (0..<600).filter { $0 % 3 != 0 }.prefix(300).map(UInt32.init)
            #expect(hits.map(\.ordinal) == (precision == .binary ? signs : twos + ones))
        }
    }

    @Test func queriesThatCannotBeComparedAreRefused() throws {
        let index = try index(random(5, 3, seed: 1), .float32)
        #expect(throws: IndexError.dimension(expected: 3, found: 2)) { try index.search([1, 2], k: 1) }
        #expect(throws: IndexError.notFinite(position: 1)) { try index.search([1, .nan, 2], k: 1) }
        #expect(throws: IndexError.notFinite(position: 2)) { try index.search([1, 0, .infinity], k: 1) }
        #expect(throws: IndexError.notFinite(position: 0)) {
            try index.search(Matrix(rows: 1, columns: 3, values: [.nan, 0, 0]), k: 1)
        }
        #expect(try index.search([1, 2, 3], k: 0) == [])
        #expect(try index.search([.greatestFiniteMagnitude, 0, 0], k: 5).count == 5)
    }

    @Test func vectorsThatAreNoNumbersAreNotWritten() throws {
        let writer = try FlatVectorWriter(path: folder.file("x"), dimension: 2, fingerprint: "")
        #expect(throws: IndexError.notFinite(position: 3)) {
            try writer.append(Matrix(rows: 2, columns: 2, values: [0, 1, 2, .nan]))
        }
        #expect(throws: IndexError.dimension(expected: 2, found: 1)) { try writer.append(Matrix(rows: 1, columns: 1)) }
        try writer.append(Matrix(rows: 1, columns: 2, values: [1, 2]))
        try writer.finish()
        #expect(try FlatVectorIndex(path: folder.file("x")).count == 1)
    }

    @Test(arguments: VectorPrecision.allCases)
    func anEmptyIndexFindsNothing(precision: VectorPrecision) throws {
        let index = try index(Matrix(rows: 0, columns: 8), precision)
        #expect(try index.search([Float](repeating: 1, count: 8), k: 10) == [])
        #expect(try index.search(random(3, 8, seed: 1), k: 10) == [[], [], []])
    }

    @Test(arguments: VectorPrecision.allCases)
    func alteredVectorsAreFoundByVerifyAndDoNoHarm(precision: VectorPrecision) throws {
        _ = try index(random(300, 8, seed: 4), precision)
        let whole = try LocalFileSystem().read(folder.file("a.vec"))
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<100 {
            var altered = whole
            for _ in 0..<20 { altered[Int.random(in: 64..<8000, using: &generator) % whole.count] = 0xFF }
            try folder.write(altered, to: "altered")
            guard let index = try? FlatVectorIndex(path: folder.file("altered")) else { continue }
            #expect(throws: StorageError.self) { try index.verify() }
            let hits = try index.search([1, 0, 1, 0, 1, 0, 1, 0], k: 300)
            #expect(hits.allSatisfy { !$0.score.isNaN && $0.ordinal < 300 })
        }
        for length in stride(from: 0, to: whole.count, by: 97) {
            try folder.write(Array(whole[..<length]), to: "cut")
            #expect(throws: StorageError.self) { try FlatVectorIndex(path: folder.file("cut")) }
        }
    }

    @Test func aHeaderThatContradictsTheDataIsRefused() throws {
        for header in [
            #"{"count":5,"dimension":3,"precision":"float32","fingerprint":""}"#,
            #"{"count":-1,"dimension":3,"precision":"float32","fingerprint":""}"#,
            #"{"count":9223372036854775807,"dimension":9223372036854775807,"precision":"int8","fingerprint":""}"#,
            #"{"count":4,"dimension":0,"precision":"float32","fingerprint":""}"#,
            #"{"count":4,"dimension":3,"precision":"float64","fingerprint":""}"#,
            #"{"count":16,"dimension":3,"precision":"int8","fingerprint":""}"#,
        ] {
            let writer = try SectionFileWriter(path: folder.file("bad"), kind: "vectors", version: 1)
            try writer.add("vectors", [Float](repeating: 0, count: 12))
            try writer.add("header", Array(header.utf8))
            try writer.finish()
            let error = #expect(throws: StorageError.self) { try FlatVectorIndex(path: folder.file("bad")) }
            #expect(error?.kind == .corrupt)
        }
    }
}
