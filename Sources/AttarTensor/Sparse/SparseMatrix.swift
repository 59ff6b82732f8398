/// Rows of which only the entries that are not zero are kept (compressed sparse rows): weights of tokens, a text each.
///
///     var matrix = SparseMatrix(columns: 30_522)
///     matrix.append(columns: [7, 2021], values: [0.5, 1.25])
///     matrix.row(0).values        // [0.5, 1.25]
public struct SparseMatrix: Sendable, Equatable {
    /// One row: columns ascending, and their values.
    public typealias Row = (columns: [Int32], values: [Float])

    /// The width; every column is below it.
    public let columnCount: Int
    /// Where each row starts, and where the last one ends: one more than there are rows.
    public private(set) var starts: [Int] = [0]
    /// The columns of all entries, row by row, ascending within a row.
    public private(set) var columns: [Int32] = []
    /// The values of all entries.
    public private(set) var values: [Float] = []

    /// A matrix without rows.
    ///
    /// - Precondition: the width is 0 … 2³¹ − 1.
    public init(columns count: Int) {
        precondition((0...Int(Int32.max)).contains(count), "a sparse matrix of \(count) columns")
        columnCount = count
    }

    /// A matrix from the three arrays of its format.
    ///
    /// - Returns: nil when starts do not ascend from 0 to the number of entries, or columns do not ascend within a row
    ///   or leave the width.
    init?(columns count: Int, starts: [Int], columns: [Int32], values: [Float]) {
        guard (0...Int(Int32.max)).contains(count), starts.first == 0, starts.last == columns.count,
            columns.count == values.count
        else { return nil }
        for (start, end) in zip(starts, starts.dropFirst()) {
            guard start <= end, end <= columns.count else { return nil }
            var previous: Int32 = -1
            for column in columns[start..<end] {
                guard column > previous, Int(column) < count else { return nil }
                previous = column
            }
        }
        columnCount = count
        self.starts = starts
        self.columns = columns
        self.values = values
    }

    /// The number of rows.
    public var rowCount: Int { starts.count - 1 }
    /// The number of entries.
    public var entryCount: Int { columns.count }

    /// Adds a row at the end.
    ///
    /// - Precondition: as many values as columns; columns ascend and are below the width.
    public mutating func append(columns row: [Int32], values rowValues: [Float]) {
        precondition(row.count == rowValues.count, "\(row.count) columns with \(rowValues.count) values")
        var previous: Int32 = -1
        for column in row {
            precondition(column > previous && Int(column) < columnCount, "column \(column) behind \(previous)")
            previous = column
        }
        columns.append(contentsOf: row)
        values.append(contentsOf: rowValues)
        starts.append(columns.count)
    }

    /// A row.
    ///
    /// - Precondition: it is below `rowCount`.
    public func row(_ index: Int) -> Row {
        let range = starts[index]..<starts[index + 1]
        return (Array(columns[range]), Array(values[range]))
    }
}
