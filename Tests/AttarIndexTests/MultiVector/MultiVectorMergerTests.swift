import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Several multi-vector indexes made one. `ATTAR_FUZZ_MINUTES=10 swift test … --filter MultiVectorMergerTests` goes on
/// for 10 minutes each.
@Suite struct MultiVectorMergerTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private static let codecs: [TokenCodec] = [.bfloat16, .int8, .residual(bits: 2), .product(subspaces: 8)]

    private func index(
        _ name: String, _ codec: TokenCodec, documents: Int, seed: UInt64, lists: Bool = false
    ) throws -> MultiVectorIndex {
        try RandomTokens(documents: documents, seed: seed).index(
            .init(codec: codec, lists: lists), in: folder, name: name)
    }

    private func merged(
        _ sources: [MultiVectorMerger.Source], order: [UInt32]? = nil, threads: Int = 2, name: String = "merged"
    ) throws -> MultiVectorIndex {
        try MultiVectorMerger(sources).write(to: folder.file(name), order: order, threads: threads)
        let index = try MultiVectorIndex(path: folder.file(name))
        try index.verify()
        return index
    }

    /// Every third document goes.
    private func two(of count: Int) -> OrdinalSet {
        var live = OrdinalSet(capacity: count)
        for ordinal in 0..<UInt32(count) where ordinal % 3 != 1 { live.insert(ordinal) }
        return live
    }

    /// The squared distance between what two indexes keep of documents, as a share of the vectors' squared lengths.
    private func loss(
        _ found: MultiVectorIndex, _ document: UInt32, _ source: MultiVectorIndex, _ original: UInt32
    ) throws -> Float {
        let (kept, was) = (try found.tokens(of: document), try source.tokens(of: original))
        #expect(kept.rows == was.rows)
        guard was.rows > 0 else { return 0 }
        let lengths = was.values.reduce(0) { $0 + $1 * $1 }
        return zip(kept.values, was.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / lengths
    }

    /// Documents that stay keep their tokens: bit for bit those of the larger index and of plain codecs, nearly the
    /// others.
    @Test(arguments: codecs, [false, true])
    func documentsKeepTheirTokens(codec: TokenCodec, reorders: Bool) throws {
        let large = try index("large", codec, documents: 200, seed: 1)
        let small = try index("small", codec, documents: 60, seed: 2)
        let live = two(of: 200)
        var places: [(MultiVectorIndex, UInt32)] = []
        live.forEach { places.append((large, $0)) }
        for ordinal in 0..<UInt32(60) { places.append((small, ordinal)) }
        var order: [UInt32]?
        if reorders {
            var generator = SeededGenerator(seed: 3)
            order = (0..<UInt32(places.count)).shuffled(using: &generator)
            places = order?.map { places[Int($0)] } ?? []
        }
        let found = try merged([(large, live), (small, nil)], order: order)
        #expect(found.count == places.count && found.codec == codec && found.fingerprint == large.fingerprint)
        #expect(found.emptyDocuments == places.count { place in place.0.isEmpty(place.1) })
        var sum: Float = 0
        for (ordinal, place) in places.enumerated() {
            let loss = try loss(found, UInt32(ordinal), place.0, place.1)
            if !codec.needsCentroids || place.0 === large { #expect(loss == 0) }
            sum += loss
        }
        #expect(sum / 60 < 0.3, "coding anew loses \(sum / 60) of a token")
        // The number of threads changes nothing.
        let once = try merged([(large, live), (small, nil)], order: order, threads: 1, name: "once")
        #expect(try LocalFileSystem().read(once.path) == LocalFileSystem().read(found.path))
    }

    /// Searches find what those of an index that was built of all tokens find.
    @Test(arguments: codecs)
    func searchesFindAsMuchAsThoseOfABuildAnew(codec: TokenCodec) throws {
        let parts = try (0..<4).map { try index("part\($0)", codec, documents: 120, seed: UInt64(10 + $0), lists: true) }
        let found = try merged(parts.map { ($0, nil) })
        let exact = try merged(
            (0..<4).map { (try index("exact\($0)", .bfloat16, documents: 120, seed: UInt64(10 + $0)), nil) },
            name: "exact")
        var (common, gathered) = (0, 0)
        for seed in 0..<20 {
            let query = RandomVectors.clustered(8, 32, topics: 60, seed: UInt64(500 + seed))
            let truth = Set(try exact.search(query, k: 10).hits.map(\.ordinal))
            common += try found.search(query, k: 10).hits.count { truth.contains($0.ordinal) }
            guard codec.needsCentroids else { continue }
            gathered += try found.gather(query, k: 10, gathering: .init(probes: 4)).hits.count { truth.contains($0.ordinal) }
        }
        #expect(common >= (codec.needsCentroids ? 120 : 185), "\(common) of 200")
        if codec.needsCentroids { #expect(gathered > common - 30, "\(gathered) of \(common)") }
    }

    /// However small the indexes are that a large one grew out of, it has as many centroids as suit it.
    @Test func centroidsBecomeMoreAsTheIndexGrows() throws {
        var grown = try index("grown0", .residual(bits: 2), documents: 20, seed: 100)
        let first = grown.centroidCount
        for round in 1..<30 {
            let more = try index("more", .residual(bits: 2), documents: 20, seed: UInt64(100 + round))
            grown = try merged([(grown, nil), (more, nil)], name: "grown\(round)")
        }
        let whole = try index("whole", .residual(bits: 2), documents: 600, seed: 7)
        #expect(grown.count == 600 && grown.centroidCount > 2 * first)
        #expect(2 * grown.centroidCount >= whole.centroidCount)
        // The tokens of the first were coded anew several times.
        let original = RandomTokens(documents: 20, seed: 100)
        for ordinal in 0..<UInt32(20) where original.lengths[Int(ordinal)] > 0 {
            let (kept, was) = (try grown.tokens(of: ordinal), original.document(Int(ordinal)))
            let error = zip(kept.values, was.values).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            #expect(error / Float(was.rows) < 0.4)
        }
    }

    @Test(arguments: codecs)
    func nothingAndEmptyDocumentsCanBeMerged(codec: TokenCodec) throws {
        let builder = try MultiVectorBuilder(
            path: folder.file("empty"), dimension: 32, options: .init(codec: codec), fingerprint: "f")
        try builder.append(Matrix(rows: 0, columns: 32), lengths: [0, 0])
        try builder.finish()
        let empty = try MultiVectorIndex(path: folder.file("empty"))
        let some = try index("some", codec, documents: 9, seed: 4)
        #expect(try merged([(empty, nil), (empty, nil)]).count == 4)
        let found = try merged([(empty, nil), (some, nil), (empty, OrdinalSet(capacity: 2))])
        #expect(found.count == 11 && found.tokenCount == some.tokenCount)
        let none = try merged([(some, OrdinalSet(capacity: 9))])
        #expect(none.count == 0 && none.tokenCount == 0)
        #expect(try none.search(RandomVectors.normal(2, 32, seed: 1), k: 3).hits.isEmpty)
    }

    @Test func indexesOfDifferentKindsAreRefused() throws {
        let first = try index("first", .int8, documents: 5, seed: 1)
        let others = [
            try index("codec", .bfloat16, documents: 5, seed: 1),
            try RandomTokens(documents: 5, dimension: 16, seed: 1).index(.init(codec: .int8), in: folder, name: "width"),
        ]
        for other in others {
            #expect(throws: IndexError.self) { try MultiVectorMerger([(first, nil), (other, nil)]) }
        }
    }

    /// Whatever a file holds, a merge with it is refused or makes a file that searches stay within.
    @Test(arguments: codecs, [5, 60])
    func liesWithTrueChecksumsDoNoHarm(codec: TokenCodec, documents: Int) throws {
        _ = try index("whole", codec, documents: 30, seed: 1, lists: true)
        let other = try index("other", codec, documents: documents, seed: 2, lists: true)
        let source = try SectionFile(path: folder.file("whole"), kind: "multivector", newestVersion: 1)
        let query = RandomVectors.normal(4, 32, seed: 3)
        var (refused, made) = (0, 0)
        FuzzBudget.run(rounds: 150) { seed in
            do {
                try SectionMutator.rewrite(
                    source, to: folder.file("lies"), sparing: ["header"], numbers: [29, 30, 31], seed: seed)
                let lies = try MultiVectorIndex(path: folder.file("lies"))
                for sources in [[lies, other], [other, lies]] {
                    try MultiVectorMerger(sources.map { ($0, nil) }).write(to: folder.file("merged"), threads: 1)
                    let found = try MultiVectorIndex(path: folder.file("merged"))
                    #expect(found.count == 30 + documents)
                    let hits = try found.search(query, k: 7).hits
                    #expect(hits.allSatisfy { $0.ordinal < found.count && !$0.score.isNaN })
                }
                made += 1
            } catch {
                #expect(error is StorageError || error is IndexError)
                refused += 1
            }
        }
        #expect(made > 0 && refused > 0)
    }
}

extension MultiVectorIndex {
    fileprivate func isEmpty(_ ordinal: UInt32) -> Bool { (try? tokens(of: ordinal).rows) == 0 }
}
