@testable import AttarEvidence
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// The greatest distance between the distribution of values and the uniform one (Kolmogorov-Smirnov).
private func distanceFromUniform(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let count = Double(values.count)
    return sorted.enumerated().map { index, value in
        max(abs(Double(index + 1) / count - value), abs(value - Double(index) / count))
    }.max() ?? 1
}

@Suite struct RandomisationTestTests {
    @Test func triesEverySignPatternOfFewDifferences() {
        // Sums of ±1 ±2 ±3: the observed 6 and its mirror are 2 of 8 patterns.
        #expect(RandomisationTest.pValue(ofDifferences: [1, 2, 3]) == 0.25)
        // |sum| >= 4 for 6, 4, -4, -6.
        #expect(RandomisationTest.pValue(ofDifferences: [-1, 2, 3]) == 0.5)
        #expect(RandomisationTest.pValue(ofDifferences: [0.1, 0.2, -0.3]) == 1)
        #expect(RandomisationTest.pValue(ofDifferences: [0, 0, 0.5]) == 1)
        #expect(RandomisationTest.pValue(ofDifferences: []) == 1)
        #expect(RandomisationTest.pValue([1, 2], [1, 2]) == 1)
        #expect(RandomisationTest.pValue(ofDifferences: [Double](repeating: 0.3, count: 16)) == 2 / 65_536.0)
    }

    @Test func theEstimateIsNearTheExactValue() {
        var generator = SeededGenerator(seed: 3)
        let differences = (0..<16).map { _ in generator.normal() + 0.35 }
        let exact = RandomisationTest.pValue(ofDifferences: differences)
        // A seventeenth difference too small to matter forces the estimate.
        let estimate = RandomisationTest.pValue(ofDifferences: differences + [1e-9], permutations: 40_000, seed: 5)
        let deviation = (exact * (1 - exact) / 40_000).squareRoot()
        #expect(abs(estimate - exact) < 4 * deviation + 1 / 40_000, "\(estimate), exact \(exact)")
    }

    @Test func drawsTheSamePatternsAsAPlainImplementation() {
        var generator = SeededGenerator(seed: 11)
        let differences = (0..<131).map { _ in generator.normal() + 0.12 }
        var signs = SeededGenerator(seed: 21)
        var extreme = 0
        for _ in 0..<500 {
            var words: [UInt64] = []
            for _ in 0..<3 { words.append(signs.next()) }
            let sum = differences.enumerated().reduce(0.0) { sum, item in
                sum + (words[item.offset / 64] >> UInt64(item.offset % 64) & 1 == 1 ? -item.element : item.element)
            }
            if abs(sum) >= abs(differences.reduce(0, +)) - 1e-9 { extreme += 1 }
        }
        let expected = Double(extreme + 1) / 501
        #expect(RandomisationTest.pValue(ofDifferences: differences, permutations: 500, seed: 21) == expected)
    }

    @Test func pValuesAreUniformUnderAPermutedNull() {
        // 400 experiments: for each query it is tossed which of two different systems is called the first.
        var generator = SeededGenerator(seed: 2026)
        let values = (0..<60).map { _ in (generator.uniform(), 0.7 * generator.uniform()) }
        let pValues = (0..<400).map { experiment in
            let differences = values.map { Bool.random(using: &generator) ? $0.0 - $0.1 : $0.1 - $0.0 }
            return RandomisationTest.pValue(ofDifferences: differences, permutations: 2_000, seed: UInt64(experiment))
        }
        // 1.36 / sqrt(400) is the 5 % limit of the Kolmogorov-Smirnov test.
        #expect(distanceFromUniform(pValues) < 1.36 / 20, "\(distanceFromUniform(pValues))")
    }

    @Test(.enabled(if: SharedData.isAvailable, "needs ../shared"))
    func pValuesAreUniformWhenTheLabelsOfRealRunsArePermuted() throws {
        let folder = SharedData.path("msmarco-dl19-pool")
        let evaluator = Evaluator(
            judgements: try Judgements(path: folder + "/qrels_full.tsv.gz"), metrics: [.nDCG(at: 10)])
        let first = evaluator.scores(of: try Run(path: folder + "/runs/bm25.trec.gz")).values[0]
        let second = evaluator.scores(of: try Run(path: folder + "/runs/repllama.trec.gz")).values[0]
        var generator = SeededGenerator(seed: 19)
        let pValues = (0..<400).map { experiment in
            let differences = zip(first, second).map { Bool.random(using: &generator) ? $0 - $1 : $1 - $0 }
            return RandomisationTest.pValue(ofDifferences: differences, permutations: 2_000, seed: UInt64(experiment))
        }
        #expect(distanceFromUniform(pValues) < 1.36 / 20, "\(distanceFromUniform(pValues))")
        #expect(RandomisationTest.pValue(first, second) < 0.001)
    }

    @Test func aRealDifferenceIsFoundAndDirectionDoesNotMatter() {
        var generator = SeededGenerator(seed: 4)
        let first = (0..<200).map { _ in generator.uniform() }
        let second = first.map { $0 + 0.05 + 0.1 * generator.normal() }
        #expect(RandomisationTest.pValue(first, second) <= 0.001)
        #expect(RandomisationTest.pValue(first, second) == RandomisationTest.pValue(second, first))
        #expect(RandomisationTest.pValue(first, second, permutations: 999) == 1 / 1_000.0)
    }

    @Test func fiveThousandQueriesTakeLessThanASecond() {
        var generator = SeededGenerator(seed: 9)
        let differences = (0..<5_000).map { _ in generator.normal() }
        // Without optimisation a tenth of the permutations has to do.
        #if DEBUG
            let permutations = 1_000
        #else
            let permutations = 10_000
        #endif
        let time = ContinuousClock().measure {
            _ = RandomisationTest.pValue(ofDifferences: differences, permutations: permutations)
        }
        #if !DEBUG
            #expect(time < .seconds(1))
        #endif
        print("\(permutations) permutations of 5,000 differences: \(time)")
    }
}

@Suite struct BootstrapTests {
    @Test func theIntervalCoversTheTrueMeanAboutAsOftenAsItSays() {
        var generator = SeededGenerator(seed: 8)
        let covered = (0..<300).count { experiment in
            let values = (0..<60).map { _ in generator.uniform() < 0.3 ? 1.0 : generator.uniform() * 0.5 }
            let options = StatisticsOptions(seed: UInt64(experiment), resamples: 400)
            guard let interval = Bootstrap.interval(of: values, options: options) else { return false }
            // The true mean: 0.3 * 1 + 0.7 * 0.25.
            return interval.lower <= 0.475 && 0.475 <= interval.upper
        }
        // 285 expected; percentile intervals of 60 values cover a little less.
        #expect((270...297).contains(covered), "\(covered) of 300")
    }

    @Test func theWidthIsThatOfTheStandardError() throws {
        var generator = SeededGenerator(seed: 5)
        let values = (0..<400).map { _ in generator.normal() }
        let interval = try #require(Bootstrap.interval(of: values))
        #expect(abs((interval.upper - interval.lower) - 2 * 1.96 / 20) < 0.02)
    }

    @Test func dependsOnTheSeedOnlyAndSeriesDoNotDisturbEachOther() throws {
        let series = [[0.1, 0.9, 0.4, 0.7, 0.2], [1, 0, 0, 1, 1], [3, 3, 3, 3, 3]]
        let options = StatisticsOptions(seed: 3, resamples: 1_000)
        let together = Bootstrap.intervals(of: series, options: options)
        #expect(together == series.map { Bootstrap.interval(of: $0, options: options) })
        #expect(together == Bootstrap.intervals(of: series, options: options))
        #expect(together[2] == Interval(lower: 3, upper: 3))
        #expect(together[0] != Bootstrap.interval(of: series[0], options: StatisticsOptions(seed: 4, resamples: 1_000)))
    }

    @Test func oneQueryHasNoInterval() {
        #expect(Bootstrap.interval(of: [0.5]) == nil)
        #expect(Bootstrap.interval(of: []) == nil)
        #expect(Bootstrap.intervals(of: []).isEmpty)
    }

    @Test func quantilesInterpolate() {
        #expect(Bootstrap.quantile(0.5, of: [1, 2, 3, 4]) == 2.5)
        #expect(Bootstrap.quantile(0, of: [1, 2]) == 1)
        #expect(Bootstrap.quantile(1, of: [1, 2]) == 2)
    }
}

@Suite struct HolmTests {
    @Test func multipliesStepByStep() {
        // Sorted 0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1, none below the one before.
        let adjusted = Holm.adjusted([0.03, 0.01, 0.5, 0.02])
        for (value, expected) in zip(adjusted, [0.06, 0.04, 0.5, 0.06]) { #expect(abs(value - expected) < 1e-15) }
        #expect(Holm.adjusted([0.6, 0.9]) == [1, 1])
        #expect(Holm.adjusted([]).isEmpty)
        #expect(Holm.adjusted([0.04]) == [0.04])
    }
}
