import AttarStorage

/// Makes one sparse index of several, without the passages that were deleted.
///
///     try SparseIndexMerger([(old, live), (new, nil)]).write(to: "splade.sparse")
///
/// Weights are kept as multiples of a step that follows from the largest weight of an index. The merged index has the
/// largest of the steps: weights of indexes that have it stay as they are, each other one moves by at most half of it,
/// about 1 / 131,000 of the largest weight. However often indexes are merged, a weight moves only when a larger step
/// comes in. Where all steps are equal, and a passage that holds the largest weight stays, the file has the bytes that
/// `SparseIndexBuilder` would write.
///
/// Memory: 28 bytes a passage, 64 a column, and the longest list of one column.
public struct SparseIndexMerger {
    /// An index, and its passages that stay; nil when all do.
    public typealias Source = (index: SparseIndex, live: OrdinalSet?)

    /// The number of passages that stay.
    public let passages: Int
    private let sources: [Source]
    private let step: Float

    /// A merge of indexes in the order of their passages.
    ///
    /// - Throws: `IndexError` when there are too many passages for one index, and when the attributes or the widths of
    ///   the indexes differ: their weights were made in different ways then.
    /// - Precondition: there is an index; each set has the capacity of its index.
    public init(_ sources: [Source]) throws {
        precondition(!sources.isEmpty, "no indexes to merge")
        let first = sources[0].index
        for (index, _) in sources where index.attributes != first.attributes || index.columns != first.columns {
            throw IndexError.otherAttributes(first.path, index.path)
        }
        self.sources = sources
        passages = try PassagePlaces.count(sources.map { ($0.index.passages, $0.live) })
        step = sources.map(\.index.step).max() ?? 1
    }

    /// Writes the merged index.
    ///
    /// - Parameter order: which passage becomes passage 0, 1, 2 …, where the passages that stay are numbered through
    ///   all indexes; nil leaves them in that order.
    /// - Returns: the size of the file in bytes.
    /// - Throws: `StorageError`: `corrupt` naming an index that was altered, or what says that the file cannot be
    ///   written; nothing is left behind then.
    /// - Precondition: `order` holds each number below `passages` once.
    /// - Complexity: O(columns + weights · log(longest list)).
    @discardableResult
    public func write(
        to path: String, order: [UInt32]? = nil, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Int {
        let places = PassagePlaces(sources.map { ($0.index.passages, $0.live) }, order: order)
        let vectors = try vectors(places)
        let first = sources[0].index
        let writer = try SectionFileWriter(
            path: path, kind: SparseFormat.kind, version: SparseFormat.version, on: fileSystem)
        let header = SparseHeader(
            passages: passages, columns: first.columns, postings: vectors.reduce(0) { $0 + $1.range.count }, step: step,
            attributes: first.attributes)
        try writer.add("header", json: header)
        try writeLists(places, to: writer)
        var end: UInt64 = 0
        try writer.add("ends", vectors.map { end += UInt64($0.range.count); return end })
        try writer.add("columns") { section in
            for vector in vectors {
                try section.append(Array(sources[vector.source].index.vectors.columns[vector.range]))
            }
        }
        try writer.add("codes") { section in
            for vector in vectors {
                let codes = sources[vector.source].index.vectors.codes[vector.range]
                try section.append(codes.map { code(Float($0), of: vector.source) })
            }
        }
        return try writer.finish()
    }

    /// Where the vector of each passage that stays lies, by its new ordinal.
    private func vectors(_ places: PassagePlaces) throws -> [(source: Int, range: Range<Int>)] {
        var vectors = [(source: Int, range: Range<Int>)](repeating: (0, 0..<0), count: passages)
        for (source, ordinals) in places.ordinals.enumerated() {
            for (old, new) in ordinals.enumerated() where new != PassagePlaces.gone {
                vectors[Int(new)] = (source, try sources[source].index.vectors.range(of: UInt32(old)))
            }
        }
        return vectors
    }

    private func writeLists(_ places: PassagePlaces, to writer: SectionFileWriter) throws {
        let strong = SparseFormat.strongPostings(passages: passages)
        var lists = PostingsWriter(lengths: [], averageLength: 1)
        // Ordinals above codes, so that a sort brings both into order.
        var column: [UInt64] = []
        try lists.write(to: writer, count: sources[0].index.columns) { number, lists in
            column.removeAll(keepingCapacity: true)
            for (source, ordinals) in places.ordinals.enumerated() {
                let index = sources[source].index
                for record in [index.records[2 * number], index.records[2 * number + 1]] {
                    try index.forEachPosting(of: record) { old, code in
                        let new = ordinals[Int(old)]
                        if new != PassagePlaces.gone {
                            column.append(UInt64(new) << 16 | UInt64(self.code(code, of: source)))
                        }
                    }
                }
            }
            column.sort()
            guard zip(column, column.dropFirst()).allSatisfy({ $0 >> 16 < $1 >> 16 }) else {
                throw StorageError.altered("a list", of: sources[0].index.path)
            }
            let ordinals = column.map { UInt32($0 >> 16) }
            lists.addColumn(ordinals[...], column.map { UInt16(truncatingIfNeeded: $0) }[...], strong: strong)
        }
    }

    private func code(_ code: Float, of source: Int) -> UInt16 {
        let own = sources[source].index.step
        let code = own == step ? code : (code * own / step).rounded()
        return UInt16(min(Float(SparseFormat.largestCode), max(1, code)))
    }
}
