import AttarIndex
import AttarTensor
import AttarTestSupport
import Foundation

/// Vectors that look like those of texts: topics, and what differs within them.
enum RandomVectors {
    /// `[rows, columns]` of length 1, around so many topics.
    static func clustered(_ rows: Int, _ columns: Int, topics: Int = 50, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        // The topics do not depend on the seed, so that queries are about what the vectors are about.
        var shared = SeededGenerator(seed: 1234)
        let centres = (0..<(topics * columns)).map { _ in shared.normal() }
        var values: [Float] = []
        for _ in 0..<rows {
            let topic = Int.random(in: 0..<topics, using: &generator)
            let row = (0..<columns).map { centres[topic * columns + $0] + 0.7 * generator.normal() }
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            values += row.map { Float($0 / max(length, 1e-9)) }
        }
        return Matrix(rows: rows, columns: columns, values: values)
    }

    /// Numbers of the normal distribution.
    static func normal(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        return Matrix(
            rows: rows, columns: columns, values: (0..<(rows * columns)).map { _ in Float(generator.normal()) })
    }
}

extension VectorIndex {
    /// The share of the k best of `exact` that this index finds.
    func recall(of queries: Matrix, k: Int, allowed: OrdinalSet? = nil, exact: some VectorIndex) throws -> Double {
        var (found, wanted) = (0, 0)
        for row in 0..<queries.rows {
            let query = Array(queries.row(row))
            let truth = Set(try exact.search(query, k: k, allowed: allowed).map(\.ordinal))
            found += try search(query, k: k, allowed: allowed).count { truth.contains($0.ordinal) }
            wanted += truth.count
        }
        return wanted == 0 ? 1 : Double(found) / Double(wanted)
    }
}

extension TemporaryFolder {
    /// A flat index in fp32 of vectors, in a file of that name.
    func flatIndex(_ vectors: Matrix, name: String = "a.vec") throws -> FlatVectorIndex {
        let writer = try FlatVectorWriter(path: file(name), dimension: vectors.columns, fingerprint: "f")
        try writer.append(vectors)
        try writer.finish()
        return try FlatVectorIndex(path: file(name))
    }
}
