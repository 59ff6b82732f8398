import AttarTensor
import CAttarKernels
import Testing

extension KernelTests {
    /// Product quantisation: looked-up sums of codes of 8 bits, and of 4 bits in registers.
    @Suite struct Codes {
        @Test(arguments: Level.all)
        func lookedUpSumsHaveTheBitsOfSumsInOrder(level: Level) {
            var generator = SeededGenerator(seed: 40)
            for subspaces in [0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 96] {
                for count in [0, 1, 2, 5, 255, 256, 257] {
                    var values = numbers(subspaces * 256, seed: 41)
                    // Codeword 7 is no number, 8 infinite.
                    for s in 0..<subspaces { (values[s * 256 + 7], values[s * 256 + 8]) = (.nan, .infinity) }
                    let tables = Exactly(values)
                    let codes = Exactly(
                        (0..<(count * subspaces)).map { _ in UInt8.random(in: 0...255, using: &generator) })
                    let rows = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(count), using: &generator) }
                    let (scores, ofRows) = (Buffer(repeating: 9, count: count), Buffer(repeating: 9, count: count))
                    level.run {
                        attar_table_scores_f32(tables.start, subspaces, codes.start, nil, count, scores.start)
                        attar_table_scores_f32(tables.start, subspaces, codes.start, rows, count, ofRows.start)
                    }
                    #expect(scores.isIntact && ofRows.isIntact)
                    let exact = (0..<count).map { i in
                        var sum: Float = 0
                        for s in 0..<subspaces { sum += values[s * 256 + Int(codes[i * subspaces + s])] }
                        return sum
                    }
                    func same(_ a: Float, _ b: Float) -> Bool { a == b || (a.isNaN && b.isNaN) }
                    #expect(zip(scores.values, exact).allSatisfy(same))
                    #expect(zip(ofRows.values, rows).allSatisfy { same($0, exact[Int($1)]) })
                }
            }
        }

        @Test(arguments: Level.all)
        func scannedSumsAreExact(level: Level) {
            var generator = SeededGenerator(seed: 42)
            for subspaces in [1, 2, 3, 4, 5, 7, 8, 31, 32, 96, ATTAR_SCAN_MOST_SUBSPACES] {
                for count in [0, 1, 15, 16, 17, 31, 32, 33, 100] {
                    // Only the lower half of a code counts.
                    let codes = (0..<(count * subspaces)).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    var entries = (0..<(subspaces * 16)).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    // The first vectors' sums are the largest there are.
                    for (s, code) in codes.prefix(subspaces).enumerated() { entries[s * 16 + Int(code & 15)] = 255 }
                    let padding = attar_scan_tables_size(subspaces) - subspaces * 16
                    let tables = Exactly(entries + [UInt8](repeating: 0, count: padding))
                    let blocks = Exactly([UInt8](repeating: 0xAA, count: attar_scan_codes_size(count, subspaces)))
                    attar_pack_scan_codes(codes, count, subspaces, blocks.start)
                    let exact = (0..<count).map { i in
                        var sum = 0
                        for s in 0..<subspaces { sum += Int(entries[s * 16 + Int(codes[i * subspaces + s] & 15)]) }
                        return sum
                    }
                    for least in [0, 1, exact.sorted().dropFirst(count / 2).first ?? 0, exact.max() ?? 0, 65535] {
                        let places = Exactly([UInt32](repeating: .max, count: count))
                        let sums = Exactly([UInt16](repeating: .max, count: count))
                        let found = level.run {
                            attar_scan_codes(
                                tables.start, subspaces, blocks.start, count, UInt16(least),
                                least % 2 == 0 ? nil : blocks.start, places.start, sums.start)
                        }
                        let large = (0..<count).filter { exact[$0] >= least }
                        #expect((0..<found).map { Int(places[$0]) } == large)
                        #expect((0..<found).map { Int(sums[$0]) } == large.map { exact[$0] })
                    }
                    if let first = exact.first { #expect(first == 255 * subspaces) }
                }
            }
        }

        @Test func tablesAsBytesAreWithinHalfAStep() {
            for subspaces in [1, 3, 4, 9, 32] {
                var values = numbers(subspaces * 16, seed: 43, scale: 5)
                // One narrow table and one without any range.
                for c in 0..<16 { values[c] = 2 + Float(c) * 1e-3 }
                if subspaces > 2 { for c in 16..<32 { values[c] = -7 } }
                let bytes = Exactly([UInt8](repeating: 0xAA, count: attar_scan_tables_size(subspaces)))
                var (scale, offset): (Float, Float) = (0, 0)
                attar_quantize_scan_tables(values, subspaces, bytes.start, &scale, &offset)
                var minimums = 0.0
                for s in 0..<subspaces {
                    let table = values[(16 * s)..<(16 * s + 16)]
                    let low = table.min() ?? 0
                    minimums += Double(low)
                    for (c, value) in table.enumerated() {
                        #expect((value - low - scale * Float(bytes[16 * s + c])).magnitude <= 0.5001 * scale)
                    }
                }
                #expect((Double(offset) - minimums).magnitude < 1e-4)
                #expect((16 * subspaces..<bytes.count).allSatisfy { bytes[$0] == 0 })
            }
            let zeros = Exactly([UInt8](repeating: 0xAA, count: attar_scan_tables_size(1)))
            var (scale, offset): (Float, Float) = (0, 0)
            attar_quantize_scan_tables([Float](repeating: 4, count: 16), 1, zeros.start, &scale, &offset)
            #expect(scale == 1 && offset == 4 && (0..<16).allSatisfy { zeros[$0] == 0 })
        }
    }
}
