import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Graphs that go on without some of their vectors and with others.
@Suite struct HNSWUpdateTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func written(_ builder: HNSWBuilder, vectors: FlatVectorIndex? = nil) throws -> HNSWIndex {
        try builder.write(to: folder.file("a.hnsw"))
        let index = try HNSWIndex(path: folder.file("a.hnsw"), vectors: vectors)
        try index.verify()
        return index
    }

    @Test func goingOnChangesNothingByItself() throws {
        let vectors = RandomVectors.clustered(1000, 16, seed: 1)
        let builder = HNSWBuilder(dimension: 16, fingerprint: "f")
        try builder.append(vectors)
        let index = try written(builder)
        let bytes = try LocalFileSystem().read(folder.file("a.hnsw"))
        _ = try written(HNSWBuilder(continuing: index))
        #expect(try LocalFileSystem().read(folder.file("a.hnsw")) == bytes)
        _ = try written(HNSWBuilder(continuing: index, keeping: OrdinalSet(capacity: 1000, full: true), threads: 2))
        #expect(try LocalFileSystem().read(folder.file("a.hnsw")) == bytes)
    }

    /// Half of the vectors are replaced, a fiftieth at a time.
    @Test func smallReplacementsLeaveAGraphAsGoodAsANewOne() throws {
        let all = RandomVectors.clustered(6000, 32, seed: 2)
        var live = Array(0..<4000)
        var builder = HNSWBuilder(dimension: 32, fingerprint: "f")
        try builder.append(all.gathered(live))
        var generator = SeededGenerator(seed: 3)
        for round in 0..<25 {
            let index = try written(builder)
            var kept = OrdinalSet(capacity: live.count, full: true)
            for position in generator.permutation(of: live.count).prefix(80) { kept.remove(UInt32(position)) }
            builder = try HNSWBuilder(continuing: index, keeping: kept)
            live = live.indices.filter { kept.contains(UInt32($0)) }.map { live[$0] }
            let new = Array((4000 + 80 * round)..<(4080 + 80 * round))
            try builder.append(all.gathered(new))
            live += new
        }
        let vectors = try folder.flatIndex(all.gathered(live))
        let churned = try written(builder, vectors: vectors)
        let queries = RandomVectors.clustered(100, 32, seed: 4)
        let recall = try churned.recall(of: queries, k: 10, exact: vectors)
        let scanned = try churned.respond(to: Array(queries.row(0)), k: 10).scanned
        let fresh = HNSWBuilder(dimension: 32, fingerprint: "f")
        try fresh.append(all.gathered(live))
        let new = try written(fresh, vectors: vectors)
        #expect(recall >= (try new.recall(of: queries, k: 10, exact: vectors)) - 0.01)
        #expect(Double(scanned) <= 1.3 * Double(try new.respond(to: Array(queries.row(0)), k: 10).scanned))
    }

    @Test(arguments: [0.0, 0.01, 0.3, 1.0])
    func whatStaysKeepsItsOrder(share: Double) throws {
        let all = RandomVectors.clustered(2000, 16, seed: 5)
        let builder = HNSWBuilder(dimension: 16, parameters: .init(links: 4, candidates: 50), fingerprint: "f")
        try builder.append(all)
        var kept = OrdinalSet(capacity: 2000)
        var generator = SeededGenerator(seed: 6)
        for ordinal in 0..<UInt32(2000) where generator.uniform() < share { kept.insert(ordinal) }
        let index = try written(builder)
        let smaller = try HNSWBuilder(continuing: index, keeping: kept)
        #expect(smaller.count == kept.count && smaller.parameters == builder.parameters)
        // Also the empty one goes on.
        let more = RandomVectors.clustered(300, 16, seed: 7)
        try smaller.append(more)
        let live = (0..<2000).filter { kept.contains(UInt32($0)) }
        let matrix = all.gathered(live)
        let vectors = try folder.flatIndex(Matrix(rows: live.count + 300, columns: 16, values: matrix.values + more.values))
        let queries = RandomVectors.clustered(40, 16, seed: 8)
        #expect(try written(smaller, vectors: vectors).recall(of: queries, k: 10, exact: vectors) > 0.9)
    }

    /// A whole neighbourhood goes, and with it everybody's ways.
    @Test func waysLeadAroundAHole() throws {
        let all = RandomVectors.normal(4000, 2, seed: 9)
        let builder = HNSWBuilder(dimension: 2, parameters: .init(links: 4, candidates: 50), fingerprint: "f")
        try builder.append(all)
        let index = try written(builder)
        var kept = OrdinalSet(capacity: 4000)
        for row in 0..<4000 where all.row(row).allSatisfy({ $0 > 0.5 }) || all.row(row).allSatisfy({ $0 < -0.5 }) {
            kept.insert(UInt32(row))
        }
        let live = (0..<4000).filter { kept.contains(UInt32($0)) }
        let vectors = try folder.flatIndex(all.gathered(live))
        let rest = try written(HNSWBuilder(continuing: index, keeping: kept), vectors: vectors)
        let queries = RandomVectors.normal(50, 2, seed: 10)
        #expect(try rest.recall(of: queries, k: 10, exact: vectors) > 0.95)
    }
}
