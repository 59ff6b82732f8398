import CAttarKernels
import Foundation
import Testing

extension KernelTests {
    @Suite struct Peak {
        /// Sum i begins at i and goes through x ← 0.9999 x + 0.00001, whose fixed point is 0.1.
        @Test(arguments: Level.all, [0, 1, 7, 1000])
        func allTheOperationsThatAreCountedAreDone(level: Level, rounds: Int) throws {
            let shapes = [8: (8, 1), 64: (16, 4), 96: (12, 8), 256: (16, 16)]
            try level.run {
                var sink: Float = .nan
                let perRound = Int(attar_peak_f32(1, &sink))
                let (sums, lanes) = try #require(shapes[perRound / 2])
                #expect(Int(attar_peak_f32(rounds, &sink)) == rounds * perRound)
                let expected = (0..<sums).map { 0.1 + (Double($0) - 0.1) * pow(0.9999, Double(rounds)) }
                let total = Double(lanes) * expected.reduce(0, +)
                #expect(abs(Double(sink) - total) < 1e-4 * total)
            }
        }
    }

    @Suite struct Processors {
        @Test func aThreadMayRunSomewhereAndNonsenseIsRefused() {
            #if os(Linux)
                var processors = [Int32](repeating: -1, count: 4)
                #expect(attar_processors_allowed(&processors, 1) == 1)
                #expect(processors[0] >= 0 && processors[1] == -1)
                #expect(!attar_bind_thread(0, [1 << 20], 1))
                #expect(!attar_bind_thread(0, [-1], 1))
            #endif
        }
    }
}
