import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    @Suite struct Vectors {
        @Test(arguments: Level.all)
        func scoresAreThoseOfDoublePrecision(level: Level) {
            for dim in awkwardCounts + [384] {
                let (count, stride) = (7, dim + 3)
                let query = Buffer(numbers(dim, seed: 26)), vectors = Buffer(numbers(count * stride, seed: 27))
                let dots = Buffer(repeating: .nan, count: count), distances = Buffer(repeating: .nan, count: count)
                level.run {
                    attar_dot_f32(query.start, vectors.start, stride, count, dim, dots.start)
                    attar_squared_distance_f32(query.start, vectors.start, stride, count, dim, distances.start)
                    // A score does not depend on the neighbours.
                    for i in 0..<count {
                        let alone = Buffer(repeating: .nan, count: 1)
                        attar_dot_f32(query.start, vectors.start + i * stride, stride, 1, dim, alone.start)
                        #expect(alone[0] == dots[i])
                    }
                }
                #expect(dots.isIntact && distances.isIntact)
                for i in 0..<count {
                    var (dot, distance) = (0.0, 0.0)
                    for d in 0..<dim {
                        let (a, b) = (Double(query[d]), Double(vectors[i * stride + d]))
                        dot += a * b
                        distance += (a - b) * (a - b)
                    }
                    #expect((Double(dots[i]) - dot).magnitude < 1e-5)
                    #expect((Double(distances[i]) - distance).magnitude <= 1e-5 * (1 + distance))
                }
            }
        }

        @Test(arguments: Level.all)
        func byteProductsAreExact(level: Level) {
            var generator = SeededGenerator(seed: 28)
            for dim in awkwardCounts + [384, 4097] {
                let (count, stride) = (6, dim + 1)
                let extremes: [Int8] = [-128, 127, -127]
                let query = (0..<dim).map { _ in extremes.randomElement(using: &generator) ?? 0 }
                let vectors = (0..<(count * stride)).map {
                    $0 < stride ? -128 : Int8.random(in: -128...127, using: &generator)
                }
                var scores = [Int32](repeating: -1, count: count + 1)
                level.run { attar_dot_i8(query, vectors, stride, count, dim, &scores) }
                for i in 0..<count {
                    let exact = (0..<dim).reduce(0) { $0 + Int(query[$1]) * Int(vectors[i * stride + $1]) }
                    #expect(Int(scores[i]) == exact)
                }
                #expect(scores[count] == -1)
            }
        }

        @Test(arguments: Level.all)
        func gatheredByteProductsAreThoseOfTheRows(level: Level) {
            var generator = SeededGenerator(seed: 33)
            for dim in awkwardCounts + [384, 4097] {
                let (rows, stride) = (9, dim + 2)
                // The last row ends with the memory: nothing may be read behind it.
                let vectors = (0..<(rows * stride - 2)).map { _ in Int8.random(in: -128...127, using: &generator) }
                let query = (0..<dim).map { _ in [-128, 127, 3].randomElement(using: &generator) ?? 0 }
                for ids: [UInt32] in [[], [8], [0, 0], [3, 1, 8], (0..<21).map { $0 * 5 % 9 }] {
                    var scores = [Int32](repeating: -1, count: ids.count + 1)
                    level.run { attar_dot_rows_i8(query, vectors, stride, ids, ids.count, dim, &scores) }
                    for (id, score) in zip(ids, scores) {
                        let exact = (0..<dim).reduce(0) { $0 + Int(query[$1]) * Int(vectors[Int(id) * stride + $1]) }
                        #expect(Int(score) == exact)
                    }
                    #expect(scores[ids.count] == -1)
                }
            }
        }

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
