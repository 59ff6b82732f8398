import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Multi-vector files that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter
/// MultiVectorFileTests` goes on for 10 minutes each.
@Suite struct MultiVectorFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private static let codecs: [TokenCodec] = [.bfloat16, .int8, .residual(bits: 2), .product(subspaces: 4)]

    private func write(_ codec: TokenCodec, documents: Int = 60) throws -> MultiVectorIndex {
        var options = MultiVectorBuilder.Options(codec: codec, lists: true, centroids: 12)
        options.iterations = 2
        return try RandomTokens(documents: documents, mean: 6, dimension: 8, seed: 1).index(
            options, in: folder, name: "whole")
    }

    /// Whatever the file holds, a search stays within it, or says that it is broken.
    private func use(_ index: MultiVectorIndex) throws {
        let query = RandomVectors.normal(5, 8, seed: 2)
        let candidates = (0..<UInt32(min(index.count, 40))).map { SearchHit(ordinal: $0, score: 1) }
        let searches: [() throws -> CascadeResponse] = [
            { try index.search(query, k: 7) }, { try index.rerank(query, candidates: candidates, k: 3) },
            { try index.gather(query, k: 7, gathering: .init(probes: 3)) },
            { try index.gather(query, k: 7, gathering: .init(probes: 4, candidates: 10)) },
        ]
        for search in searches {
            do {
                let hits = try search().hits
                #expect(hits.allSatisfy { $0.ordinal < index.count && !$0.score.isNaN })
            } catch {
                #expect(error is StorageError || error is IndexError)
            }
        }
        for ordinal in 0..<UInt32(min(index.count, 20)) { _ = try? index.tokens(of: ordinal) }
    }

    private var hostile: HostileFiles<MultiVectorIndex> {
        HostileFiles(
            folder: folder, kind: "multivector",
            open: { path in
                let index = try MultiVectorIndex(path: path)
                return index.dimension == 8 && index.count < 10_000 ? index : nil
            },
            verify: { try $0.verify() }, use: use)
    }

    @Test(arguments: codecs)
    func damagedFilesAreRefusedOrDoNoHarm(codec: TokenCodec) throws {
        _ = try write(codec)
        try hostile.expectDamageIsFound(in: "whole", rounds: 700, atLeast: 50)
    }

    @Test(arguments: codecs)
    func liesWithTrueChecksumsDoNoHarm(codec: TokenCodec) throws {
        _ = try write(codec)
        // Other codes are as good as those that were there; other places, centroids and lists are not.
        let found = try hostile.lies(about: "whole", numbers: [11, 12, 59, 60, 61], rounds: 400)
        #expect(found.sound > 0 && found.refused > 100)
    }

    @Test func headersThatContradictTheSectionsAreRefused() throws {
        let tokens = try write(.residual(bits: 2)).tokenCount
        try hostile.expectHeadersAreRefused("whole", [
            (#""documents":60"#, #""documents":61"#), (#""documents":60"#, #""documents":-1"#),
            (#""documents":60"#, #""documents":9223372036854775807"#), (#""dimension":8"#, #""dimension":12"#),
            (#""dimension":8"#, #""dimension":0"#), (#""bits":2"#, #""bits":4"#), (#""bits":2"#, #""bits":3"#),
            (#""bits":2"#, #""bits":-9223372036854775808"#), (#""centroids":12"#, #""centroids":11"#),
            (#""centroids":12"#, #""centroids":0"#), (#""tokens":\#(tokens)"#, #""tokens":\#(tokens + 1)"#),
            (#""tokens":\#(tokens)"#, #""tokens":9223372036854775807"#),
        ])
    }

    @Test func cutFilesAreRefused() throws {
        _ = try write(.int8)
        try hostile.expectCutFilesAreRefused("whole", every: 97)
    }

    @Test func aFailedWriteLeavesTheOldFile() throws {
        _ = try write(.residual(bits: 2), documents: 20)
        let random = RandomTokens(documents: 8, mean: 6, dimension: 8, seed: 3)
        // Two steps at the end: the new name is made to last, and what waited is dropped.
        try hostile.expectFailedWritesLeaveTheOldFile("whole", last: 2, faults: [.inputOutput]) { path, fileSystem in
            let builder = try MultiVectorBuilder(
                path: path, dimension: 8, options: .init(centroids: 3), fingerprint: "f", on: fileSystem)
            try builder.append(random.tokens, lengths: random.lengths)
            try builder.finish(threads: 1)
        }
    }
}
