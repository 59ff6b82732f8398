import AttarSearch
import Testing

@Suite struct FusionTests {
    private let lexical: [Fusion.Hit] = [.init(item: 3, score: 10), .init(item: 1, score: 8), .init(item: 2, score: 2)]
    private let dense: [Fusion.Hit] = [
        .init(item: 1, score: 0.9), .init(item: 4, score: 0.5), .init(item: 3, score: 0.1),
    ]

    /// By hand, constant 60: item 1 is 1/62 + 1/61, item 3 is 1/61 + 1/63, item 4 is 1/62, item 2 is 1/63.
    @Test func reciprocalRanksAreThoseOfCormack2009() {
        let fused = Fusion.reciprocalRank().fuse([lexical, dense], depth: 10)
        #expect(fused.map(\.item) == [1, 3, 4, 2])
        let expected: [Double] = [1.0 / 62.0 + 1.0 / 61.0, 1.0 / 61.0 + 1.0 / 63.0, 1.0 / 62.0, 1.0 / 63.0]
        for (hit, score) in zip(fused, expected) { #expect(abs(hit.score - score) < 1e-15) }
    }

    /// By hand: lexical scaled 1, 0.75, 0; dense scaled 1, 0.5, 0. Weights 0.4 and 0.6.
    @Test func weightedScoresAreScaledByMinimumAndMaximum() {
        let fused = Fusion.weighted([0.4, 0.6]).fuse([lexical, dense], depth: 3)
        #expect(fused.map(\.item) == [1, 3, 4])
        for (hit, score) in zip(fused, [0.9, 0.4, 0.3]) { #expect(abs(hit.score - score) < 1e-15) }
    }

    @Test func tiesGoToTheLowerItemAndEqualScoresScaleToOne() {
        let one = [Fusion.Hit(item: 9, score: 5)], other = [Fusion.Hit(item: 2, score: 7)]
        #expect(Fusion.reciprocalRank().fuse([one, other], depth: 5).map(\.item) == [2, 9])
        #expect(
            Fusion.weighted([1, 1]).fuse([one, other], depth: 5) == [
                .init(item: 2, score: 1), .init(item: 9, score: 1),
            ])
        #expect(Fusion.weighted([1, 1]).fuse([[], other], depth: 5).map(\.item) == [2])
        #expect(Fusion.reciprocalRank().fuse([[], []], depth: 5).isEmpty)
    }

    @Test func contributionsAddUpToTheFusedScore() {
        for fusion in [Fusion.reciprocalRank(constant: 10), .weighted([0.3, 2])] {
            for hit in fusion.fuse([lexical, dense], depth: 10) {
                let parts = fusion.contributions(to: hit.item, in: [lexical, dense])
                #expect(parts.reduce(0) { $0 + $1.value } == hit.score)
            }
        }
    }
}
