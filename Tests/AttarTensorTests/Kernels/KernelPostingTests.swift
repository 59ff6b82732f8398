import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    @Suite struct Postings {
        private static let count = Int(ATTAR_PACKED_COUNT)

        /// Bits of the numbers, packed as the contract says, one bit at a time.
        private func packed(_ numbers: [UInt32], bits: Int) -> [UInt8] {
            var words = [UInt32](repeating: 0, count: 4 * bits)
            for (index, number) in numbers.enumerated() {
                for bit in 0..<bits where number >> UInt32(bit) & 1 == 1 {
                    let place = index / 4 * bits + bit
                    words[place / 32 * 4 + index % 4] |= 1 << UInt32(place % 32)
                }
            }
            return words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
        }

        @Test(arguments: Level.all)
        func packedNumbersComeBackAtEveryWidth(level: Level) {
            var generator = SeededGenerator(seed: 41)
            for bits in 0...32 {
                let numbers = (0..<Self.count).map { _ in
                    bits == 0 ? 0 : UInt32.random(in: 0...(.max >> UInt32(32 - bits)), using: &generator)
                }
                // Exactly as long as the contract says.
                let bytes = packed(numbers, bits: bits)
                var ordinals = [UInt32](repeating: 7, count: Self.count + 1)
                let counts = Buffer(repeating: .nan, count: Self.count)
                level.run {
                    attar_unpack_ordinals(bytes, UInt32(bits), 9, &ordinals)
                    attar_unpack_counts(bytes, UInt32(bits), counts.start)
                }
                var next: UInt32 = 9
                for (index, number) in numbers.enumerated() {
                    #expect(ordinals[index] == next &+ number, "\(bits) bits, number \(index)")
                    next = next &+ number &+ 1
                    #expect(counts[index] == Float(number &+ 1))
                }
                #expect(ordinals[Self.count] == 7 && counts.isIntact)
            }
        }

        @Test func numbersBelowALimitAreCounted() {
            var generator = SeededGenerator(seed: 40)
            for _ in 0..<500 {
                let largest = [3, 1000, UInt32.max].randomElement(using: &generator) ?? 3
                let numbers = (0..<16).map { _ in UInt32.random(in: 0...largest, using: &generator) }
                for limit in [0, .max, UInt32.random(in: 0...largest, using: &generator)] {
                    #expect(Int(attar_count_below_16(numbers, limit)) == numbers.count { $0 < limit })
                }
            }
        }

        /// The form that search and explanation share: every level must give these very bits.
        private func onGrid(_ value: Float, _ step: Float) -> Float {
            let magic = step * 0x1p23
            let rounded = (value + magic) - magic
            return max(rounded, step)
        }

        @Test(arguments: Level.all)
        func scoresHaveTheSameBitsAtEveryLevel(level: Level) {
            var generator = SeededGenerator(seed: 42)
            let norms = numbers(5000, seed: 43).map { $0.magnitude + 0.01 } + [.infinity]
            for count in awkwardCounts + [128] {
                let ordinals = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(norms.count), using: &generator) }
                let frequencies = (0..<count).map { _ in Float(Int.random(in: 1...40, using: &generator)) }
                let (weight, step) = (Float(3.7), Float(0x1p-20))
                let saturated = Buffer(frequencies), linear = Buffer(frequencies)
                level.run {
                    attar_saturated_scores(ordinals, norms, count, weight, step, saturated.start)
                    attar_linear_scores(count, weight, step, linear.start)
                }
                for index in 0..<count {
                    let strength = frequencies[index] * norms[Int(ordinals[index])]
                    #expect(saturated[index] == onGrid(weight - weight / (1 + strength), step))
                    #expect(linear[index] == onGrid(weight * frequencies[index], step))
                }
                #expect(saturated.isIntact && linear.isIntact)
            }
        }

        @Test(arguments: Level.all)
        func aWindowGivesItsSumsAndIsEmptyAfterwards(level: Level) {
            var generator = SeededGenerator(seed: 44)
            let group = Int(ATTAR_WINDOW_GROUP)
            for (groups, density) in [(8, 1.0), (8, 0.02), (64, 0.3), (64, 0.002), (256, 0.05), (8, 0)] {
                let size = groups * group
                var expected = [Float](repeating: 0, count: size)
                let sums = Buffer([Float](repeating: 0, count: size))
                var marks = [UInt8](repeating: 0, count: groups)
                for _ in 0..<3 {
                    let places = (0..<size).filter { _ in generator.uniform() < density }
                    let scores = places.map { _ in Float(Int.random(in: 1...64, using: &generator)) / 16 }
                    for (place, score) in zip(places, scores) { expected[place] += score }
                    level.run {
                        attar_window_add(
                            places.map { UInt32($0) + 1000 }, scores, places.count, 1000, sums.start, &marks)
                    }
                }
                for limit in [Float(5), 2, 0] {
                    let found = expected.indices.filter { expected[$0] > limit }
                    var offsets = [UInt32](repeating: 0, count: size)
                    let scores = Buffer(repeating: .nan, count: size)
                    level.run {
                        #expect(attar_window_count(sums.start, marks, groups, limit) == found.count)
                        guard limit == 0 else { return }
                        let count = attar_window_take(sums.start, &marks, groups, limit, &offsets, scores.start)
                        #expect(offsets.prefix(count).map(Int.init) == found)
                        for index in found.indices { #expect(scores[index] == expected[found[index]]) }
                    }
                }
                for place in 0..<size { #expect(sums[place] == 0) }
                #expect(marks.allSatisfy { $0 == 0 } && sums.isIntact)
            }
        }

        @Test(arguments: Level.all)
        func onlySumsAboveTheLimitAreTaken(level: Level) {
            let size = 8 * Int(ATTAR_WINDOW_GROUP)
            for limit in [Float(0), 0.5, 3, 100] {
                let values = (0..<size).map { Float($0 % 7) / 2 }
                let sums = Buffer(values)
                var marks = [UInt8](repeating: 1, count: 8)
                var offsets = [UInt32](repeating: 0, count: size)
                let scores = Buffer(repeating: .nan, count: size)
                var found = 0
                level.run { found = attar_window_take(sums.start, &marks, 8, limit, &offsets, scores.start) }
                #expect(offsets.prefix(found).map(Int.init) == values.indices.filter { values[$0] > limit })
            }
        }
    }
}
