@testable import AttarCollection
import AttarIndex
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Filters over the metadata of collections.
@Suite struct FilterTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func collection(_ documents: [Document], parts: Int = 1, chunked: Bool = false) throws -> AttarCollection.Collection {
        var last: AttarCollection.Collection?
        let configuration = CollectionConfiguration(
            chunking: chunked ? .sentences(maximumWords: 10, overlap: 0) : .whole)
        let size = (documents.count + parts - 1) / parts
        for start in stride(from: 0, to: documents.count, by: size) {
            last = try Collection.ingest(into: folder.file("c"), configuration: configuration) { writer in
                for document in documents[start..<min(start + size, documents.count)] { try writer.add(document) }
            }
        }
        return try #require(last)
    }

    private func randomDocuments(_ count: Int, seed: UInt64) -> [Document] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            Document(
                id: "d\(number)", text: String(repeating: "One sentence of words here. ", count: 1 + number % 4),
                metadata: RandomMetadata.document(&generator))
        }
    }

    private func ids(_ selection: Selection, of collection: AttarCollection.Collection) -> [String] {
        zip(collection.segments, selection.documents).flatMap { segment, documents in
            var ids: [String] = []
            documents.forEach { ids.append(segment.map.identifier(of: Int($0))) }
            return ids
        }
    }

    /// The index, the scan of old collections and the plain evaluation select the same documents and passages.
    @Test(arguments: [(1, false), (3, true)])
    func indexAndScanAgreeWithThePlainEvaluation(_ parts: Int, _ chunked: Bool) throws {
        let documents = randomDocuments(180, seed: 2)
        let indexed = try collection(documents, parts: parts, chunked: chunked)
        #expect(try indexed.verify() == [])
        let old = try withoutMetadataIndex(indexed)
        #expect(old.segments.allSatisfy { $0.metadata == nil })
        #expect(try old.verify() == [])
        var generator = SeededGenerator(seed: 3)
        var selected = 0
        for _ in 0..<300 {
            let filter = RandomMetadata.filter(&generator, depth: 3)
            let expected = documents.filter { filter.matches($0.metadata) }.map(\.id)
            let selection = try indexed.selection(filter)
            #expect(ids(selection, of: indexed) == expected, "\(filter)")
            #expect(try old.selection(filter) == selection, "\(filter)")
            #expect(selection.documentCount == expected.count)
            var passages = 0
            for (segment, set) in zip(indexed.segments, selection.passages) {
                for passage in 0..<segment.record.passageCount where set.contains(UInt32(passage)) {
                    #expect(expected.contains(segment.map.identifier(of: segment.map.document(ofPassage: passage))))
                    passages += 1
                }
            }
            #expect(passages == selection.passageCount && passages >= expected.count)
            selected += expected.count
        }
        #expect(selected > 1000)
    }

    /// The collection as an Attar without an index of metadata would have made it.
    private func withoutMetadataIndex(_ collection: AttarCollection.Collection) throws -> AttarCollection.Collection {
        let copy = folder.file("old")
        try FileManager.default.copyItem(atPath: collection.path, toPath: copy)
        var manifest = collection.manifest
        for index in manifest.segments.indices {
            manifest.segments[index].files.removeAll { $0.name == MetadataIndex.fileName }
            try FileManager.default.removeItem(
                atPath: copy + "/segments/" + manifest.segments[index].folderName + "/" + MetadataIndex.fileName)
        }
        try Collection.write(manifest, to: copy, on: LocalFileSystem())
        return try Collection.open(at: copy)
    }

    @Test func missingKeysAndOtherKindsMeetNothing() throws {
        let collection = try collection([
            Document(id: "number", text: "x", metadata: ["year": .number(2000)]),
            Document(id: "text", text: "x", metadata: ["year": .string("2000")]),
            Document(id: "list", text: "x", metadata: ["year": .list([.number(1990), .list([.number(2000)])])]),
            Document(id: "empty", text: "x", metadata: ["year": .list([])]),
            Document(id: "none", text: "x"),
        ])
        func found(_ text: String) throws -> [String] {
            ids(try collection.selection(MetadataFilter(parsing: text)), of: collection)
        }
        #expect(try found("year = 2000") == ["number", "list"])
        #expect(try found("year != 2000") == ["text", "empty", "none"])
        #expect(try found("year < 2000") == ["list"])
        #expect(try found("year > 'a'") == [])
        #expect(try found("year >= '2'") == ["text"])
        #expect(try found("year exists") == ["number", "text", "list"])
        #expect(try found("not Year exists") == ["number", "text", "list", "empty", "none"])
        #expect(try collection.selection(.and([])).documentCount == 5)
        #expect(try collection.selection(.or([])).documentCount == 0)
    }

    @Test func anAlteredIndexIsFoundAndNeverHarms() throws {
        let collection = try collection(randomDocuments(60, seed: 4))
        let path = collection.segments[0].folder + "/" + MetadataIndex.fileName
        let sound = try LocalFileSystem().read(path)
        var generator = SeededGenerator(seed: 5)
        let filters = (0..<10).map { _ in RandomMetadata.filter(&generator, depth: 2) }
        var opened = 0
        let rounds = try FuzzBudget.run(rounds: 400) { seed in
            var mutator = ByteMutator(seed: seed)
            let damaged = folder.file("damaged.map")
            _ = try folder.write(mutator.damaged(sound), to: "damaged.map")
            guard let index = try? MetadataIndex(path: damaged, documentCount: 60) else { return }
            opened += 1
            for case .value(let field, let condition) in filters {
                var (found, unsure) = (OrdinalSet(capacity: 60), OrdinalSet(capacity: 60))
                try? index.add(field, condition, to: &found, unsure: &unsure)
            }
            _ = try? index.fields()
        }
        #expect(rounds > 0 && opened > 0)
        var other = MetadataIndexBuilder()
        for _ in 0..<60 { other.add(["other": .bool(true)]) }
        try other.write(to: path, on: LocalFileSystem())
        var manifest = collection.manifest
        let position = try #require(manifest.segments[0].files.firstIndex { $0.name == MetadataIndex.fileName })
        manifest.segments[0].files[position] = try FileRecord(
            hashing: MetadataIndex.fileName, in: collection.segments[0].folder)
        try Collection.write(manifest, to: collection.path, on: LocalFileSystem())
        #expect(
            try Collection.problems(at: collection.path).map(\.description)
                == ["segments/000001/metadata.map: it is not that of the documents"])
    }

    @Test func selectionsAreKept() throws {
        let collection = try collection(randomDocuments(20, seed: 6))
        let filter = try MetadataFilter(parsing: "year exists")
        #expect(collection.selections[filter] == nil)
        let selection = try collection.selection(filter)
        #expect(collection.selections[filter] == selection)
        for number in 0..<64 { _ = try collection.selection(.equals("n", .number(Double(number)))) }
        #expect(collection.selections[filter] == nil)
    }
}
