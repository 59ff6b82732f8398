import Foundation

/// The only source of randomness in Attar: xoshiro256** (Blackman & Vigna 2018), seeded through SplitMix64.
///
/// The state is four words and `Codable`, so that a checkpoint can hold it: a resumed run draws the same numbers as an
/// undisturbed one.
public struct SeededGenerator: RandomNumberGenerator, Codable, Equatable, Sendable {
    private var state: [UInt64]

    /// A generator whose whole sequence is determined by `seed`.
    public init(seed: UInt64) {
        var mixer = seed
        state = (0..<4).map { _ in
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var word = mixer
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }

    /// A generator at a state that `words` gave.
    ///
    /// - Parameter words: Four words, not all zero.
    init(words: [UInt64]) {
        precondition(words.count == 4, "a generator's state has 4 words, not \(words.count)")
        state = words
    }

    /// The state: four words.
    var words: [UInt64] { state }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        func rotated(_ word: UInt64, _ by: UInt64) -> UInt64 { (word << by) | (word >> (64 - by)) }
        let result = rotated(state[1] &* 5, 7) &* 9
        let shifted = state[1] << 17
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = rotated(state[3], 45)
        return result
    }

    /// A number drawn uniformly from [0, 1), with 53 random bits.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number drawn from the standard normal distribution (Box–Muller, the cosine half).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * .pi * uniform())
    }

    /// The indices `0 ..< count` in random order (Fisher–Yates).
    ///
    /// - Complexity: O(`count`).
    public mutating func permutation(of count: Int) -> [Int] {
        var indices = Array(0..<count)
        indices.shuffle(using: &self)
        return indices
    }
}
