import AttarTensor

/// The paired randomisation test (Fisher 1935; for retrieval: Smucker, Allan & Carterette 2007).
///
/// If two pipelines are equally good, each query's difference could as well have had the other sign. The p-value is the
/// part of all sign patterns whose sum is at least as far from 0 as the one observed.
public enum RandomisationTest {
    /// Up to this many differences other than 0, every sign pattern is tried.
    public static let exactLimit = 16

    /// The two-sided p-value of paired differences.
    ///
    /// Up to `exactLimit` differences other than 0 it is exact; beyond, it is estimated from `permutations` random
    /// patterns as (extreme + 1) / (permutations + 1), which is never 0 and never too small (Phipson & Smyth 2010).
    ///
    /// - Complexity: O(permutations · differences / 8).
    public static func pValue(ofDifferences differences: [Double], permutations: Int = 10_000, seed: UInt64 = 1)
        -> Double
    {
        // A difference of 0 has the same sum with either sign.
        let moving = differences.filter { $0 != 0 }
        guard !moving.isEmpty else { return 1 }
        let sums = SubsetSums(moving)
        if moving.count <= exactLimit {
            let patterns = UInt64(1) << UInt64(moving.count)
            let extreme = (0..<patterns).count { sums.isExtreme(sums.sum(of: $0, word: 0)) }
            return Double(extreme) / Double(patterns)
        }
        var generator = SeededGenerator(seed: seed)
        var extreme = 0
        for _ in 0..<permutations {
            var negated = 0.0
            for word in 0..<sums.wordCount { negated += sums.sum(of: generator.next(), word: word) }
            if sums.isExtreme(negated) { extreme += 1 }
        }
        return Double(extreme + 1) / Double(permutations + 1)
    }

    /// The two-sided p-value of two series over the same queries.
    public static func pValue(_ first: [Double], _ second: [Double], permutations: Int = 10_000, seed: UInt64 = 1)
        -> Double
    {
        precondition(first.count == second.count, "\(first.count) and \(second.count) values cannot be paired")
        return pValue(ofDifferences: zip(first, second).map { $0 - $1 }, permutations: permutations, seed: seed)
    }
}

/// Sums of subsets of numbers, eight numbers by one look-up: 64 random signs cost eight additions.
private struct SubsetSums {
    /// For each group of eight numbers, the sum of each of its 256 subsets.
    private let table: [Double]
    /// How many words of 64 bits one subset takes.
    let wordCount: Int
    private let total: Double
    /// Sums in another order differ by rounding; so little is no difference.
    private let tolerance: Double

    init(_ numbers: [Double]) {
        wordCount = (numbers.count + 63) / 64
        var table: [Double] = []
        table.reserveCapacity(wordCount * 8 * 256)
        for group in 0..<(wordCount * 8) {
            let start = table.count
            table.append(0)
            for bit in 0..<8 {
                let index = group * 8 + bit
                let number = index < numbers.count ? numbers[index] : 0
                for subset in 0..<(1 << bit) { table.append(table[start + subset] + number) }
            }
        }
        self.table = table
        total = numbers.reduce(0, +)
        tolerance = 1e-12 * numbers.reduce(0) { $0 + abs($1) }
    }

    /// The sum of the subset of the numbers `64 * word ..< 64 * (word + 1)` that the bits select.
    func sum(of bits: UInt64, word: Int) -> Double {
        var sum = 0.0
        let start = word * 8 * 256
        for byte in 0..<8 {
            sum += table[start + byte * 256 + Int((bits >> (UInt64(byte) * 8)) & 0xFF)]
        }
        return sum
    }

    /// Whether all numbers together, those of a subset negated, are as far from 0 as none negated.
    func isExtreme(_ negated: Double) -> Bool {
        abs(total - 2 * negated) >= abs(total) - tolerance
    }
}
