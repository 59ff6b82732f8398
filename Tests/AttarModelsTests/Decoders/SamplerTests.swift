@testable import AttarModels
import AttarTensor
import Foundation
import Testing

struct SamplerTests {
    private func draws(_ logits: [Float], _ options: SamplingOptions, count: Int) -> [Int32: Int] {
        var sampler = Sampler(options)
        var copy = logits
        var found: [Int32: Int] = [:]
        copy.withUnsafeMutableBufferPointer { buffer in
            for _ in 0..<count { if let token = sampler.next(buffer) { found[token, default: 0] += 1 } }
        }
        #expect(copy.map(\.bitPattern) == logits.map(\.bitPattern))
        return found
    }

    /// Probabilities 0.5, 0.25, 0.15, 0.1 at temperature 1, in no order.
    private let logits = [0.15, 0.5, 0.1, 0.25].map { Float(log($0)) } + [-.infinity]

    @Test func drawsFollowTheProbabilities() {
        let found = draws(logits, SamplingOptions(temperature: 1, seed: 1), count: 20_000)
        for (token, share) in [(Int32(0), 0.15), (1, 0.5), (2, 0.1), (3, 0.25)] {
            // Five standard deviations.
            let deviation = (share * (1 - share) / 20_000).squareRoot()
            #expect((Double(found[token] ?? 0) / 20_000 - share).magnitude < 5 * deviation)
        }
        #expect(found[4] == nil)
    }

    @Test func temperatureSharpensAndFlattens() {
        let sharp = draws(logits, SamplingOptions(temperature: 0.5, seed: 2), count: 20_000)
        // p² / Σ p²
        let share = 0.25 / (0.25 + 0.0625 + 0.0225 + 0.01)
        #expect((Double(sharp[1] ?? 0) / 20_000 - share).magnitude < 0.02)
        #expect(draws(logits, SamplingOptions(temperature: 1e-30, seed: 2), count: 50) == [1: 50])
    }

    @Test func theSmallestSetThatReachesTopPIsDrawnFrom() {
        #expect(Set(draws(logits, SamplingOptions(temperature: 1, topP: 0.74, seed: 3), count: 2000).keys) == [1, 3])
        #expect(Set(draws(logits, SamplingOptions(temperature: 1, topP: 0.76, seed: 3), count: 2000).keys) == [0, 1, 3])
        #expect(Set(draws(logits, SamplingOptions(temperature: 1, topP: 1e-9, seed: 3), count: 100).keys) == [1])
        #expect(Set(draws(logits, SamplingOptions(temperature: 1, topK: 3, seed: 3), count: 2000).keys) == [0, 1, 3])
        let both = SamplingOptions(temperature: 1, topP: 0.99, topK: 2, seed: 3)
        let found = draws(logits, both, count: 6000)
        #expect(Set(found.keys) == [1, 3] && (Double(found[1] ?? 0) / 6000 - 2.0 / 3).magnitude < 0.04)
    }

    @Test func greedyTakesTheFirstOfEqualsAndNothingOfNoNumbers() {
        #expect(draws([1, 3, 3, 2], SamplingOptions(), count: 1) == [1: 1])
        #expect(draws([-.infinity, -.infinity], SamplingOptions(), count: 1) == [:])
        #expect(draws([.nan, .nan], SamplingOptions(temperature: 1), count: 1) == [:])
        #expect(draws([1, .infinity], SamplingOptions(), count: 1) == [:])
    }
}
