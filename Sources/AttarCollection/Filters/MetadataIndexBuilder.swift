import AttarStorage
import AttarText

/// The sections of a metadata index: see `MetadataIndex`.
struct MetadataTables: Equatable {
    var fieldNames: [UInt8] = []
    var fieldOffsets: [UInt64] = [0]
    var fieldValues: [UInt64] = [0]
    var values: [UInt8] = []
    var valueOffsets: [UInt64] = [0]
    var documents: [UInt32] = []
    var documentOffsets: [UInt64] = [0]
}

/// Gathers what becomes a `MetadataIndex`.
///
/// Memory holds each different value of a key once, and eight bytes for each document that has it.
struct MetadataIndexBuilder {
    private var documentCount = 0
    /// The numbers of values, in the order of their first documents.
    private var numbers: [String: [MetadataKey: UInt32]] = [:]
    private var valueCount: UInt32 = 0
    private var entries: [(value: UInt32, document: UInt32)] = []

    /// Adds the next document.
    mutating func add(_ metadata: [String: MetadataValue]) {
        for (field, value) in metadata {
            var keys: Set<MetadataKey> = []
            Self.collect(value, &keys)
            for key in keys { entries.append((number(field, key), UInt32(documentCount))) }
        }
        documentCount += 1
    }

    private static func collect(_ value: MetadataValue, _ keys: inout Set<MetadataKey>) {
        if case .list(let elements) = value {
            for element in elements { collect(element, &keys) }
        } else if let key = MetadataKey(value) {
            keys.insert(key.indexed)
        }
    }

    private mutating func number(_ field: String, _ key: MetadataKey) -> UInt32 {
        if let known = numbers[field]?[key] { return known }
        numbers[field, default: [:]][key] = valueCount
        valueCount += 1
        return valueCount - 1
    }

    /// The tables.
    ///
    /// - Complexity: O(entries + values · log(values)).
    func tables() -> MetadataTables {
        var tables = MetadataTables()
        var ranks = [Int](repeating: 0, count: Int(valueCount))
        for (field, values) in numbers.sorted(by: { $0.key < $1.key }) {
            tables.fieldNames.append(contentsOf: field.utf8)
            tables.fieldOffsets.append(UInt64(tables.fieldNames.count))
            for (key, number) in values.sorted(by: { $0.key < $1.key }) {
                ranks[Int(number)] = tables.valueOffsets.count - 1
                tables.values.append(contentsOf: key.bytes)
                tables.valueOffsets.append(UInt64(tables.values.count))
            }
            tables.fieldValues.append(UInt64(tables.valueOffsets.count - 1))
        }
        sort(by: ranks, into: &tables)
        return tables
    }

    /// Sorts the entries by their values' ranks; documents ascend already.
    private func sort(by ranks: [Int], into tables: inout MetadataTables) {
        var ends = [Int](repeating: 0, count: ranks.count + 1)
        for entry in entries { ends[ranks[Int(entry.value)] + 1] += 1 }
        for rank in ranks.indices { ends[rank + 1] += ends[rank] }
        tables.documentOffsets = ends.map(UInt64.init)
        tables.documents = [UInt32](repeating: 0, count: entries.count)
        for entry in entries {
            let rank = ranks[Int(entry.value)]
            tables.documents[ends[rank]] = entry.document
            ends[rank] += 1
        }
    }

    /// Writes the file.
    func write(to path: String, on fileSystem: any FileSystem) throws {
        let writer = try SectionFileWriter(
            path: path, kind: MetadataIndex.kind, version: MetadataIndex.version, on: fileSystem)
        let tables = tables()
        try writer.add("field-names", tables.fieldNames)
        try writer.add("field-offsets", tables.fieldOffsets)
        try writer.add("field-values", tables.fieldValues)
        try writer.add("values", tables.values)
        try writer.add("value-offsets", tables.valueOffsets)
        try writer.add("documents", tables.documents)
        try writer.add("document-offsets", tables.documentOffsets)
        try writer.finish()
    }
}
