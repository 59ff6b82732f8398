import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import GRDB
import Testing

/// Documents that are replaced and deleted.
@Suite struct UpdateTests {
    private let folder: TemporaryFolder
    private let path: String
    private let documents = sampleDocuments(12)

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("c")
        let documents = documents
        let chunking = CollectionConfiguration(chunking: .sentences(maximumWords: 8, overlap: 0))
        _ = try Collection.ingest(into: path, configuration: chunking) { writer in
            for document in documents[..<6] { try writer.add(document) }
        }
        _ = try Collection.ingest(into: path) { writer in for document in documents[6...] { try writer.add(document) } }
    }

    private func changed(_ number: Int) -> Document {
        var document = documents[number]
        document.text = "Replaced number \(number). It has other words, and one more sentence. Here it is."
        return document
    }

    @Test func deletedDocumentsAreGoneAndTheRestIsAsItWas() throws {
        let collection = try Collection.change(at: path) { writer in
            let found = [try writer.delete(id: documents[2].id), try writer.delete(id: documents[2].id)]
            #expect(found == [true, false])
            let unknown = try writer.delete(ids: [documents[7].id, "nobody"])
            #expect(unknown == ["nobody"])
        }
        let left = documents.indices.filter { ![2, 7].contains($0) }.map { documents[$0] }
        let expected = Dictionary(uniqueKeysWithValues: left.map { ($0.id, $0) })
        #expect(try CollectionHistory.contents(of: collection) == expected)
        #expect(collection.documentCount == 12)
        #expect(try collection.contentHash == CollectionHistory.freshHash(left))
        #expect(try collection.document(id: documents[2].id) == nil)
        // The id is free again.
        let again = try Collection.ingest(into: path) { try $0.add(documents[2]) }
        #expect(again.liveDocumentCount == 11)
        #expect(try again.document(id: documents[2].id) == documents[2])
        #expect(try again.verify() == [])
    }

    @Test func updatesReplaceAddAndLeaveAlone() throws {
        let writer = try CollectionWriter(path: path)
        defer { writer.close() }
        try writer.update(changed(1))
        try writer.update(documents[3])
        try writer.update(Document(id: "new", text: "A new one."))
        // Twice in one commit, also of what the commit itself has made.
        try writer.update(changed(8))
        try writer.update(documents[9])
        try writer.update(Document(id: documents[8].id, text: "Replaced again."))
        try writer.update(Document(id: documents[4].id, text: "  "))
        #expect(writer.unchangedCount == 2)
        #expect(writer.deletedCount == 4)
        #expect(writer.documentCount == 4)
        refused(.duplicateIdentifier) { try writer.add(Document(id: "new", text: "Once more.")) }
        writer.close()
        let expected = Dictionary(uniqueKeysWithValues: documents.map { ($0.id, $0) })
        #expect(try CollectionHistory.contents(of: Collection.open(at: path)) == expected)
    }

    @Test func aBatchOfUpdatesGivesTheCorpusOfAFreshIngestion() throws {
        let collection = try Collection.change(at: path) { writer in
            try writer.update(changed(1))
            try writer.update(changed(8))
            try writer.update(Document(id: documents[8].id, text: "Replaced again."))
            try writer.update(Document(id: documents[4].id, text: "  "))
            try writer.delete(id: documents[0].id)
            try writer.add(Document(id: documents[0].id, text: "Begun anew."))
        }
        var expected = Dictionary(uniqueKeysWithValues: documents.map { ($0.id, $0) })
        expected[documents[1].id] = changed(1)
        expected[documents[8].id] = Document(id: documents[8].id, text: "Replaced again.")
        expected[documents[4].id] = nil
        expected[documents[0].id] = Document(id: documents[0].id, text: "Begun anew.")
        #expect(try CollectionHistory.contents(of: collection) == expected)
        #expect(try collection.contentHash == CollectionHistory.freshHash(Array(expected.values)))
    }

    @Test func snapshotsKeepWhatWasDeletedAfterThemAlsoItsRows() throws {
        let before = try Collection.open(at: path)
        _ = try Collection.change(at: path) { try $0.delete(ids: documents[..<6].map(\.id)) }
        // The first segment has no documents left: the next writers would remove it.
        for number in 0..<2 {
            let now = try Collection.ingest(into: path) { try $0.add(Document(id: "n\(number)", text: "More.")) }
            #expect(try now.document(id: documents[0].id) == nil)
            #expect(try now.verify() == [])
        }
        #expect(try CollectionHistory.contents(of: before).count == 12)
        #expect(try before.document(id: documents[0].id) == documents[0])
    }

    @Test func rowsThatNobodyReadsAreRemovedByTheNextWriter() throws {
        _ = try Collection.change(at: path) { try $0.delete(ids: documents[..<6].map(\.id)) }
        _ = try Collection.ingest(into: path) { try $0.add(Document(id: "n", text: "More.")) }
        let queue = try DatabaseQueue(path: path + "/documents.sqlite")
        let rows = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM documents") }
        try queue.close()
        #expect(rows == 7)
        #expect(try LocalFileSystem().list(path + "/segments") == ["000002", "000003"])
    }

    @Test func vectorsOfDeletedPassagesAreNotAskedFor() throws {
        _ = try Collection.change(at: path) { try $0.delete(ids: [documents[1].id, documents[6].id]) }
        let fingerprint = EncoderFingerprint(id: "f", name: "f", dimension: 2)
        var asked: [String] = []
        let collection = try Collection.open(at: path).addVectors(of: fingerprint, batch: 4) { passages in
            asked += passages.map(\.documentID)
            return Matrix(
                rows: passages.count, columns: 2, values: passages.flatMap { [Float($0.ordinal), 1] })
        }
        #expect(asked.count == collection.livePassageCount)
        #expect(!asked.contains(documents[1].id) && !asked.contains(documents[6].id))
        let record = try #require(collection.encoders.first)
        try collection.forEachPassage { passage in
            let (segment, ordinal) = collection.locate(passage: passage.ordinal)
            #expect(segment.vectors(of: record)?.vector(UInt32(ordinal)) == [Float(passage.ordinal), 1])
        }
        #expect(try collection.verify() == [])
    }

    @Test func documentsAreDeletedByTheirMetadata() throws {
        let collection = try Collection.change(at: path) { writer in
            let count = try writer.delete(where: MetadataFilter(parsing: "year >= 1994"))
            #expect(count == 2)
        }
        #expect(try CollectionHistory.contents(of: collection).count == 10)
        #expect(try collection.selection(MetadataFilter(parsing: "year exists")).documentCount == 1)
    }

    @Test func alteredDeletionsAreFound() throws {
        _ = try Collection.change(at: path) { try $0.delete(id: documents[1].id) }
        let file = URL(filePath: path + "/segments/000001/deleted.1.bits")
        let sound = try Data(contentsOf: file)
        for position in stride(from: 0, to: sound.count, by: 7) {
            var broken = sound
            broken[position] ^= 0x02
            try broken.write(to: file, options: .atomic)
            #expect(!(try Collection.problems(at: path)).isEmpty, "byte \(position)")
        }
    }

    @Test func onlyDeletionsRaiseTheFormat() throws {
        #expect(try Collection.open(at: path).manifest.formatVersion == 1)
        #expect(try Collection.change(at: path) { try $0.delete(id: documents[1].id) }.manifest.formatVersion == 2)
    }
}
