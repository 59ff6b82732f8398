import AttarIndex
import AttarTensor
import CAttarKernels
import Testing

struct ProductQuantizerTests {
    /// Correlated vectors: few sources, mixed.
    static func correlated(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        let (sources, mixture) = (KMeansTests.random(rows, 6, seed: seed), KMeansTests.random(6, columns, seed: 99))
        var matrix = KMeansTests.random(rows, columns, seed: seed &+ 1)
        for row in 0..<rows {
            for column in 0..<columns {
                var sum = 0.1 * matrix.values[row * columns + column]
                for s in 0..<6 { sum += sources.values[row * 6 + s] * mixture.values[s * columns + column] }
                matrix.values[row * columns + column] = sum
            }
        }
        return matrix
    }

    @Test func codesAreThoseOfTheNearestCodewords() throws {
        let vectors = Self.correlated(1500, 24, seed: 1)
        let quantizer = try ProductQuantizer(vectors, options: .init(subspaces: 4, iterations: 4))
        let codes = quantizer.encode(vectors)
        #expect(codes == quantizer.encode(vectors, threads: 1))
        for row in stride(from: 0, to: vectors.rows, by: 37) {
            for subspace in 0..<4 {
                let part = vectors.row(row).dropFirst(subspace * 6).prefix(6)
                let distances = (0..<256).map { word in
                    zip(part, quantizer.codebooks[subspace].row(word)).reduce(Float(0)) {
                        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
                    }
                }
                let chosen = distances[Int(codes[row * 4 + subspace])]
                #expect(chosen <= (distances.min() ?? 0) + 1e-4)
            }
        }
        let decoded = quantizer.decode(codes)
        let error =
            zip(vectors.values, decoded.values).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / 1500
        #expect((quantizer.error(vectors) - error).magnitude < 1e-9)
        #expect(quantizer.decode(quantizer.encode(decoded)) == decoded)
    }

    /// Scores by tables are the products with what the codes stand for; in registers nearly so.
    @Test func tablesGiveTheProductsWithDecodedVectors() throws {
        let (vectors, query) = (Self.correlated(900, 24, seed: 2), Array(Self.correlated(1, 24, seed: 5).values))
        for codewords in [256, 16] {
            let quantizer = try ProductQuantizer(
                vectors, options: .init(subspaces: 6, codewords: codewords, iterations: 5))
            let codes = quantizer.encode(vectors)
            let decoded = quantizer.decode(codes)
            let tables = quantizer.tables(query)
            var scores = [Float](repeating: 0, count: 900)
            var tolerance = 1e-3
            if codewords == 256 {
                attar_table_scores_f32(tables, 6, codes, nil, 900, &scores)
            } else {
                var bytes = [UInt8](repeating: 0, count: attar_scan_tables_size(6))
                var blocks = [UInt8](repeating: 0, count: attar_scan_codes_size(900, 6))
                var (scale, offset): (Float, Float) = (0, 0)
                attar_quantize_scan_tables(tables, 6, &bytes, &scale, &offset)
                attar_pack_scan_codes(codes, 900, 6, &blocks)
                var (places, sums) = ([UInt32](repeating: 0, count: 900), [UInt16](repeating: 0, count: 900))
                #expect(attar_scan_codes(bytes, 6, blocks, 900, 0, nil, &places, &sums) == 900)
                scores = sums.map { offset + scale * Float($0) }
                tolerance += 6 * 0.5 * Double(scale)
            }
            for row in 0..<900 {
                #expect((Double(scores[row]) - Similarity.dot(query[...], decoded.row(row))).magnitude < tolerance)
            }
        }
    }

    @Test func aRotationIsOrthogonalAndHelps() throws {
        let vectors = Self.correlated(3000, 24, seed: 3)
        let options = ProductQuantizer.Options(subspaces: 4, codewords: 16, iterations: 10)
        let plain = try ProductQuantizer(vectors, options: options)
        let optimized = try OptimizedProductQuantizer(vectors, options: .init(options, rotations: 20))
        let rotation = optimized.rotation
        for one in 0..<24 {
            for other in 0...one {
                let product = Similarity.dot(rotation.row(one), rotation.row(other))
                #expect((product - (one == other ? 1 : 0)).magnitude < 1e-4)
            }
        }
        #expect(optimized.error(vectors) < 0.8 * plain.error(vectors))
        let (a, b) = (vectors.gathered([0]), vectors.gathered([1]))
        let rotated = Similarity.dot(optimized.rotate(a).values[...], optimized.rotate(b).values[...])
        #expect((rotated - Similarity.dot(a.values[...], b.values[...])).magnitude < 1e-3)
    }

    @Test func theNumberOfThreadsChangesNothing() throws {
        let vectors = Self.correlated(2000, 12, seed: 4)
        let options = OptimizedProductQuantizer.Options(.init(subspaces: 3, codewords: 16, iterations: 4), rotations: 3)
        let one = try OptimizedProductQuantizer(vectors, options: options, threads: 1)
        #expect(try one == OptimizedProductQuantizer(vectors, options: options, threads: 2))
    }

    @Test func whatCannotBeTrainedIsSaidSo() {
        let vectors = KMeansTests.random(300, 10, seed: 6)
        func message(_ subspaces: Int, rows: Int) -> String {
            do {
                _ = try ProductQuantizer(
                    vectors.gathered(0..<rows), options: .init(subspaces: subspaces, iterations: 1))
                return "was trained"
            } catch { return "\(error)" }
        }
        #expect(message(3, rows: 300).contains("3 subspaces do not divide 10 dimensions"))
        #expect(message(0, rows: 300).contains("do not divide"))
        #expect(message(5, rows: 255).contains("255 vectors are too few for 256 codewords"))
        #expect(message(5, rows: 256) == "was trained")
    }

    /// A direction that no vector uses leaves the rotation open there; it stays orthogonal all the same.
    @Test func emptyDimensionsAreNoTrap() throws {
        var vectors = KMeansTests.random(400, 8, seed: 7)
        for row in 0..<400 { for d in 5..<8 { vectors.values[row * 8 + d] = 0 } }
        let options = OptimizedProductQuantizer.Options(.init(subspaces: 4, codewords: 16, iterations: 4), rotations: 5)
        let rotation = try OptimizedProductQuantizer(vectors, options: options).rotation
        for row in 0..<8 { #expect((Similarity.dot(rotation.row(row), rotation.row(row)) - 1).magnitude < 1e-3) }
        let zeros = try OptimizedProductQuantizer(Matrix(rows: 20, columns: 8), options: options)
        #expect(zeros.error(Matrix(rows: 20, columns: 8)) == 0)
    }
}
