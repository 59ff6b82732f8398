import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    /// Scores of one query with many vectors, one after another and by the ordinals of a list.
    @Suite struct Distances {
        static let dims = awkwardCounts + [64, 128, 300, 384]
        /// Ordinals among 11 vectors: some twice, none of most.
        static let rows: [UInt32] = [10, 0, 3, 3, 7, 1, 10, 9, 2]

        /// Vectors of floats and what kernels make of them.
        struct Case {
            let dim: Int
            let query: Exactly<Float>
            let vectors: Exactly<Float>
            let halves: Exactly<UInt16>
            let count = 11
            var stride: Int { dim + 3 }

            init(dim: Int) {
                self.dim = dim
                query = Exactly(numbers(dim, seed: 26))
                // The last row ends with its vector: what follows must not be read.
                vectors = Exactly(numbers(count * (dim + 3) - 3, seed: 27))
                halves = Exactly((0..<vectors.count).map { [vectors] in UInt16(vectors[$0].bitPattern >> 16) })
            }

            /// Dot product and squared distance in double precision.
            func exact(_ i: Int, _ isHalf: Bool) -> (dot: Double, distance: Double) {
                (0..<dim).reduce((0, 0)) { sums, d in
                    let at = i * stride + d
                    let number = isHalf ? Float(bitPattern: UInt32(halves[at]) << 16) : vectors[at]
                    let (a, b) = (Double(query[d]), Double(number))
                    return (sums.0 + a * b, sums.1 + (a - b) * (a - b))
                }
            }

            /// Both scores of a block (`rows` nil) or of a list.
            func scores(_ isHalf: Bool, rows: [UInt32]?, from first: Int = 0, count: Int) -> (
                dot: [Float], distance: [Float]
            ) {
                let (dot, distance) = (Buffer(repeating: .nan, count: count), Buffer(repeating: .nan, count: count))
                let (q, v, h) = (query.start, vectors.start + first * stride, halves.start + first * stride)
                if isHalf {
                    attar_dot_bf16(q, h, stride, rows, count, dim, dot.start)
                    attar_squared_distance_bf16(q, h, stride, rows, count, dim, distance.start)
                } else {
                    attar_dot_f32(q, v, stride, rows, count, dim, dot.start)
                    attar_squared_distance_f32(q, v, stride, rows, count, dim, distance.start)
                }
                #expect(dot.isIntact && distance.isIntact)
                return (dot.values, distance.values)
            }
        }

        @Test(arguments: Level.all, [false, true])
        func scoresAreThoseOfDoublePrecision(level: Level, isHalf: Bool) {
            for dim in Self.dims {
                let test = Case(dim: dim)
                level.run {
                    let all = test.scores(isHalf, rows: nil, count: test.count)
                    for i in 0..<test.count {
                        let exact = test.exact(i, isHalf)
                        #expect((Double(all.dot[i]) - exact.dot).magnitude < 1e-5)
                        #expect((Double(all.distance[i]) - exact.distance).magnitude <= 1e-5 * (1 + exact.distance))
                        // A score does not depend on the neighbours.
                        let alone = test.scores(isHalf, rows: nil, from: i, count: 1)
                        #expect(alone.dot == [all.dot[i]] && alone.distance == [all.distance[i]])
                    }
                    for count in 0...Self.rows.count {
                        let listed = test.scores(isHalf, rows: Self.rows, count: count)
                        #expect(listed.dot == Self.rows.prefix(count).map { all.dot[Int($0)] })
                        #expect(listed.distance == Self.rows.prefix(count).map { all.distance[Int($0)] })
                    }
                }
            }
        }

        /// What is not finite stays in the score of its vector.
        @Test(arguments: Level.all, [false, true])
        func notANumberAndInfinityReachTheirOwnScoreAlone(level: Level, isHalf: Bool) {
            for dim in [1, 5, 16, 33, 100] {
                let test = Case(dim: dim)
                for i in 0..<dim where test.query[i] == 0 { test.query.start[i] = 1 }
                let sound = level.run { test.scores(isHalf, rows: nil, count: test.count) }
                for (vector, value) in [(2, Float.nan), (5, .infinity)] {
                    test.vectors.start[vector * test.stride + dim - 1] = value
                    test.halves.start[vector * test.stride + dim - 1] = UInt16(value.bitPattern >> 16)
                }
                let scores = level.run { test.scores(isHalf, rows: nil, count: test.count) }
                for i in 0..<test.count {
                    switch i {
                    case 2: #expect(scores.dot[i].isNaN && scores.distance[i].isNaN)
                    case 5: #expect(scores.dot[i].isInfinite && scores.distance[i] == .infinity)
                    default: #expect(scores.dot[i] == sound.dot[i] && scores.distance[i] == sound.distance[i])
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func bytesAreComparedExactly(level: Level) {
            var generator = SeededGenerator(seed: 28)
            for dim in Self.dims + [4097] {
                let (count, stride) = (6, dim + 1)
                let extremes: [Int8] = [-128, 127, -127]
                let query = Exactly((0..<dim).map { _ in extremes.randomElement(using: &generator) ?? 0 })
                let vectors = Exactly(
                    (0..<(count * stride - 1)).map {
                        $0 < stride ? -128 : Int8.random(in: -128...127, using: &generator)
                    })
                let rows: [UInt32] = [5, 0, 0, 4, 1]
                let blank = [Int32](repeating: -1, count: count + 1)
                var (dots, distances, dotsOfRows, distancesOfRows) = (blank, blank, blank, blank)
                level.run {
                    attar_dot_i8(query.start, vectors.start, stride, nil, count, dim, &dots)
                    attar_squared_distance_i8(query.start, vectors.start, stride, nil, count, dim, &distances)
                    attar_dot_i8(query.start, vectors.start, stride, rows, 5, dim, &dotsOfRows)
                    attar_squared_distance_i8(query.start, vectors.start, stride, rows, 5, dim, &distancesOfRows)
                }
                for i in 0..<count {
                    let pairs = (0..<dim).map { (Int(query[$0]), Int(vectors[i * stride + $0])) }
                    #expect(Int(dots[i]) == pairs.reduce(0) { $0 + $1.0 * $1.1 })
                    #expect(Int(distances[i]) == pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
                }
                #expect(Array(dotsOfRows.prefix(5)) == rows.map { dots[Int($0)] })
                #expect(Array(distancesOfRows.prefix(5)) == rows.map { distances[Int($0)] })
                #expect(dots[count] == -1 && distances[count] == -1 && dotsOfRows[5] == -1 && distancesOfRows[5] == -1)
            }
        }

        @Test(arguments: Level.all)
        func bitsAreCountedExactly(level: Level) {
            var generator = SeededGenerator(seed: 33)
            for bytes in Self.dims {
                let (count, stride) = (7, bytes + 2)
                let query = Exactly((0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
                var values = (0..<(count * stride - 2)).map { _ in UInt8.random(in: 0...255, using: &generator) }
                // The first is the query's opposite, the second the query itself.
                for i in 0..<bytes { (values[i], values[stride + i]) = (~query[i], query[i]) }
                let vectors = Exactly(values)
                let rows: [UInt32] = [6, 1, 6, 0, 2]
                var scores = [Int32](repeating: -1, count: count + 1)
                var ofRows = [Int32](repeating: -1, count: 6)
                level.run {
                    attar_hamming(query.start, vectors.start, stride, nil, count, bytes, &scores)
                    attar_hamming(query.start, vectors.start, stride, rows, 5, bytes, &ofRows)
                }
                #expect(scores[0] == 8 * bytes && scores[1] == 0 && scores[count] == -1)
                for i in 0..<count {
                    let exact = (0..<bytes).reduce(0) { $0 + (query[$1] ^ vectors[i * stride + $1]).nonzeroBitCount }
                    #expect(Int(scores[i]) == exact)
                }
                #expect(ofRows == rows.map { scores[Int($0)] } + [-1])
            }
        }
    }
}
