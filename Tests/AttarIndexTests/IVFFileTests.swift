import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Inverted files of codes that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter IVFFileTests`
/// goes on for 10 minutes each.
@Suite struct IVFFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func quantizer(codewords: Int, rotates: Bool) throws -> IVFQuantizer {
        let vectors = RandomVectors.normal(400, 8, seed: 1)
        let parameters = IVFParameters(lists: 6, subspaces: 4, codewords: codewords, rotates: false)
        let plain = try IVFQuantizer(vectors, parameters: parameters, threads: 1)
        guard rotates else { return plain }
        var mirror = Matrix(rows: 8, columns: 8)
        for d in 0..<8 { mirror.values[d * 8 + 7 - d] = 1 }
        return IVFQuantizer(
            rotation: mirror, centroids: plain.centroids, product: plain.product, codesResiduals: true)
    }

    private func bytes(_ count: Int = 400, codewords: Int = 16, rotates: Bool = false) throws -> [UInt8] {
        let builder = IVFBuilder(quantizer: try quantizer(codewords: codewords, rotates: rotates), fingerprint: "f")
        try builder.append(RandomVectors.normal(count, 8, seed: 1), threads: 1)
        try builder.write(to: folder.file("whole"))
        return try LocalFileSystem().read(folder.file("whole"))
    }

    /// Whatever the file holds, a search stays within it, and all it returns is there.
    private func use(_ index: IVFIndex) throws {
        let query: [Float] = [1, 0, -1, 0.5, 0, 0, 2, 1]
        var allowed = OrdinalSet(capacity: index.count)
        for ordinal in 0..<UInt32(index.count) where ordinal % 3 == 0 { allowed.insert(ordinal) }
        for filter in [nil, allowed] {
            let hits = try index.search(query, k: 7, allowed: filter)
            #expect(hits.allSatisfy { $0.ordinal < index.count && !$0.score.isNaN })
        }
    }

    @Test(arguments: [(16, false), (256, true)])
    func damagedFilesAreRefusedOrDoNoHarm(codewords: Int, rotates: Bool) throws {
        let whole = try bytes(codewords: codewords, rotates: rotates)
        var (opened, refused) = (0, 0)
        FuzzBudget.run(rounds: 1500) { seed in
            var mutator = ByteMutator(seed: seed)
            let damaged = mutator.damaged(whole)
            guard damaged != whole, (try? folder.write(damaged, to: "damaged")) != nil else { return }
            do {
                let index = try IVFIndex(path: folder.file("damaged"))
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
    @Test(arguments: [(16, false), (256, true)])
    func liesWithTrueChecksumsDoNoHarm(codewords: Int, rotates: Bool) throws {
        _ = try bytes(codewords: codewords, rotates: rotates)
        let source = try SectionFile(path: folder.file("whole"), kind: "ivf", newestVersion: 1)
        var (verified, refused) = (0, 0)
        FuzzBudget.run(rounds: 600) { seed in
            var generator = SeededGenerator(seed: seed)
            guard let index = try? rewritten(source, &generator) else {
                refused += 1
                return
            }
            if (try? index.verify()) != nil { verified += 1 }
            #expect(throws: Never.self) { try use(index) }
        }
        // Other codes and finite numbers are as good as those that were there; other offsets and ordinals are not.
        #expect(verified > 0 && refused > 0)
    }

    private func rewritten(_ source: SectionFile, _ generator: inout SeededGenerator) throws -> IVFIndex {
        let victim = source.sections.dropLast().randomElement(using: &generator)?.name
        let writer = try SectionFileWriter(path: folder.file("lies"), kind: "ivf", version: 1)
        for section in source.sections {
            var bytes = try source.withBytes(section.name) { Array($0) }
            if section.name == victim, bytes.count >= 4 {
                for _ in 0..<Int.random(in: 1...30, using: &generator) {
                    let at = Int.random(in: 0..<(bytes.count / 4), using: &generator) * 4
                    let extreme: [UInt32] = [0, 1, 399, 400, 401, 0x7FFF_FFFF, 0x8000_0000, 0x7FC0_0000, .max]
                    let value = extreme.randomElement(using: &generator) ?? 0
                    withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(at..<(at + 4), with: $0) }
                }
            }
            try writer.add(section.name, bytes)
        }
        try writer.finish()
        return try IVFIndex(path: folder.file("lies"))
    }

    @Test func cutFilesAreRefused() throws {
        let whole = try bytes(100)
        for length in stride(from: 0, to: whole.count, by: 61) {
            try folder.write(Array(whole[..<length]), to: "cut")
            #expect(throws: StorageError.self) { try IVFIndex(path: folder.file("cut")) }
        }
    }

    @Test func headersThatContradictTheSectionsAreRefused() throws {
        _ = try bytes(100)
        let source = try SectionFile(path: folder.file("whole"), kind: "ivf", newestVersion: 1)
        let header = String(decoding: try source.withBytes("header") { Array($0) }, as: UTF8.self)
        #expect(header.contains(#""count":100,"dimension":8"#))
        for (old, new) in [
            (#""count":100"#, #""count":101"#), (#""count":100"#, #""count":-1"#),
            (#""count":100"#, #""count":9223372036854775807"#), (#""dimension":8"#, #""dimension":12"#),
            (#""dimension":8"#, #""dimension":0"#), (#""lists":6"#, #""lists":7"#), (#""lists":6"#, #""lists":-1"#),
            (#""lists":6"#, #""lists":9223372036854775807"#), (#""subspaces":4"#, #""subspaces":8"#),
            (#""subspaces":4"#, #""subspaces":0"#), (#""codewords":16"#, #""codewords":256"#),
            (#""codewords":16"#, #""codewords":17"#), (#""rotates":false"#, #""rotates":true"#),
        ] {
            #expect(header.contains(old))
            let writer = try SectionFileWriter(path: folder.file("bad"), kind: "ivf", version: 1)
            for section in source.sections {
                let bytes = section.name == "header"
                    ? Array(header.replacingOccurrences(of: old, with: new).utf8)
                    : try source.withBytes(section.name) { Array($0) }
                try writer.add(section.name, bytes)
            }
            try writer.finish()
            let error = #expect(throws: StorageError.self) { try IVFIndex(path: folder.file("bad")) }
            #expect(error?.kind == .corrupt)
        }
    }

    /// Every write that fails leaves the file that was there.
    @Test func aFailedWriteLeavesTheOldFile() throws {
        let old = try bytes(50)
        let builder = IVFBuilder(quantizer: try quantizer(codewords: 16, rotates: true), fingerprint: "f")
        try builder.append(RandomVectors.normal(60, 8, seed: 3), threads: 1)
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
