import Foundation

/// Operations in double precision, as plainly as they can be written.
enum Reference {
    /// `a [m, inner] · b [inner, n]`.
    static func product(_ a: [Double], _ b: [Double], _ m: Int, _ inner: Int, _ n: Int) -> [Double] {
        var c = [Double](repeating: 0, count: m * n)
        for i in 0..<m {
            for j in 0..<n {
                for k in 0..<inner { c[i * n + j] += a[i * inner + k] * b[k * n + j] }
            }
        }
        return c
    }

    /// `[rows, columns]` to `[columns, rows]`.
    static func transposed(_ a: [Double], _ rows: Int, _ columns: Int) -> [Double] {
        (0..<columns).flatMap { column in (0..<rows).map { a[$0 * columns + column] } }
    }

    /// The rows of a matrix.
    static func rows(_ a: [Double], _ columns: Int) -> [[Double]] {
        stride(from: 0, to: a.count, by: columns).map { Array(a[$0..<($0 + columns)]) }
    }

    static func softmax(_ row: [Double]) -> [Double] {
        let largest = row.max() ?? 0
        let exponentials = row.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    static func normalized(_ row: [Double]) -> [Double] {
        let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { $0 / length }
    }

    static func dot(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }

    static func layerNorm(_ row: [Double], _ gamma: [Double], _ beta: [Double], _ epsilon: Double) -> [Double] {
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return row.indices.map { gamma[$0] * (row[$0] - mean) / (variance + epsilon).squareRoot() + beta[$0] }
    }

    static func rmsNorm(_ row: [Double], _ gamma: [Double], _ epsilon: Double) -> [Double] {
        let meanSquare = dot(row, row) / Double(row.count)
        return row.indices.map { gamma[$0] * row[$0] / (meanSquare + epsilon).squareRoot() }
    }

    /// Attention of one sequence in one head; rows of queries, keys, values. `bias(i, j)` is added to scores.
    static func attention(
        _ q: [[Double]], _ k: [[Double]], _ v: [[Double]], bias: (Int, Int) -> Double = { _, _ in 0 }
    ) -> [[Double]] {
        let scale = 1 / Double(q.first?.count ?? 1).squareRoot()
        return q.enumerated().map { i, query in
            let weights = softmax(k.enumerated().map { dot(query, $1) * scale + bias(i, $0) })
            return (v.first ?? []).indices.map { column in dot(weights, v.map { $0[column] }) }
        }
    }

    static func gelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }

    static func geluTanh(_ x: Double) -> Double {
        0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
}
