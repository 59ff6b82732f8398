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

    private func write(_ count: Int = 400, codes: HNSWCodes = .int8) throws {
        let builder = HNSWBuilder(
            dimension: 8, parameters: .init(links: 3, candidates: 20), codes: codes, fingerprint: "f")
        try builder.append(RandomVectors.normal(count, 8, seed: 1))
        try builder.write(to: folder.file("whole"))
    }

    private var hostile: HostileFiles<HNSWIndex> {
        HostileFiles(
            folder: folder, kind: "hnsw", version: 2,
            open: { path in
                let index = try HNSWIndex(path: path)
                return index.dimension == 8 && index.count < 10_000 ? index : nil
            },
            verify: { try $0.verify() }, use: use)
    }

    private func use(_ index: HNSWIndex) throws {
        let allowed = try HostileFiles.search(index)
        if let builder = try? HNSWBuilder(continuing: index, keeping: allowed) {
            try builder.append(RandomVectors.normal(3, 8, seed: 2))
        }
    }

    @Test(arguments: HNSWCodes.allCases)
    func damagedFilesAreRefusedOrDoNoHarm(codes: HNSWCodes) throws {
        try write(codes: codes)
        try hostile.expectDamageIsFound(in: "whole")
    }

    @Test(arguments: HNSWCodes.allCases)
    func liesWithTrueChecksumsDoNoHarm(codes: HNSWCodes) throws {
        try write(codes: codes)
        // Other codes are as good as those that were there; other links or places are not.
        let found = try hostile.lies(about: "whole", numbers: [399, 400, 401])
        #expect(found.sound > 0 && found.refused > 0)
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

    @Test(arguments: HNSWCodes.allCases)
    func cutFilesAreRefused(codes: HNSWCodes) throws {
        try write(100, codes: codes)
        try hostile.expectCutFilesAreRefused("whole")
    }

    /// A reader of the first version would take signs for bytes.
    @Test func signsAreAVersionOfTheirOwn() throws {
        for (codes, version) in [(HNSWCodes.int8, 1), (.binary, 2)] {
            try write(50, codes: codes)
            #expect(try SectionFile(path: folder.file("whole"), kind: "hnsw", newestVersion: 2).version == version)
            #expect(try HNSWIndex(path: folder.file("whole")).codes == codes)
        }
        try hostile.expectHeadersAreRefused("whole", [
            (#""codes":"binary""#, #""codes":"int8""#), (#""codes":"binary""#, #""codes":"ternary""#),
            (#""count":50"#, #""count":51"#), (#""dimension":8"#, #""dimension":65"#),
        ])
    }

    @Test func headersThatContradictTheSectionsAreRefused() throws {
        try write(100)
        try hostile.expectHeadersAreRefused("whole", [
            (#""count":100"#, #""count":101"#), (#""count":100"#, #""count":-1"#),
            (#""count":100"#, #""count":9223372036854775807"#), (#""dimension":8"#, #""dimension":65"#),
            (#""dimension":8"#, #""dimension":0"#), (#""links":3"#, #""links":4"#), (#""links":3"#, #""links":1"#),
            (#""upperPlaces":["#, #""upperPlaces":[0,"#), (#""upperPlaces":["#, #""upperPlaces":[101,"#),
        ])
    }

    @Test func aFailedWriteLeavesTheOldFile() throws {
        try write(50)
        let builder = HNSWBuilder(dimension: 8, fingerprint: "f")
        try builder.append(RandomVectors.normal(60, 8, seed: 3))
        try hostile.expectFailedWritesLeaveTheOldFile("whole") { try builder.write(to: $0, on: $1) }
    }
}
