import AttarIndex
import AttarStorage

/// Which documents of a segment have which metadata: `metadata.map`, kind "metadata", version 1.
///
/// An inverted index over plain values: for each key its different values, sorted, each with the ordinals of its
/// documents. Equality is a binary search, a range of values is a range of documents' lists. Sections:
///
///     field-names       u8: the keys, one behind the other, in the order of Swift's texts
///     field-offsets     u64 [fields + 1]: where each begins in `field-names`
///     field-values      u64 [fields + 1]: the number of its first value
///     values            u8: the values of all keys, as `MetadataKey` writes them; ascending for each key
///     value-offsets     u64 [values + 1]: where each begins in `values`
///     documents         u32: the documents of all values, ascending for each value
///     document-offsets  u64 [values + 1]: where those of each begin in `documents`
///
/// Texts of more than `MetadataKey.longestString` bytes stand under one value, which says only that there is one.
final class MetadataIndex: Sendable {
    static let fileName = "metadata.map"
    static let kind = "metadata"
    static let version = 1

    private let file: SectionFile
    private let documentCount: Int
    private let fieldNames: MappedArray<UInt8>
    private let fieldOffsets: MappedArray<UInt64>
    private let fieldValues: MappedArray<UInt64>
    private let values: MappedArray<UInt8>
    private let valueOffsets: MappedArray<UInt64>
    private let documents: MappedArray<UInt32>
    private let documentOffsets: MappedArray<UInt64>

    /// Opens the file; what its sections hold is checked where it is read.
    init(path: String, documentCount: Int) throws {
        file = try SectionFile(path: path, kind: Self.kind, newestVersion: Self.version)
        self.documentCount = documentCount
        fieldNames = try file.array("field-names")
        fieldOffsets = try file.array("field-offsets")
        fieldValues = try file.array("field-values", count: fieldOffsets.count)
        values = try file.array("values")
        valueOffsets = try file.array("value-offsets")
        documents = try file.array("documents")
        documentOffsets = try file.array("document-offsets", count: valueOffsets.count)
        guard fieldOffsets.count > 0, valueOffsets.count > 0 else { throw corrupt("a section without elements") }
    }

    /// The keys, sorted.
    func fields() throws -> [String] { try (0..<(fieldOffsets.count - 1)).map(field) }

    /// Adds the documents whose value under a key meets a condition, as far as the index knows.
    ///
    /// - Parameter unsure: gets the documents with a long text under the key, when it depends on that text.
    /// - Throws: `StorageError.corrupt`.
    /// - Complexity: O(log(values) + documents that are added).
    func add(
        _ field: String, _ condition: MetadataFilter.Condition, to set: inout OrdinalSet, unsure: inout OrdinalSet
    ) throws {
        guard let range = try valueRange(of: field) else { return }
        switch condition {
        case .exists: try addDocuments(of: range, to: &set)
        case .oneOf(let wanted):
            for key in wanted.map(MetadataKey.init) {
                let first = try firstValue(in: range, notBelow: key.indexed)
                guard first < range.upperBound, try value(first) == key.indexed.bytes else { continue }
                if key == key.indexed {
                    try addDocuments(of: first..<(first + 1), to: &set)
                } else {
                    try addDocuments(of: first..<(first + 1), to: &unsure)
                }
            }
        case .compared(let comparison, let other):
            let key = MetadataKey(other)
            try addDocuments(of: try side(comparison, of: key, in: range), to: &set)
            guard key.kind == MetadataKey.Kind.string.rawValue else { return }
            let long = MetadataKey.first(of: .longString)
            let first = try firstValue(in: range, notBelow: long)
            try addDocuments(of: first..<range.upperBound, to: &unsure)
        }
    }

    /// The values of a key's kind on a side of it.
    private func side(
        _ comparison: MetadataFilter.Comparison, of key: MetadataKey, in range: Range<Int>
    ) throws -> Range<Int> {
        let begin = try firstValue(in: range, notBelow: key)
        let isThere = try begin < range.upperBound && value(begin) == key.bytes
        let behind = isThere ? begin + 1 : begin
        switch comparison {
        case .less: return min(try firstValue(in: range, notBelow: key.startOfKind), begin)..<begin
        case .lessOrEqual: return min(try firstValue(in: range, notBelow: key.startOfKind), behind)..<behind
        case .greater: return behind..<max(try firstValue(in: range, notBelow: key.endOfKind), behind)
        case .greaterOrEqual: return begin..<max(try firstValue(in: range, notBelow: key.endOfKind), begin)
        }
    }

    private func addDocuments(of values: Range<Int>, to set: inout OrdinalSet) throws {
        guard !values.isEmpty else { return }
        let (start, end) = (documentOffsets[values.lowerBound], documentOffsets[values.upperBound])
        guard start <= end, end <= UInt64(documents.count) else { throw corrupt("a list of documents") }
        for position in Int(start)..<Int(end) {
            guard documents[position] < documentCount else { throw corrupt("a document") }
            set.insert(documents[position])
        }
    }

    /// The values of a key; nil when no document has it.
    private func valueRange(of field: String) throws -> Range<Int>? {
        let count = fieldOffsets.count - 1
        let place = try Self.partition(0..<count) { try self.field($0) < field }
        guard place < count, try self.field(place) == field else { return nil }
        let (start, end) = (fieldValues[place], fieldValues[place + 1])
        guard start <= end, end < UInt64(valueOffsets.count) else { throw corrupt("the values of a key") }
        return Int(start)..<Int(end)
    }

    private func firstValue(in range: Range<Int>, notBelow key: MetadataKey) throws -> Int {
        try Self.partition(range) { try value($0).lexicographicallyPrecedes(key.bytes) }
    }

    /// The first number of a range for which `isBefore` no longer holds.
    private static func partition(_ range: Range<Int>, _ isBefore: (Int) throws -> Bool) rethrows -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if try isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func field(_ number: Int) throws -> String {
        String(decoding: try slice(fieldNames, fieldOffsets, number, "a key"), as: UTF8.self)
    }

    private func value(_ number: Int) throws -> [UInt8] { try slice(values, valueOffsets, number, "a value") }

    private func slice(
        _ bytes: MappedArray<UInt8>, _ offsets: MappedArray<UInt64>, _ number: Int, _ what: String
    ) throws -> [UInt8] {
        let (start, end) = (offsets[number], offsets[number + 1])
        guard start <= end, end <= UInt64(bytes.count) else { throw corrupt(what) }
        return bytes.withUnsafeBufferPointer { Array($0[Int(start)..<Int(end)]) }
    }

    private func corrupt(_ what: String) -> StorageError {
        StorageError(.corrupt, path: file.path, "\(what) was altered; ingest the documents again.")
    }

    /// Reads every byte and compares it with what the documents give.
    ///
    /// - Returns: whether they agree.
    /// - Throws: `StorageError.corrupt` for a checksum that does not fit.
    func agrees(with expected: MetadataTables) throws -> Bool {
        try file.verify()
        return same(fieldNames, expected.fieldNames) && same(fieldOffsets, expected.fieldOffsets)
            && same(fieldValues, expected.fieldValues) && same(values, expected.values)
            && same(valueOffsets, expected.valueOffsets) && same(documents, expected.documents)
            && same(documentOffsets, expected.documentOffsets)
    }

    private func same<Element: Equatable>(_ mapped: MappedArray<Element>, _ array: [Element]) -> Bool {
        mapped.withUnsafeBufferPointer { $0.elementsEqual(array) }
    }
}
