import AttarStorage

/// Collects sparse vectors, such as those of a learned sparse encoder, and writes them as an index.
///
///     var builder = SparseIndexBuilder(columns: 30_522)
///     for vector in vectors { try builder.add(columns: vector.ids, weights: vector.weights) }
///     try builder.finish(to: "splade.sparse")
///
/// Memory: 8 bytes for each weight while adding, 18 while finishing.
public struct SparseIndexBuilder {
    private let columnCount: Int
    private let attributes: [String: String]
    private var entries: [(column: UInt32, weight: Float)] = []
    private var ends: [Int] = []
    private var largest: Float = 0

    /// An empty index.
    ///
    /// - Parameters:
    ///   - columns: the width of the vectors, such as the height of a vocabulary.
    ///   - attributes: facts to keep in the file.
    /// - Precondition: the width is 0 … 2³¹ − 1.
    public init(columns: Int, attributes: [String: String] = [:]) {
        precondition((0...Int(Int32.max)).contains(columns), "an index of \(columns) columns")
        columnCount = columns
        self.attributes = attributes
    }

    /// The number of passages so far.
    public var passages: Int { ends.count }

    /// Adds the next passage; its ordinal is the number of those added before. Weights of 0 or less are left out.
    ///
    /// - Throws: `IndexError` for a column outside of the width, one that stands twice, and a weight that is not
    ///   finite.
    @discardableResult
    public mutating func add(columns: [Int32], weights: [Float]) throws -> UInt32 {
        precondition(columns.count == weights.count, "\(columns.count) columns with \(weights.count) weights")
        guard ends.count < Int(UInt32.max) - 1 else { throw IndexError.tooManyPassages(ends.count + 1) }
        let start = entries.count
        do {
            var previous = Int32(-1)
            for (position, (column, weight)) in zip(columns, weights).enumerated() {
                guard weight.isFinite else { throw IndexError.notFinite(position: position) }
                guard column > previous, Int(column) < columnCount else {
                    throw IndexError.columns(found: Int(column), width: columnCount)
                }
                previous = column
                guard weight > 0 else { continue }
                entries.append((UInt32(column), weight))
                largest = max(largest, weight)
            }
        } catch {
            entries.removeLast(entries.count - start)
            throw error
        }
        ends.append(entries.count)
        return UInt32(ends.count - 1)
    }

    /// Writes the index.
    ///
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError` when the file cannot be written; nothing is left behind then.
    /// - Complexity: O(weights · log(weights) + columns).
    @discardableResult
    public func finish(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Int {
        let writer = try SectionFileWriter(
            path: path, kind: SparseFormat.kind, version: SparseFormat.version, on: fileSystem)
        let step = max(largest / Float(SparseFormat.largestCode), .leastNormalMagnitude)
        let header = SparseHeader(
            passages: ends.count, columns: columnCount, postings: entries.count, step: step, attributes: attributes)
        try writer.add("header", json: header)
        let codes = entries.map { Self.code(of: $0.weight, step: step) }
        try writeLists(codes, to: writer)
        try writer.add("ends", ends.map(UInt64.init))
        try writer.add("columns", entries.map(\.column))
        try writer.add("codes", codes)
        return try writer.finish()
    }

    static func code(of weight: Float, step: Float) -> UInt16 {
        UInt16(min(Float(SparseFormat.largestCode), max(1, (weight / step).rounded())))
    }

    private func writeLists(_ codes: [UInt16], to writer: SectionFileWriter) throws {
        let sorted = entriesByColumn(codes)
        let strong = SparseFormat.strongPostings(passages: ends.count)
        var lists = PostingsWriter(lengths: [], averageLength: 1)
        try lists.write(to: writer, count: columnCount) { column, lists in
            let range = sorted.starts[column]..<sorted.starts[column + 1]
            lists.addColumn(sorted.ordinals[range], sorted.codes[range], strong: strong)
        }
    }

    /// All postings by column, then ordinal, by counting sort.
    private func entriesByColumn(_ entryCodes: [UInt16]) -> (starts: [Int], ordinals: [UInt32], codes: [UInt16]) {
        var starts = [Int](repeating: 0, count: columnCount + 1)
        for entry in entries { starts[Int(entry.column) + 1] += 1 }
        for column in 0..<columnCount { starts[column + 1] += starts[column] }
        var next = starts
        var ordinals = [UInt32](repeating: 0, count: entries.count)
        var codes = [UInt16](repeating: 0, count: entries.count)
        var begin = 0
        for (ordinal, end) in ends.enumerated() {
            for entry in begin..<end {
                let place = next[Int(entries[entry].column)]
                ordinals[place] = UInt32(ordinal)
                codes[place] = entryCodes[entry]
                next[Int(entries[entry].column)] = place + 1
            }
            begin = end
        }
        return (starts, ordinals, codes)
    }
}

extension PostingsWriter {
    private typealias Part = (ordinals: [UInt32], codes: [UInt32])

    /// Adds the two lists of a column: the strong postings and the weak ones.
    mutating func addColumn(_ ordinals: ArraySlice<UInt32>, _ codes: ArraySlice<UInt16>, strong: Int) {
        let parts = Self.parted(ordinals, codes, strong: strong)
        for part in [parts.strong, parts.weak] { add(ordinals: part.ordinals[...], frequencies: part.codes[...]) }
    }

    /// The `strong` postings with the largest codes, of equal ones those of lower ordinals, and the others; both
    /// ascending.
    private static func parted(
        _ ordinals: ArraySlice<UInt32>, _ codes: ArraySlice<UInt16>, strong: Int
    ) -> (strong: Part, weak: Part) {
        var parts: (strong: Part, weak: Part) = (([], []), ([], []))
        guard ordinals.count > strong else {
            parts.strong = (Array(ordinals), codes.map(UInt32.init))
            return parts
        }
        let least = codes.sorted(by: >)[strong - 1]
        var ties = strong - codes.count { $0 > least }
        for (ordinal, code) in zip(ordinals, codes) {
            if code > least || (code == least && ties > 0) {
                ties -= code == least ? 1 : 0
                parts.strong.ordinals.append(ordinal)
                parts.strong.codes.append(UInt32(code))
            } else {
                parts.weak.ordinals.append(ordinal)
                parts.weak.codes.append(UInt32(code))
            }
        }
        return parts
    }
}
