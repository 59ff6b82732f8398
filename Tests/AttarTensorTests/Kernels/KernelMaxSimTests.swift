import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    /// Late interaction against double precision, over queries and documents of awkward sizes.
    @Suite struct MaxSim {
        enum Kind: String, CaseIterable, Sendable { case f32, bf16, u8 }

        /// Tokens of each document; two have none.
        static let lengths = [3, 0, 1, 47, 48, 49, 7, 100, 0, 2]
        static let offsets: [UInt64] = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + UInt64($1)) }
        static let tokenCount = lengths.reduce(0, +)
        static let rows: [UInt32] = [9, 0, 1, 5, 5, 2]

        /// A query and documents: what the kernel of a kind takes, and the numbers that it stands for.
        struct Case {
            let kind: Kind
            let queryTokens: Int
            let dim: Int
            let query: [Float]
            let tokens: [Float]

            init(_ kind: Kind, queryTokens: Int, dim: Int) {
                self.kind = kind
                self.queryTokens = queryTokens
                self.dim = dim
                query = numbers(queryTokens * dim, seed: 50)
                tokens = numbers(tokenCount * dim, seed: 51)
            }

            /// The scores at the calling thread's level, and those of double precision over the rounded numbers.
            func scores(rows: [UInt32]?, tokens: [Float]? = nil) -> [Float] {
                let tokens = tokens ?? self.tokens
                let count = rows?.count ?? lengths.count
                let scores = Buffer(repeating: .nan, count: count)
                func run<Packed, Number>(
                    _ packed: UnsafePointer<Packed>, _ vectors: Exactly<Number>, stride: Int,
                    scales: Exactly<Float>? = nil,
                    zeros: Exactly<Int32>? = nil,
                    _ kernel: (
                        UnsafePointer<Packed>?, Int, Int, UnsafePointer<attar_token_vectors>?, UnsafePointer<UInt32>?,
                        Int,
                        UnsafeMutablePointer<Float>?
                    ) -> Void
                ) {
                    offsets.withUnsafeBufferPointer { offsets in
                        var side = attar_token_vectors(
                            vectors: vectors.start, stride: stride, offsets: offsets.baseAddress, scales: scales?.start,
                            zeros: zeros?.start)
                        if let rows {
                            kernel(packed, queryTokens, dim, &side, rows, count, scores.start)
                        } else {
                            kernel(packed, queryTokens, dim, &side, nil, count, scores.start)
                        }
                    }
                }
                switch kind {
                case .f32:
                    let packed = Exactly([Float](repeating: 0, count: attar_pack_f32_size(queryTokens, dim)))
                    attar_pack_f32(query, dim, queryTokens, dim, false, packed.start)
                    run(UnsafePointer(packed.start), Exactly(tokens), stride: dim, attar_max_sim_f32)
                    withExtendedLifetime(packed) {}
                case .bf16:
                    let packed = Exactly([UInt16](repeating: 0, count: attar_pack_bf16_size(queryTokens, dim)))
                    attar_pack_bf16(query, dim, queryTokens, dim, false, packed.start)
                    let stride = dim + dim % 2
                    let halves = Exactly([UInt16](repeating: 0, count: tokenCount * stride))
                    attar_bf16_rows(tokens, dim, tokenCount, dim, halves.start, stride)
                    run(UnsafePointer(packed.start), halves, stride: stride, attar_max_sim_bf16)
                    withExtendedLifetime(packed) {}
                case .u8:
                    // The bytes hold floats too, which want their alignment.
                    let packed = Exactly([Float](repeating: 0, count: attar_pack_i8_size(queryTokens, dim) / 4))
                    let bytes = UnsafeMutableRawPointer(packed.start).assumingMemoryBound(to: Int8.self)
                    attar_pack_i8(query, dim, queryTokens, dim, bytes)
                    let codes = Codes(tokens, dim)
                    run(
                        UnsafePointer(bytes), codes.codes, stride: codes.stride, scales: codes.scales,
                        zeros: codes.zeros,
                        attar_max_sim_u8)
                    withExtendedLifetime(packed) {}
                }
                #expect(scores.isIntact)
                return scores.values
            }

            /// Tokens as bytes.
            struct Codes {
                let stride: Int
                let codes: Exactly<UInt8>
                let scales: Exactly<Float>
                let zeros: Exactly<Int32>

                init(_ tokens: [Float], _ dim: Int) {
                    stride = (dim + 3) / 4 * 4
                    codes = Exactly([UInt8](repeating: 0, count: tokenCount * stride))
                    scales = Exactly([Float](repeating: 0, count: tokenCount))
                    zeros = Exactly([Int32](repeating: 0, count: tokenCount))
                    attar_quantize_rows_u8(tokens, dim, tokenCount, dim, codes.start, scales.start, zeros.start)
                }
            }

            /// Both sides' numbers as the kernel sees them, as doubles.
            func rounded() -> (query: [Double], tokens: [Double]) {
                switch kind {
                case .f32: return (query.map(Double.init), tokens.map(Double.init))
                case .bf16: return (query.map(NarrowProducts.rounded), tokens.map(NarrowProducts.rounded))
                case .u8:
                    var codes = [Int8](repeating: 0, count: query.count)
                    var scales = [Float](repeating: 0, count: queryTokens)
                    attar_quantize_i8(query, queryTokens, dim, &codes, &scales)
                    let bytes = Codes(tokens, dim)
                    return (
                        codes.indices.map { Double(codes[$0]) * Double(scales[$0 / dim]) },
                        tokens.indices.map { at in
                            let token = at / dim
                            let code = Int(bytes.codes[token * bytes.stride + at % dim])
                            return Double(code - Int(bytes.zeros[token])) * Double(bytes.scales[token])
                        }
                    )
                }
            }

            func exact() -> [Double] {
                let (query, tokens) = rounded()
                return lengths.indices.map { document in
                    (0..<queryTokens).reduce(0.0) { sum, q in
                        let products = (Int(offsets[document])..<Int(offsets[document + 1])).map { token in
                            (0..<dim).reduce(0.0) { $0 + query[q * dim + $1] * tokens[token * dim + $1] }
                        }
                        return sum + (products.max() ?? -.infinity)
                    }
                }
            }
        }

        @Test(arguments: Level.all, Kind.allCases)
        func scoresAreThoseOfDoublePrecision(level: Level, kind: Kind) {
            for (queryTokens, dim) in [
                (0, 8), (1, 1), (1, 128), (5, 2), (15, 3), (16, 16), (17, 33), (32, 128), (33, 7), (48, 64), (49, 130),
                (100, 20), (3, 401),
            ] {
                let test = Case(kind, queryTokens: queryTokens, dim: dim)
                level.run {
                    let scores = test.scores(rows: nil)
                    for (score, exact) in zip(scores, test.exact()) {
                        let isClose = (Double(score) - exact).magnitude <= 1e-5 * (1 + Double(queryTokens * dim))
                        #expect(Double(score) == exact || isClose, "\(queryTokens) x \(dim): \(score), \(exact)")
                    }
                    #expect(test.scores(rows: Self.rows) == Self.rows.map { scores[Int($0)] })
                }
            }
        }

        /// A token with a number that is none is as if it were not there.
        @Test(arguments: Level.all, Kind.allCases)
        func notANumberIsPassedOver(level: Level, kind: Kind) {
            let test = Case(kind, queryTokens: 20, dim: 24)
            var tokens = test.tokens
            // All of document 2, and the best of every product in document 0.
            tokens[Int(Self.offsets[2]) * 24 + 3] = .nan
            tokens[1 * 24 + 23] = .nan
            let scores = level.run { test.scores(rows: nil, tokens: tokens) }
            #expect(scores[2] == -.infinity && scores[1] == -.infinity)
            let without = level.run { test.scores(rows: nil) }
            #expect(scores[0] <= without[0] && scores[0].isFinite)
            #expect(Array(scores[3...]) == Array(without[3...]))
        }

        @Test(arguments: Level.all)
        func scoresOfCodesHaveTheBitsOfSumsInOrder(level: Level) {
            var generator = SeededGenerator(seed: 52)
            for (queryTokens, subspaces) in [(1, 1), (5, 2), (16, 0), (17, 3), (32, 16), (33, 4), (64, 2), (70, 5)] {
                let (stride, centroidCount) = ((queryTokens + 15) / 16 * 16, 9)
                let centroidScores = Exactly(numbers(centroidCount * stride, seed: 53))
                let tables = Exactly(numbers(subspaces * 256 * stride, seed: 54))
                let centroids = (0..<Self.tokenCount).map { _ in
                    UInt32.random(in: 0..<UInt32(centroidCount), using: &generator)
                }
                let codes = Exactly(
                    (0..<(Self.tokenCount * subspaces)).map { _ in UInt8.random(in: 0...255, using: &generator) })
                // What stands behind a row's last query token counts for nothing.
                centroidScores.start[0 * stride + stride - 1] = stride > queryTokens ? .nan : 0
                let scores = Buffer(repeating: .nan, count: Self.lengths.count)
                let ofRows = Buffer(repeating: .nan, count: Self.rows.count)
                level.run {
                    centroids.withUnsafeBufferPointer { centroids in
                        Self.offsets.withUnsafeBufferPointer { offsets in
                            var query = attar_coded_query(
                                query_tokens: queryTokens, subspaces: subspaces, stride: stride,
                                centroid_scores: centroidScores.start, tables: tables.start)
                            var tokens = attar_token_codes(
                                centroids: centroids.baseAddress, codes: codes.start, offsets: offsets.baseAddress)
                            attar_max_sim_codes(&query, &tokens, nil, Self.lengths.count, scores.start)
                            attar_max_sim_codes(&query, &tokens, Self.rows, Self.rows.count, ofRows.start)
                        }
                    }
                }
                let exact = Self.lengths.indices.map { document in
                    (0..<queryTokens).reduce(Float(0)) { sum, q in
                        let products = (Int(Self.offsets[document])..<Int(Self.offsets[document + 1])).map { token in
                            (0..<subspaces).reduce(centroidScores[Int(centroids[token]) * stride + q]) {
                                $0 + tables[($1 * 256 + Int(codes[token * subspaces + $1])) * stride + q]
                            }
                        }
                        return sum + (products.max() ?? -.infinity)
                    }
                }
                #expect(scores.isIntact && scores.values == exact)
                #expect(ofRows.isIntact && ofRows.values == Self.rows.map { exact[Int($0)] })
            }
        }
    }
}
