import CAttarKernels

/// A sparse matrix by rows: for each row, columns and values.
public struct SparseRows: Sendable {
    /// Where each row begins in `columns` and `values`: `[rows + 1]`.
    public let offsets: [Int]
    /// The column of each entry; a column may stand twice in a row, its values then add.
    public let columns: [Int32]
    /// The value of each entry.
    public let values: [Float]
    /// The number of columns.
    public let columnCount: Int

    /// The number of rows.
    public var rowCount: Int { offsets.count - 1 }

    /// A matrix whose row r has the value `scales[r]` in each of `rows[r]`.
    ///
    /// - Precondition: columns are below `columnCount`; as many scales as rows.
    public init(_ rows: [[Int32]], scales: [Float], columnCount: Int) {
        precondition(rows.count == scales.count, "\(rows.count) rows with \(scales.count) scales")
        offsets = SequenceLayout(of: rows).offsets
        columns = rows.flatMap { $0 }
        values = zip(rows, scales).flatMap { [Float](repeating: $1, count: $0.count) }
        self.columnCount = columnCount
    }

    private init(offsets: [Int], columns: [Int32], values: [Float], columnCount: Int) {
        self.offsets = offsets
        self.columns = columns
        self.values = values
        self.columnCount = columnCount
    }

    /// The matrix with rows and columns exchanged.
    ///
    /// - Complexity: O(entries + columns).
    public func transposed() -> SparseRows {
        var starts = [Int](repeating: 0, count: columnCount + 1)
        for column in columns { starts[Int(column) + 1] += 1 }
        for index in 0..<columnCount { starts[index + 1] += starts[index] }
        var next = starts
        var rows = [Int32](repeating: 0, count: columns.count)
        var moved = [Float](repeating: 0, count: columns.count)
        for row in 0..<rowCount {
            for entry in offsets[row]..<offsets[row + 1] {
                let place = next[Int(columns[entry])]
                next[Int(columns[entry])] += 1
                rows[place] = Int32(row)
                moved[place] = values[entry]
            }
        }
        return SparseRows(offsets: starts, columns: rows, values: moved, columnCount: rowCount)
    }

    /// The sum of squares of each column.
    func columnSquares() -> [Float] {
        var squares = [Float](repeating: 0, count: columnCount)
        for (column, value) in zip(columns, values) { squares[Int(column)] += value * value }
        return squares
    }

    /// This matrix times a dense one, `[columnCount, width]` → `[rowCount, width]`.
    ///
    /// - Complexity: O(entries · width).
    public func times(_ dense: Matrix, threads: Int) -> Matrix {
        precondition(dense.rows == columnCount, "\(columnCount) columns times \(dense.rows) rows")
        let width = dense.columns
        var product = Matrix(rows: rowCount, columns: width)
        product.values.withUnsafeMutableBufferPointer { output in
            dense.values.withUnsafeBufferPointer { table in
                columns.withUnsafeBufferPointer { columns in
                    values.withUnsafeBufferPointer { values in
                        guard let output = output.baseAddress, let table = table.baseAddress,
                            let ids = columns.baseAddress, let weights = values.baseAddress
                        else { return }
                        // Rows are disjoint parts of the output.
                        let shared = UncheckedSendable((output, table, ids, weights))
                        Parallel.forEachRange(count: rowCount, chunk: 256, threads: threads) { rows in
                            let (output, table, ids, weights) = shared.value
                            for row in rows {
                                let first = offsets[row]
                                attar_embedding_bag_f32(
                                    table, width, ids + first, weights + first, offsets[row + 1] - first,
                                    output + row * width)
                            }
                        }
                    }
                }
            }
        }
        return product
    }
}
