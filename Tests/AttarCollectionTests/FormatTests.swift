import AttarCollection
import AttarIndex
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// A collection that was written as format 1, before documents could be deleted: it must stay readable and writable.
@Suite struct FormatTests {
    private func copy() throws -> TemporaryFolder {
        let fixture = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/format-1")
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: fixture, to: URL(filePath: folder.file("c")))
        return folder
    }

    @Test func format1IsRead() throws {
        let folder = try copy()
        let collection = try Collection.open(at: folder.file("c"))
        #expect(try collection.verify() == [])
        #expect(collection.liveDocumentCount == 12)
        #expect(collection.livePassageCount == 24)
        #expect(collection.contentHash == "a6b1ae6b3262cf3e9a42f1a28d96169a060951fc8813fb00229b44837184ceb4")
        #expect(try collection.document(id: "fruit-3")?.metadata["year"] == .number(1993))
        #expect(collection.encoders.map(\.precision) == [.float32, .int8])
        let hits = try BM25Searcher(collection.segments[0].text).search(collection.analyzer.terms("medlar"), k: 3)
        #expect(!hits.isEmpty)
        let first = try #require(collection.segments[0].vectors(of: collection.encoders[0]))
        #expect(try first.search(first.vector(2), k: 1).map(\.ordinal) == [2])
    }

    @Test func format1IsWrittenTo() throws {
        let folder = try copy()
        let collection = try Collection.change(at: folder.file("c")) { writer in
            try writer.update(Document(id: "fruit-3", text: "A new text."))
            try writer.delete(id: "fruit-9")
            try writer.add(Document(id: "nut", text: "A nut."))
            let count = try writer.delete(where: MetadataFilter(parsing: "year = 1990"))
            #expect(count == 1)
        }
        #expect(collection.liveDocumentCount == 11)
        #expect(try collection.document(id: "fruit-3")?.text == "A new text.")
        #expect(try collection.verify() == [])
    }
}
