import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Graph files that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter HNSWFileTests` goes on
/// for 10 minutes each.
@Suite struct HNSWFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func bytes(_ count: Int = 400) throws -> [UInt8] {
        let builder = HNSWBuilder(dimension: 8, parameters: .init(links: 3, candidates: 20), fingerprint: "f")
        try builder.append(RandomVectors.normal(count, 8, seed: 1))
        try builder.write(to: folder.file("whole"))
        return try LocalFileSystem().read(folder.file("whole"))
    }

    /// Whatever the file holds, a search stays within it, and all it returns is there.
    private func use(_ index: HNSWIndex) throws {
        let query: [Float] = [1, 0, -1, 0.5, 0, 0, 2, 1]
        var allowed = OrdinalSet(capacity: index.count)
        for ordinal in 0..<UInt32(index.count) where ordinal % 3 == 0 { allowed.insert(ordinal) }
        for filter in [nil, allowed] {
            let hits = try index.search(query, k: 7, allowed: filter)
            #expect(hits.allSatisfy { $0.ordinal < index.count && !$0.score.isNaN })
        }
        if let builder = try? HNSWBuilder(continuing: index, keeping: allowed) {
            try builder.append(RandomVectors.normal(3, 8, seed: 2))
        }
    }

    @Test func damagedFilesAreRefusedOrDoNoHarm() throws {
        let whole = try bytes()
        var (opened, refused) = (0, 0)
        FuzzBudget.run(rounds: 1500) { seed in
            var mutator = ByteMutator(seed: seed)
            let damaged = mutator.damaged(whole)
            guard damaged != whole, (try? folder.write(damaged, to: "damaged")) != nil else { return }
            do {
                let index = try HNSWIndex(path: folder.file("damaged"))
                guard index.dimension == 8, index.count < 10_000 else { return }
                opened += 1
                #expect(throws: StorageError.self) { try index.verify() }
                #expect(throws: Never.self) { try use(index) }
            } catch {
                #expect(error is StorageError)
                refused += 1
            }
        }
        #expect(opened > 100 && refused > 100)
    }

    /// Damage that no checksum tells of: the sections are written anew around it.
    @Test func liesWithTrueChecksumsDoNoHarm() throws {
        _ = try bytes()
        let source = try SectionFile(path: folder.file("whole"), kind: "hnsw", newestVersion: 1)
        var verified = 0
        FuzzBudget.run(rounds: 600) { seed in
            guard let index = try? rewritten(source, seed: seed) else { return }
            if (try? index.verify()) != nil { verified += 1 }
            #expect(throws: Never.self) { try use(index) }
        }
        // Other codes are as good as those that were there; other links or places are not.
        #expect(verified > 0)
    }

    private func rewritten(_ source: SectionFile, seed: UInt64) throws -> HNSWIndex {
        try SectionMutator.rewrite(
            source, to: folder.file("lies"), sparing: [source.sections.last?.name ?? ""], numbers: [399, 400, 401],
            seed: seed)
        return try HNSWIndex(path: folder.file("lies"))
    }

    /// Found by fuzzing: no score with such a vector is a number, so that a new one finds no neighbour.
    @Test func vectorsWithoutScoresDoNoHarm() throws {
        let huge = Matrix(rows: 40, columns: 8, values: (0..<320).map { $0 % 2 == 0 ? 3e38 : -3e38 })
        let builder = HNSWBuilder(dimension: 8, parameters: .init(links: 3, candidates: 20), fingerprint: "f")
        try builder.append(huge)
        try builder.append(RandomVectors.normal(40, 8, seed: 4))
        try builder.write(to: folder.file("huge"))
        try use(HNSWIndex(path: folder.file("huge")))
    }

    @Test func cutFilesAreRefused() throws {
        let whole = try bytes(100)
        for length in stride(from: 0, to: whole.count, by: 61) {
            try folder.write(Array(whole[..<length]), to: "cut")
            #expect(throws: StorageError.self) { try HNSWIndex(path: folder.file("cut")) }
        }
    }

    @Test func headersThatContradictTheSectionsAreRefused() throws {
        _ = try bytes(100)
        let source = try SectionFile(path: folder.file("whole"), kind: "hnsw", newestVersion: 1)
        let header = String(decoding: try source.withBytes("header") { Array($0) }, as: UTF8.self)
        #expect(header.contains(#""count":100,"dimension":8"#))
        for (old, new) in [
            (#""count":100"#, #""count":101"#), (#""count":100"#, #""count":-1"#),
            (#""count":100"#, #""count":9223372036854775807"#), (#""dimension":8"#, #""dimension":65"#),
            (#""dimension":8"#, #""dimension":0"#), (#""links":3"#, #""links":4"#), (#""links":3"#, #""links":1"#),
            (#""upperPlaces":["#, #""upperPlaces":[0,"#), (#""upperPlaces":["#, #""upperPlaces":[101,"#),
        ] {
            let writer = try SectionFileWriter(path: folder.file("bad"), kind: "hnsw", version: 1)
            for section in source.sections {
                let bytes = section.name == "header"
                    ? Array(header.replacingOccurrences(of: old, with: new).utf8)
                    : try source.withBytes(section.name) { Array($0) }
                try writer.add(section.name, bytes)
            }
            try writer.finish()
            let error = #expect(throws: StorageError.self) { try HNSWIndex(path: folder.file("bad")) }
            #expect(error?.kind == .corrupt)
        }
    }

    /// Every write that fails leaves the file that was there.
    @Test func aFailedWriteLeavesTheOldFile() throws {
        let old = try bytes(50)
        let builder = HNSWBuilder(dimension: 8, fingerprint: "f")
        try builder.append(RandomVectors.normal(60, 8, seed: 3))
        let counting = FaultyFileSystem()
        try builder.write(to: folder.file("other"), on: counting)
        // The last step makes the new name last: the file is there then, whole.
        for step in 0..<(counting.steps - 1) {
            for fault in [FaultyFileSystem.Fault.inputOutput, .torn] {
                let broken = FaultyFileSystem(failure: .init(at: step, fault))
                #expect(throws: StorageError.self) { try builder.write(to: folder.file("whole"), on: broken) }
                #expect(try LocalFileSystem().read(folder.file("whole")) == old)
            }
        }
    }
}
