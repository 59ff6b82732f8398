import AttarIndex
import AttarTensor
import Testing

/// The second stage of Martinico, Nardini, Rulli & Venturini, "Multivector Reranking in the Era of Strong First-Stage
/// Retrievers" (2026), by its golden numbers.
@Suite struct CascadeTests {
    private func hits(_ scores: [Float]) -> [SearchHit] {
        scores.enumerated().map { SearchHit(ordinal: UInt32($0.offset), score: $0.element) }
    }

    /// Of scores 20, 18, 15, 14.9, 14, 12, 10 with k = 3 the third best is 15: (1 − 0.05) · 15 = 14.25 keeps four,
    /// (1 − 0.2) · 15 = 12 keeps six, 15 itself three.
    @Test(arguments: [(0.05, 4), (0.2, 6), (0, 3), (1, 7)])
    func candidatesBelowTheMarginAreNotScored(margin: Float, kept: Int) throws {
        let candidates = hits([20, 18, 15, 14.9, 14, 12, 10])
        #expect(try Cascade(margin: margin).kept(candidates, k: 3).count == kept)
        var scored: [UInt32] = []
        let response = try Cascade(margin: margin).rerank(candidates, k: 3) { part in
            scored += part
            return part.map { Float($0) }
        }
        #expect(scored == (0..<UInt32(kept)).map { $0 } && response.scored == kept && response.candidates == 7)
        #expect(response.hits.map(\.ordinal) == [kept - 1, kept - 2, kept - 3].map { UInt32($0) })
    }

    /// Second scores 5, 7, 6, 4, 3, 9 with k = 2: 6 replaces 5; 4 and 3 do not enter. With a patience of 2 that is the
    /// end, and 9 is never seen; with 3 it is.
    @Test func aRunOfCandidatesThatDoNotEnterEndsTheSearch() throws {
        let scores: [Float] = [5, 7, 6, 4, 3, 9]
        let candidates = hits([6, 5, 4, 3, 2, 1])
        for (patience, scored, best) in [(2, 5, [7, 6]), (3, 6, [9, 7])] as [(Int, Int, [Float])] {
            var asked: [UInt32] = []
            let response = try Cascade(patience: patience).rerank(candidates, k: 2) { part in
                asked += part
                return part.map { scores[Int($0)] }
            }
            #expect(response.scored == scored && asked.count == scored && response.hits.map(\.score) == best)
        }
    }

    /// What is asked for at a time changes nothing: one after another as the paper has it.
    @Test func resultsAreThoseOfScoringOneByOne() throws {
        for seed in 0..<200 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = Int(generator.next() % 40), k = 1 + Int(generator.next() % 12)
            let patience = 1 + Int(generator.next() % 6)
            // Few different scores, so that many tie.
            let second = (0..<count).map { _ in Float(generator.next() % 9) }
            let candidates = hits((0..<count).map { Float(100 - $0) })
            let response = try Cascade(patience: patience).rerank(candidates, k: k) { $0.map { second[Int($0)] } }
            var (best, stalls, scored) = (TopK(k), 0, 0)
            for (ordinal, score) in second.enumerated() where stalls < patience {
                stalls = scored < k || score > best.threshold ? 0 : stalls + 1
                best.offer(UInt32(ordinal), score)
                scored += 1
            }
            #expect(response.hits == best.hits && response.scored == scored)
        }
    }

    /// The reference implementation returns nothing when fewer than k candidates are left.
    @Test func fewCandidatesAreAllReturned() throws {
        let cascade = Cascade(margin: 0, patience: 1)
        let response = try cascade.rerank(hits([3, 2]), k: 5) { $0.map { Float($0) } }
        #expect(response.hits.map(\.ordinal) == [1, 0] && response.scored == 2)
        #expect(try cascade.rerank([], k: 5) { _ in [] }.hits.isEmpty)
        #expect(try cascade.rerank(hits([3, 2]), k: 0) { $0.map { _ in 1 } }.hits.isEmpty)
    }

    @Test func withAllPatienceAndTheWidestMarginEverythingIsScored() throws {
        let (candidates, second) = (hits([9, 7, 5, 3, 1]), [2, 8, 1, 9, 4] as [Float])
        let full = try Cascade().rerank(candidates, k: 2) { $0.map { second[Int($0)] } }
        let wide = try Cascade(margin: 1, patience: 5).rerank(candidates, k: 2) { $0.map { second[Int($0)] } }
        #expect(full == wide && full.scored == 5 && full.hits.map(\.ordinal) == [3, 1])
    }

    /// A share of a score that is not above 0 means nothing.
    @Test func scoresBelowZeroCannotBePruned() throws {
        for scores in [[1, 0, -1], [3, 2, -0.5], [-1, -2, -3]] as [[Float]] {
            #expect(throws: IndexError.self) { try Cascade(margin: 0.1).kept(hits(scores), k: 2) }
            #expect(try Cascade(patience: 2).kept(hits(scores), k: 2).count == 3)
        }
    }

    /// Documents without tokens have no score, and numbers that are none are no hits.
    @Test func whatHasNoScoreIsNoHit() throws {
        let second: [Float] = [.nan, -.infinity, 1, -2]
        let response = try Cascade().rerank(hits([4, 3, 2, 1]), k: 3) { $0.map { second[Int($0)] } }
        #expect(response.hits.map(\.ordinal) == [2, 3] && response.scored == 4)
    }
}

