import AttarTensor

/// Vectors that are read row by row, from memory or a mapped file: what quantisers are trained on.
public protocol VectorSource: Sendable {
    /// The number of vectors.
    var count: Int { get }
    /// The length of a vector.
    var dimension: Int { get }
    /// Copies vector `row` to `target`, which takes `dimension` floats. May be called from several threads at once.
    func copy(_ row: Int, to target: UnsafeMutablePointer<Float>)
}

extension Matrix: VectorSource {
    /// The number of rows.
    public var count: Int { rows }
    /// The number of columns.
    public var dimension: Int { columns }

    /// Copies one row.
    public func copy(_ row: Int, to target: UnsafeMutablePointer<Float>) {
        values.withUnsafeBufferPointer { all in
            guard let start = all.baseAddress, columns > 0 else { return }
            target.update(from: start + row * columns, count: columns)
        }
    }
}

/// The vectors at some rows of another source, in that order.
struct SampledVectors: VectorSource {
    let source: any VectorSource
    let rows: [Int]

    /// The vectors at given rows.
    init(_ source: any VectorSource, rows: [Int]) {
        self.source = source
        self.rows = rows
    }

    /// At most `count` of the source's vectors, drawn without replacement, in the source's order.
    init(_ source: any VectorSource, count: Int, seed: UInt64) {
        self.source = source
        guard count < source.count else {
            rows = Array(0..<source.count)
            return
        }
        // Selection sampling (Knuth, volume 2, algorithm 3.4.2 S): one pass, the order is kept.
        var generator = SeededGenerator(seed: seed)
        var chosen: [Int] = []
        chosen.reserveCapacity(count)
        for row in 0..<source.count {
            let wanted = Double(count - chosen.count)
            if Double(source.count - row) * generator.uniform() < wanted { chosen.append(row) }
        }
        rows = chosen
    }

    var count: Int { rows.count }
    var dimension: Int { source.dimension }
    func copy(_ row: Int, to target: UnsafeMutablePointer<Float>) { source.copy(rows[row], to: target) }

    /// All of them in memory.
    func gathered() -> Matrix {
        let values = [Float](unsafeUninitializedCapacity: count * dimension) { target, initialized in
            initialized = count * dimension
            guard let start = target.baseAddress else { return }
            start.initialize(repeating: 0, count: initialized)
            for row in 0..<count { copy(row, to: start + row * dimension) }
        }
        return Matrix(rows: count, columns: dimension, values: values)
    }
}

/// Some neighbouring columns of a matrix.
struct MatrixColumns: VectorSource {
    let matrix: Matrix
    let columns: Range<Int>

    var count: Int { matrix.rows }
    var dimension: Int { columns.count }

    func copy(_ row: Int, to target: UnsafeMutablePointer<Float>) {
        matrix.values.withUnsafeBufferPointer { all in
            guard let start = all.baseAddress, !columns.isEmpty else { return }
            target.update(from: start + row * matrix.columns + columns.lowerBound, count: columns.count)
        }
    }
}
