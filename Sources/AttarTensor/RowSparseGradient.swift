/// The gradient of a table of which a step touches few rows: the touched rows side by side, and which rows they are.
///
/// A word table has 30,522 rows of 384 floats; a batch meets some hundred of them. Neither memory nor time of a step
/// depends on the size of the table.
public final class RowSparseGradient {
    /// The number of rows of the table.
    public let rowCount: Int
    /// The length of a row.
    public let dimension: Int
    /// The touched rows, in the order of their first touch.
    public private(set) var rows: [Int32] = []

    private var slotOfRow: [Int32]
    private var storage: Storage

    init(rowCount: Int, dimension: Int) {
        precondition(rowCount <= Int(Int32.max), "a table of \(rowCount) rows")
        self.rowCount = rowCount
        self.dimension = dimension
        slotOfRow = [Int32](repeating: -1, count: rowCount)
        storage = Storage(zeros: 0)
    }

    /// The gradient of the touched rows, `[rows.count, dimension]`, in the order of `rows`.
    var pointer: UnsafeMutablePointer<Float> { storage.pointer }

    /// The number of floats at `pointer`.
    var count: Int { rows.count * dimension }

    /// Reads and writes the gradient of the touched rows, `[rows.count, dimension]`.
    public func withUnsafeMutableBufferPointer<Result>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try body(UnsafeMutableBufferPointer(start: storage.pointer, count: count))
    }

    /// Makes room, with zeros, for the rows that are met for the first time; gives the place of each id at `pointer`,
    /// counted in rows. Ids must be in range.
    func touch(_ ids: [Int32]) -> [Int32] {
        let known = rows.count
        var slots = [Int32](repeating: 0, count: ids.count)
        for (index, id) in ids.enumerated() {
            if slotOfRow[Int(id)] < 0 {
                slotOfRow[Int(id)] = Int32(rows.count)
                rows.append(id)
            }
            slots[index] = slotOfRow[Int(id)]
        }
        reserve(count)
        (storage.pointer + known * dimension).update(repeating: 0, count: count - known * dimension)
        return slots
    }

    /// Forgets all rows, but keeps the memory.
    ///
    /// - Complexity: O(touched rows).
    func clear() {
        for row in rows { slotOfRow[Int(row)] = -1 }
        rows.removeAll(keepingCapacity: true)
    }

    /// The gradient of the whole table.
    func spreadOut() -> [Float] {
        var dense = [Float](repeating: 0, count: rowCount * dimension)
        for (slot, row) in rows.enumerated() {
            for column in 0..<dimension {
                dense[Int(row) * dimension + column] = storage.pointer[slot * dimension + column]
            }
        }
        return dense
    }

    private func reserve(_ needed: Int) {
        guard needed > storage.count else { return }
        let larger = Storage(zeros: max(needed, 2 * storage.count))
        larger.pointer.update(from: storage.pointer, count: storage.count)
        storage = larger
    }
}
