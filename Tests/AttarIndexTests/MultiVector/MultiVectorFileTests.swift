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

    @Test(arguments: codecs)
    func damagedFilesAreRefusedOrDoNoHarm(codec: TokenCodec) throws {
        _ = try write(codec)
        let whole = try LocalFileSystem().read(folder.file("whole"))
        var (opened, refused) = (0, 0)
        FuzzBudget.run(rounds: 700) { seed in
            var mutator = ByteMutator(seed: seed)
            let damaged = mutator.damaged(whole)
            guard damaged != whole, (try? folder.write(damaged, to: "damaged")) != nil else { return }
            do {
                let index = try MultiVectorIndex(path: folder.file("damaged"))
                guard index.dimension == 8, index.count < 10_000 else { return }
                opened += 1
                #expect(throws: StorageError.self) { try index.verify() }
                #expect(throws: Never.self) { try use(index) }
            } catch {
                #expect(error is StorageError)
                refused += 1
            }
        }
        #expect(opened > 50 && refused > 50)
    }

    /// Damage that no checksum tells of: the sections are written anew around it.
    @Test(arguments: codecs)
    func liesWithTrueChecksumsDoNoHarm(codec: TokenCodec) throws {
        _ = try write(codec)
        let source = try SectionFile(path: folder.file("whole"), kind: "multivector", newestVersion: 1)
        var (verified, caught) = (0, 0)
        FuzzBudget.run(rounds: 400) { seed in
            var generator = SeededGenerator(seed: seed)
            guard let index = try? rewritten(source, &generator) else { return caught += 1 }
            if (try? index.verify()) != nil { verified += 1 } else { caught += 1 }
            #expect(throws: Never.self) { try use(index) }
        }
        // Other codes are as good as those that were there; other places, centroids and lists are not.
        #expect(verified > 0 && caught > 100)
    }

    private func rewritten(_ source: SectionFile, _ generator: inout SeededGenerator) throws -> MultiVectorIndex {
        let victim = source.sections.dropLast().randomElement(using: &generator)?.name
        let writer = try SectionFileWriter(path: folder.file("lies"), kind: "multivector", version: 1)
        for section in source.sections {
            var bytes = try source.withBytes(section.name) { Array($0) }
            if section.name == victim, bytes.count >= 4 {
                for _ in 0..<Int.random(in: 1...20, using: &generator) {
                    let at = Int.random(in: 0..<(bytes.count / 4), using: &generator) * 4
                    let extreme: [UInt32] = [0, 1, 11, 12, 59, 60, 61, 0x7FFF_FFFF, 0x8000_0000, 0x7FC0_0000, .max]
                    let value = extreme.randomElement(using: &generator) ?? 0
                    withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(at..<(at + 4), with: $0) }
                }
            }
            try writer.add(section.name, bytes)
        }
        try writer.finish()
        return try MultiVectorIndex(path: folder.file("lies"))
    }

    @Test func headersThatContradictTheSectionsAreRefused() throws {
        _ = try write(.residual(bits: 2))
        let source = try SectionFile(path: folder.file("whole"), kind: "multivector", newestVersion: 1)
        let header = String(decoding: try source.withBytes("header") { Array($0) }, as: UTF8.self)
        let tokens = try MultiVectorIndex(path: folder.file("whole")).tokenCount
        for (old, new) in [
            (#""documents":60"#, #""documents":61"#), (#""documents":60"#, #""documents":-1"#),
            (#""documents":60"#, #""documents":9223372036854775807"#), (#""dimension":8"#, #""dimension":12"#),
            (#""dimension":8"#, #""dimension":0"#), (#""bits":2"#, #""bits":4"#), (#""bits":2"#, #""bits":3"#),
            (#""bits":2"#, #""bits":-9223372036854775808"#), (#""centroids":12"#, #""centroids":11"#),
            (#""centroids":12"#, #""centroids":0"#), (#""tokens":\#(tokens)"#, #""tokens":\#(tokens + 1)"#),
            (#""tokens":\#(tokens)"#, #""tokens":9223372036854775807"#),
        ] {
            #expect(header.contains(old))
            let writer = try SectionFileWriter(path: folder.file("bad"), kind: "multivector", version: 1)
            for section in source.sections {
                let bytes = section.name == "header"
                    ? Array(header.replacingOccurrences(of: old, with: new).utf8)
                    : try source.withBytes(section.name) { Array($0) }
                try writer.add(section.name, bytes)
            }
            try writer.finish()
            let error = #expect(throws: StorageError.self) { try MultiVectorIndex(path: folder.file("bad")) }
            #expect(error?.kind == .corrupt)
        }
    }

    @Test func cutFilesAreRefused() throws {
        _ = try write(.int8)
        let whole = try LocalFileSystem().read(folder.file("whole"))
        for length in stride(from: 0, to: whole.count, by: 97) {
            try folder.write(Array(whole[..<length]), to: "cut")
            #expect(throws: StorageError.self) { try MultiVectorIndex(path: folder.file("cut")) }
        }
    }

    /// Every write that fails leaves the file that was there, and nothing beside it.
    @Test func aFailedWriteLeavesTheOldFile() throws {
        _ = try write(.residual(bits: 2), documents: 20)
        let old = try LocalFileSystem().read(folder.file("whole"))
        func build(_ path: String, on fileSystem: FaultyFileSystem) throws {
            let random = RandomTokens(documents: 8, mean: 6, dimension: 8, seed: 3)
            let builder = try MultiVectorBuilder(
                path: path, dimension: 8, options: .init(centroids: 3), fingerprint: "f", on: fileSystem)
            try builder.append(random.tokens, lengths: random.lengths)
            try builder.finish(threads: 1)
        }
        let counting = FaultyFileSystem()
        try build(folder.file("other"), on: counting)
        // The last steps make the new name last and drop what waited: the file is there then, whole.
        for step in 0..<(counting.steps - 2) {
            let broken = FaultyFileSystem(failure: .init(at: step, .inputOutput))
            #expect(throws: StorageError.self) { try build(folder.file("whole"), on: broken) }
            #expect(try LocalFileSystem().read(folder.file("whole")) == old)
        }
    }
}
