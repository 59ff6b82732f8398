@testable import AttarCollection
import Testing

/// Which segments are worth merging.
@Suite struct MergePolicyTests {
    /// Tiers of ten, whatever the defaults are.
    private var policy: MergePolicy {
        var policy = MergePolicy()
        (policy.segmentsPerTier, policy.floorPassages) = (10, 2_000)
        return policy
    }

    private func sizes(_ counts: [Int]) -> [MergePolicy.Size] { counts.map { .init(passages: $0, live: $0) } }

    @Test func fewSegmentsStay() {
        #expect(policy.next([]) == nil)
        #expect(policy.next(sizes(Array(repeating: 10, count: 10))) == nil)
        #expect(policy.next(sizes([1_000_000, 500_000, 90_000, 10])) == nil)
    }

    @Test func manySmallOnesAreJoinedAndLargeOnesLeftAlone() {
        let segments = sizes([1_000_000] + Array(repeating: 100, count: 30))
        #expect(policy.next(segments) == 1..<11)
    }

    @Test func segmentsOfDifferentGroupsAreNotJoined() {
        var segments = sizes(Array(repeating: 100, count: 24))
        for index in 12..<24 { segments[index].group = 1 }
        let range = policy.next(segments)
        #expect(range.map { $0.upperBound <= 12 || $0.lowerBound >= 12 } == true)
        for index in segments.indices { segments[index].group = index }
        #expect(policy.next(segments) == nil)
    }

    @Test func muchThatIsDeletedIsTakenOut() {
        var segments = sizes([1000, 1000, 1000])
        segments[1].live = 500
        #expect(policy.next(segments) == nil)
        segments[2].live = 700
        #expect(policy.next(segments) == 1..<2)
    }

    /// A few passages beside a graph may wait; more are taken in, unless the graph is too large for that.
    @Test func graphsTakeInWhatIsBesideThem() {
        var segments = sizes([100_000, 200, 50])
        #expect(policy.next(segments) == nil)
        segments[0].hasGraph = true
        #expect(policy.next(segments) == nil)
        segments[2].live = 51
        #expect(policy.next(segments) == 0..<3)
        // What has a graph of its own does not wait, and another group cannot be taken in.
        segments[1].hasGraph = true
        #expect(policy.next(segments) == nil)
        segments = sizes([100_000, 200, 1000])
        (segments[0].hasGraph, segments[2].group) = (true, 1)
        #expect(policy.next(segments) == nil)
        segments[2].group = 0
        #expect(policy.next(segments) == 0..<3)
        segments[0].passages = 200_001
        segments[0].live = 200_001
        #expect(policy.next(segments) == nil)
        // The next smaller graph does.
        segments.insert(.init(passages: 30_000, live: 30_000, hasGraph: true), at: 1)
        #expect(policy.next(segments) == 1..<4)
    }

    @Test func segmentsDoNotGrowBeyondTheLimit() {
        var policy = policy
        policy.mostPassages = 100_000
        let segments = sizes(Array(repeating: 60_000, count: 20))
        #expect(policy.next(segments) == nil)
    }

    /// New segments of 100 passages: each passage is copied a few times, and there are never many segments.
    @Test(arguments: [(10, 40, 5.0), (MergePolicy().segmentsPerTier, 10, 20)])
    func aGrowingCollectionIsCopiedLogarithmicallyOften(perTier: Int, segments bound: Int, copies: Double) {
        var policy = MergePolicy()
        (policy.segmentsPerTier, policy.floorPassages) = (perTier, 100)
        var segments: [MergePolicy.Size] = []
        var (copied, most) = (0, 0)
        let commits = 5000
        for _ in 0..<commits {
            segments.append(.init(passages: 100, live: 100))
            while let range = policy.next(segments) {
                let sum = segments[range].reduce(0) { $0 + $1.live }
                copied += sum
                segments.replaceSubrange(range, with: [.init(passages: sum, live: sum)])
            }
            most = max(most, segments.count)
        }
        #expect(most <= bound, "\(most) segments")
        #expect(Double(copied) / Double(100 * commits) < copies, "\(copied) passages copied")
    }
}
