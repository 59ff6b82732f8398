/// A dense row-major matrix of 32-bit floats: a batch of vectors, a table of embeddings.
public struct Matrix: Sendable, Equatable {
    /// The number of rows.
    public let rows: Int
    /// The number of columns.
    public let columns: Int
    /// The elements, `[rows, columns]`, row by row.
    public var values: [Float]

    /// A matrix over given elements.
    ///
    /// - Precondition: `values.count == rows * columns`.
    public init(rows: Int, columns: Int, values: [Float]) {
        precondition(values.count == rows * columns, "\(values.count) values cannot be a \(rows) x \(columns) matrix")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// A matrix of zeros.
    public init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, values: [Float](repeating: 0, count: rows * columns))
    }

    /// One row.
    ///
    /// - Complexity: O(1); the slice shares storage.
    public func row(_ index: Int) -> ArraySlice<Float> {
        values[(index * columns)..<((index + 1) * columns)]
    }

    /// Replaces one row.
    ///
    /// - Precondition: `row` has `columns` elements.
    public mutating func setRow(_ index: Int, to row: ArraySlice<Float>) {
        precondition(row.count == columns, "a row of \(row.count) in a matrix of \(columns) columns")
        values.replaceSubrange((index * columns)..<((index + 1) * columns), with: row)
    }

    /// The rows at the given indices, in that order.
    public func gathered(_ indices: some Collection<Int>) -> Matrix {
        var gathered: [Float] = []
        gathered.reserveCapacity(indices.count * columns)
        for index in indices { gathered.append(contentsOf: row(index)) }
        return Matrix(rows: indices.count, columns: columns, values: gathered)
    }
}
