import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    @Suite struct Vectors {
        @Test(arguments: Level.all)
        func quantizedRowsAreWithinHalfAStep(level: Level) {
            for dim in awkwardCounts {
                let x = Buffer(numbers(dim, seed: 29, scale: 7) + [Float](repeating: 0, count: dim))
                var codes = [Int8](repeating: 99, count: 2 * dim + 1)
                let scales = Buffer(repeating: .nan, count: 2)
                level.run { attar_quantize_i8(x.start, 2, dim, &codes, scales.start) }
                #expect(scales.isIntact && codes[2 * dim] == 99 && scales[1] == 1)
                for i in 0..<dim {
                    #expect((x[i] / scales[0] - Float(codes[i])).magnitude <= 0.5001)
                    #expect(codes[i] > -128 && codes[dim + i] == 0)
                }
                if let largest = (0..<dim).max(by: { x[$0].magnitude < x[$1].magnitude }) {
                    #expect(codes[largest].magnitude == 127)
                }
            }
        }

        @Test(arguments: Level.all)
        func quantizingWhatIsNotANumberGivesCodesAllTheSame(level: Level) {
            let x = Buffer([.nan, 1, -2, .nan, 0.5, 2, 1e-44, .nan, 1, -1])
            var codes = [Int8](repeating: 99, count: 10)
            let scales = Buffer(repeating: .nan, count: 1)
            level.run { attar_quantize_i8(x.start, 1, 10, &codes, scales.start) }
            #expect(codes == [0, 64, -127, 0, 32, 127, 0, 0, 64, -64])
            let infinite = Buffer([.infinity, 1, -.infinity])
            level.run { attar_quantize_i8(infinite.start, 1, 3, &codes, scales.start) }
            #expect(Array(codes.prefix(3)) == [0, 0, 0])
        }

        @Test(arguments: Level.all)
        func theBestAreThoseOfASort(level: Level) {
            var generator = SeededGenerator(seed: 30)
            for count in awkwardCounts + [1000] {
                // Few different values make many ties; some scores are no numbers at all.
                let choices: [Float] = [.nan, .infinity, -.infinity, -0.0, 0, 1, 2, 3, -3, 1e-40]
                let scores = (0..<count).map { _ in choices.randomElement(using: &generator) ?? 0 }
                let order = scores.indices.filter { !scores[$0].isNaN }.sorted {
                    scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1)
                }
                for k in [0, 1, 3, 10, count / 2, count, count + 5] {
                    var indices = [UInt32](repeating: .max, count: k + 1)
                    let values = Buffer(repeating: .nan, count: k)
                    var found = 0
                    level.run { found = attar_top_k_f32(scores, count, k, &indices, values.start) }
                    #expect(found == min(k, order.count) && values.isIntact && indices[k] == .max)
                    #expect(indices.prefix(found).map(Int.init) == Array(order.prefix(found)))
                    #expect(Array(values.values.prefix(found)) == order.prefix(found).map { scores[$0] })
                }
            }
        }

        @Test(arguments: Level.all)
        func risingAndFallingScoresAreNoTrap(level: Level) {
            for scores in [(0..<5000).map(Float.init), (0..<5000).map { Float(-$0) }] {
                var indices = [UInt32](repeating: 0, count: 700)
                let values = Buffer(repeating: 0, count: 700)
                level.run { #expect(attar_top_k_f32(scores, 5000, 700, &indices, values.start) == 700) }
                #expect(values.values == Array(scores.sorted(by: >).prefix(700)))
            }
        }

        @Test(arguments: Level.all, [true, false])
        func bagsAreWeightedSumsOfRows(level: Level, isWeighted: Bool) {
            for dim in awkwardCounts + [384] {
                let table = Buffer(numbers(11 * dim, seed: 31))
                for ids: [Int32] in [[], [10], [0, 3, 3, 7, 10, 1, 2]] {
                    let weights = Buffer(numbers(ids.count, seed: 32))
                    let out = Buffer(repeating: .nan, count: dim)
                    level.run {
                        attar_embedding_bag_f32(
                            table.start, dim, ids, isWeighted ? weights.start : nil, ids.count, out.start)
                    }
                    #expect(out.isIntact)
                    for d in 0..<dim {
                        let exact = ids.indices.reduce(0.0) {
                            $0 + Double(isWeighted ? weights[$1] : 1) * Double(table[Int(ids[$1]) * dim + d])
                        }
                        #expect((Double(out[d]) - exact).magnitude < 1e-5)
                    }
                }
            }
        }
    }
}
