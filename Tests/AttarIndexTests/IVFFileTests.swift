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

    private func write(_ count: Int = 400, codewords: Int = 16, rotates: Bool = false) throws {
        let builder = IVFBuilder(quantizer: try quantizer(codewords: codewords, rotates: rotates), fingerprint: "f")
        try builder.append(RandomVectors.normal(count, 8, seed: 1), threads: 1)
        try builder.write(to: folder.file("whole"))
    }

    private var hostile: HostileFiles<IVFIndex> {
        HostileFiles(
            folder: folder, kind: "ivf",
            open: { path in
                let index = try IVFIndex(path: path)
                return index.dimension == 8 && index.count < 10_000 ? index : nil
            },
            verify: { try $0.verify() }, use: { try HostileFiles.search($0) })
    }

    @Test(arguments: [(16, false), (256, true)])
    func damagedFilesAreRefusedOrDoNoHarm(codewords: Int, rotates: Bool) throws {
        try write(codewords: codewords, rotates: rotates)
        try hostile.expectDamageIsFound(in: "whole")
    }

    @Test(arguments: [(16, false), (256, true)])
    func liesWithTrueChecksumsDoNoHarm(codewords: Int, rotates: Bool) throws {
        try write(codewords: codewords, rotates: rotates)
        // Other codes and finite numbers are as good as those that were there; other offsets and ordinals are not.
        let found = try hostile.lies(about: "whole", numbers: [399, 400, 401])
        #expect(found.sound > 0 && found.refused > 0)
    }

    @Test func cutFilesAreRefused() throws {
        try write(100)
        try hostile.expectCutFilesAreRefused("whole")
    }

    @Test func headersThatContradictTheSectionsAreRefused() throws {
        try write(100)
        try hostile.expectHeadersAreRefused("whole", [
            (#""count":100"#, #""count":101"#), (#""count":100"#, #""count":-1"#),
            (#""count":100"#, #""count":9223372036854775807"#), (#""dimension":8"#, #""dimension":12"#),
            (#""dimension":8"#, #""dimension":0"#), (#""lists":6"#, #""lists":7"#), (#""lists":6"#, #""lists":-1"#),
            (#""lists":6"#, #""lists":9223372036854775807"#), (#""subspaces":4"#, #""subspaces":8"#),
            (#""subspaces":4"#, #""subspaces":0"#), (#""codewords":16"#, #""codewords":256"#),
            (#""codewords":16"#, #""codewords":17"#), (#""rotates":false"#, #""rotates":true"#),
        ])
    }

    @Test func aFailedWriteLeavesTheOldFile() throws {
        try write(50)
        let builder = IVFBuilder(quantizer: try quantizer(codewords: 16, rotates: true), fingerprint: "f")
        try builder.append(RandomVectors.normal(60, 8, seed: 3), threads: 1)
        try hostile.expectFailedWritesLeaveTheOldFile("whole") { try builder.write(to: $0, on: $1) }
    }
}
