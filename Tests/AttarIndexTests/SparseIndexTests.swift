import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

/// Sparse vectors as encoders make them: few columns that most have, many that few have, weights of all sizes.
private struct RandomSparseVectors {
    let rows: [[(column: Int32, weight: Float)]]
    let width: Int
    var generator: SeededGenerator

    init(seed: UInt64, count: Int, width: Int, meanLength: Int) {
        var generator = SeededGenerator(seed: seed)
        rows = (0..<count).map { _ in
            Self.row(&generator, width: width, length: Int(generator.uniform() * Double(2 * meanLength)))
        }
        self.width = width
        self.generator = generator
    }

    private static func row(
        _ generator: inout SeededGenerator, width: Int, length: Int
    ) -> [(column: Int32, weight: Float)] {
        let columns = Set((0..<length).map { _ in
            Int32(generator.uniform() * generator.uniform() * generator.uniform() * Double(width))
        })
        return columns.sorted().map { ($0, Float(generator.uniform() * generator.uniform()) * 3 + 1e-6) }
    }

    mutating func query(length: Int) -> [(column: Int32, weight: Float)] {
        Self.row(&generator, width: width + 3, length: length)
    }

    func write(to path: String) throws -> SparseIndex {
        var builder = SparseIndexBuilder(columns: width, attributes: ["encoder": "e"])
        for row in rows { try builder.add(columns: row.map(\.column), weights: row.map(\.weight)) }
        let size = try builder.finish(to: path)
        let index = try SparseIndex(path: path)
        precondition(index.byteCount == size)
        return index
    }
}

@Suite struct SparseIndexTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// The exhaustive twin: the very products that the search adds, over the codes that the file holds, in doubles,
    /// which sum multiples of the grid exactly.
    private func exhaustive(
        _ index: SparseIndex, _ query: [(column: Int32, weight: Float)]
    ) throws -> [SearchHit] {
        let plan = index.plan(query.map(\.column), query.map(\.weight))
        let weights = Dictionary(uniqueKeysWithValues: plan.weights.map { ($0.column, $0.weight) })
        var hits: [SearchHit] = []
        for ordinal in 0..<UInt32(index.passages) {
            let range = try index.vectors.range(of: ordinal)
            let parts = range.compactMap { place in
                weights[Int(index.vectors.columns[place])].map {
                    Double(plan.grid.rounded($0 * Float(index.vectors.codes[place])))
                }
            }
            if !parts.isEmpty { hits.append(SearchHit(ordinal: ordinal, score: Float(parts.reduce(0, +)))) }
        }
        return hits.sorted { ($1.score, $0.ordinal) < ($0.score, $1.ordinal) }
    }

    @Test(arguments: [
        (0, 1, 5, 3), (1, 127, 40, 6), (2, 130, 10, 8), (3, 5000, 60, 12), (4, 9000, 300, 25), (5, 20000, 2000, 30),
    ])
    func theSearchFindsWhatAnExhaustiveOneFinds(seed: Int, count: Int, width: Int, length: Int) throws {
        var vectors = RandomSparseVectors(seed: UInt64(seed), count: count, width: width, meanLength: length)
        let index = try vectors.write(to: folder.file("random.sparse"))
        try index.verify()
        var generator = SeededGenerator(seed: UInt64(seed))
        for size in [1, 2, 6, 20, 60] {
            let query = vectors.query(length: size)
            let (columns, weights) = (query.map(\.column), query.map(\.weight))
            let all = try exhaustive(index, query)
            let filter = OrdinalSet.random(capacity: count, &generator)
            for k in [1, 10, 100, count] {
                #expect(try index.search(columns: columns, weights: weights, k: k) == Array(all.prefix(k)))
                let filtered = all.filter { filter.contains($0.ordinal) }.prefix(k)
                #expect(try index.search(columns: columns, weights: weights, k: k, allowed: filter) == Array(filtered))
                #expect(
                    try index.search(columns: columns.reversed(), weights: weights.reversed(), k: k)
                        == Array(all.prefix(k)))
            }
        }
    }

    @Test func weightsAreKeptWithinHalfAStep() throws {
        let vectors = RandomSparseVectors(seed: 7, count: 300, width: 200, meanLength: 20)
        let index = try vectors.write(to: folder.file("kept"))
        let largest = vectors.rows.flatMap { $0.map(\.weight) }.max() ?? 0
        let matrix = try index.matrix()
        #expect(matrix.rowCount == 300 && index.attributes == ["encoder": "e"])
        for (ordinal, row) in vectors.rows.enumerated() {
            let kept = matrix.row(ordinal)
            #expect(kept.columns == row.map(\.column))
            for (weight, given) in zip(kept.values, row) {
                #expect(abs(weight - given.weight) <= 1.01 * largest / 65_534)
            }
        }
    }

    @Test func aBolderSearchFindsMostAndIsRightAboutScores() throws {
        var vectors = RandomSparseVectors(seed: 8, count: 30_000, width: 400, meanLength: 40)
        let index = try vectors.write(to: folder.file("bold"))
        var found = 0
        for _ in 0..<20 {
            let query = vectors.query(length: 40)
            let (columns, weights) = (query.map(\.column), query.map(\.weight))
            let exact = try index.search(columns: columns, weights: weights, k: 10)
            let bold = try index.search(
                columns: columns, weights: weights, k: 10, effort: SparseSearchEffort(candidates: 200))
            let scores = Dictionary(uniqueKeysWithValues: try exhaustive(index, query).map { ($0.ordinal, $0.score) })
            for hit in bold { #expect(scores[hit.ordinal] == hit.score) }
            found += Set(exact.map(\.ordinal)).intersection(bold.map(\.ordinal)).count
        }
        #expect(found >= 180, "\(found) of 200")
    }

    @Test func whatIsNoVectorIsRefusedAndLeavesNothing() throws {
        var builder = SparseIndexBuilder(columns: 10)
        #expect(throws: IndexError.columns(found: 10, width: 10)) { try builder.add(columns: [3, 10], weights: [1, 1]) }
        #expect(throws: IndexError.columns(found: 3, width: 10)) { try builder.add(columns: [3, 3], weights: [1, 1]) }
        #expect(throws: IndexError.columns(found: -1, width: 10)) { try builder.add(columns: [-1], weights: [1]) }
        #expect(throws: IndexError.notFinite(position: 1)) { try builder.add(columns: [1, 2], weights: [1, .nan]) }
        #expect(builder.passages == 0)
        try builder.add(columns: [1, 2, 5], weights: [1, 0, -3])
        try builder.finish(to: folder.file("one"))
        let index = try SparseIndex(path: folder.file("one"))
        #expect(index.postingCount == 1 && index.passages == 1)
        #expect(try index.search(columns: [1], weights: [2], k: 3).count == 1)
        #expect(try index.search(columns: [2, 5, 99, -4], weights: [1, 1, 1, 1], k: 3) == [])
        #expect(try index.search(columns: [1], weights: [.infinity], k: 3) == [])
        // A column that stands twice counts twice.
        let twice = try index.search(columns: [1, 1], weights: [1, 2], k: 1), once = try index.search(columns: [1], weights: [3], k: 1)
        #expect(twice == once)
    }

    @Test func emptyIndexesFindNothing() throws {
        for (columns, rows) in [(0, 0), (0, 2), (4, 0), (4, 3)] {
            var builder = SparseIndexBuilder(columns: columns)
            for _ in 0..<rows { try builder.add(columns: [], weights: []) }
            try builder.finish(to: folder.file("empty"))
            let index = try SparseIndex(path: folder.file("empty"))
            try index.verify()
            #expect(try index.search(columns: [0, 1], weights: [1, 1], k: 5) == [])
        }
    }

    /// Flips bytes of a valid index; nothing may crash or read out of bounds, and `verify` must notice.
    @Test(arguments: 0..<6)
    func alteredBytesAreFoundByVerifyAndNeverCrashASearch(seed: UInt64) throws {
        var vectors = RandomSparseVectors(seed: seed, count: 3000, width: 40, meanLength: 14)
        _ = try vectors.write(to: folder.file("whole"))
        let whole = try LocalFileSystem().read(folder.file("whole"))
        let sections = try SectionFile(path: folder.file("whole"), kind: "sparse", newestVersion: 1).sections
        var generator = SeededGenerator(seed: seed)
        let query = vectors.query(length: 30)
        let (columns, weights) = (query.map(\.column), query.map(\.weight))
        for _ in 0..<40 {
            let section = try #require(sections.filter { $0.length > 0 }.randomElement(using: &generator))
            var altered = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                altered[section.offset + Int.random(in: 0..<section.length, using: &generator)]
                    = UInt8.random(in: 0...255, using: &generator)
            }
            if altered == whole { continue }
            try folder.write(altered, to: "altered")
            do {
                let index = try SparseIndex(path: folder.file("altered"))
                #expect(throws: StorageError.self) { try index.verify() }
                for k in [1, 10, 3000] { _ = try? index.search(columns: columns, weights: weights, k: k) }
                _ = try? index.search(
                    columns: columns, weights: weights, k: 10, effort: SparseSearchEffort(columns: 5, candidates: 20))
                _ = try? index.matrix()
            } catch let error as StorageError {
                #expect(error.kind == .corrupt)
            }
        }
    }
}

@Suite struct SparseIndexMergerTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private typealias Row = [(column: Int32, weight: Float)]

    @discardableResult
    private func build(_ rows: [Row], _ name: String, width: Int = 50) throws -> SparseIndex {
        var builder = SparseIndexBuilder(columns: width, attributes: ["encoder": "e"])
        for row in rows { try builder.add(columns: row.map(\.column), weights: row.map(\.weight)) }
        try builder.finish(to: folder.file(name))
        return try SparseIndex(path: folder.file(name))
    }

    /// Two parts and what is left of them; the first row of each part has the largest weight and stays.
    private func parts(_ seed: UInt64, largest: [Float]) throws -> (sources: [SparseIndexMerger.Source], left: [Row]) {
        var (sources, left): ([SparseIndexMerger.Source], [Row]) = ([], [])
        for (part, weight) in largest.enumerated() {
            var vectors = RandomSparseVectors(seed: seed + UInt64(part), count: 3000, width: 50, meanLength: 8)
            let rows: [Row] = [[(0, weight)]] + vectors.rows
            var live = OrdinalSet(capacity: rows.count, full: true)
            for ordinal in 1..<rows.count where vectors.generator.uniform() < 0.3 { live.remove(UInt32(ordinal)) }
            sources.append((try build(rows, "part-\(part)"), live))
            left += rows.indices.filter { live.contains(UInt32($0)) }.map { rows[$0] }
        }
        return (sources, left)
    }

    @Test(arguments: 0..<3) func equalStepsGiveTheBytesOfAnIndexBuiltAnew(seed: UInt64) throws {
        let (sources, left) = try parts(seed, largest: [7, 7])
        var generator = SeededGenerator(seed: seed)
        for order in [nil, (0..<UInt32(left.count)).shuffled(using: &generator)] {
            try SparseIndexMerger(sources).write(to: folder.file("merged"), order: order)
            try build(order.map { $0.map { left[Int($0)] } } ?? left, "anew")
            #expect(try LocalFileSystem().read(folder.file("merged")) == LocalFileSystem().read(folder.file("anew")))
        }
    }

    @Test func otherStepsMoveWeightsByHalfAStepAtMost() throws {
        let (sources, left) = try parts(5, largest: [4, 9])
        try SparseIndexMerger(sources).write(to: folder.file("merged"))
        let merged = try SparseIndex(path: folder.file("merged"))
        try merged.verify()
        let matrix = try merged.matrix()
        for (place, row) in left.enumerated() {
            #expect(matrix.row(place).columns == row.map(\.column))
            for (kept, given) in zip(matrix.row(place).values, row.map(\.weight)) {
                // Half a step of the part and half of the whole; at least one step is kept.
                #expect(abs(kept - given) <= 1.01 * 9 / 65_534)
            }
        }
    }

    @Test func indexesOfOtherWidthsAreRefused() throws {
        let sources = try [50, 51].map { (try build([[(1, 2)]], "of-\($0)", width: $0), nil as OrdinalSet?) }
        #expect(throws: IndexError.self) { try SparseIndexMerger(sources) }
    }
}
