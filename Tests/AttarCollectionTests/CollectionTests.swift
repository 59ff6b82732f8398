import AttarCollection
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

func sampleDocuments(_ count: Int) -> [Document] {
    (0..<count).map { number in
        var document = Document(
            id: "doc \(number) é", title: "Title \(number)",
            text:
                "Sentence one of text \(number). The second sentence tells of apples and pears! A third, café, ends it."
        )
        if number % 3 == 0 { document.title = "" }
        if number % 2 == 0 { document.url = "https://example.org/\(number)" }
        if number % 4 == 0 {
            document.metadata = ["year": .number(Double(1990 + number)), "tags": .list([.string("a")])]
        }
        if number % 5 == 0 { document.headings = ["Part", "Chapter \(number)"] }
        return document
    }
}

@Suite struct CollectionTests {
    @Test func documentsComeBackAsTheyWereGiven() throws {
        let folder = try TemporaryFolder()
        let documents = sampleDocuments(20) + [Document(id: "nul\u{0}id", title: "a\u{0}b", text: "x\u{0}y \u{1F600}")]
        let collection = try Collection.ingest(into: folder.file("c")) { writer in
            for document in documents { try writer.add(document) }
        }
        #expect(collection.documentCount == 21)
        #expect(collection.passageCount == 21)
        for (ordinal, document) in documents.enumerated() {
            #expect(try collection.document(at: ordinal) == document)
            #expect(try collection.document(id: document.id) == document)
            #expect(collection.identifier(ofDocument: ordinal) == document.id)
        }
        #expect(try collection.document(id: "nul") == nil)
        #expect(try Collection.open(at: folder.file("c") + "/").documentCount == 21)
        #expect(try collection.verify() == [])
    }

    @Test func passagesOfChunkedDocumentsAreSlicesOfTheirTexts() throws {
        let folder = try TemporaryFolder()
        let documents = sampleDocuments(7)
        let configuration = CollectionConfiguration(chunking: .sentences(maximumWords: 10, overlap: 0))
        let collection = try Collection.ingest(into: folder.file("c"), configuration: configuration) { writer in
            for document in documents { try writer.add(document) }
        }
        #expect(collection.passageCount > 7)
        var ordinals: [Int] = []
        try collection.forEachPassageBatch(size: 3) { batch in
            #expect(batch.count <= 3)
            for passage in batch {
                ordinals.append(passage.ordinal)
                let document = documents[passage.documentOrdinal]
                let bytes = Array(document.text.utf8)[passage.utf8Range]
                #expect(passage.text == String(decoding: bytes, as: UTF8.self))
                #expect(passage.documentID == document.id)
                #expect(passage.embeddingText.hasSuffix(passage.text))
                #expect(collection.document(ofPassage: passage.ordinal) == passage.documentOrdinal)
            }
        }
        #expect(ordinals == Array(0..<collection.passageCount))
    }

    @Test func embeddingTextIsHeadingsThenTitleThenText() {
        #expect(PassageText.embedding(title: "T", text: "x") == "T x")
        #expect(PassageText.embedding(title: "", text: "x") == "x")
        #expect(PassageText.embedding(headings: ["A", "", "T"], title: "T", text: "x") == "A T x")
    }

    @Test func aSecondCommitAddsASegmentAndAnOpenedCollectionIsASnapshot() throws {
        let folder = try TemporaryFolder()
        let documents = sampleDocuments(10)
        let first = try Collection.ingest(into: folder.file("c")) { writer in
            for document in documents[..<6] { try writer.add(document) }
        }
        let second = try Collection.ingest(into: folder.file("c")) { writer in
            for document in documents[6...] { try writer.add(document) }
        }
        #expect(first.documentCount == 6)
        #expect(try first.document(id: documents[8].id) == nil)
        #expect(second.documentCount == 10)
        #expect(second.segments.count == 2)
        #expect(try second.passage(at: 7).documentID == documents[7].id)
        #expect(try second.passages(4..<8).map(\.documentID) == documents[4..<8].map(\.id))
        #expect(try second.verify() == [])
    }

    @Test func contentHashDependsOnTheDocumentsOnly() throws {
        let folder = try TemporaryFolder()
        let documents = sampleDocuments(6)
        let ingest = { (name: String, parts: [[Document]]) in
            var last: Collection?
            for part in parts {
                last = try Collection.ingest(into: folder.file(name)) { writer in
                    for document in part { try writer.add(document) }
                }
            }
            return last?.contentHash
        }
        let whole = try ingest("a", [documents])
        #expect(try ingest("b", [Array(documents[3...]), Array(documents[..<3])]) == whole)
        var changed = documents
        changed[5].text += "."
        #expect(try ingest("c", [changed]) != whole)
        #expect(whole?.count == 64)
    }

    @Test func aWriterSplitsIntoSegmentsAtItsLimit() throws {
        let folder = try TemporaryFolder()
        _ = try Collection.create(at: folder.file("c"))
        let writer = try CollectionWriter(path: folder.file("c"), passagesPerSegment: 4)
        for document in sampleDocuments(10) { try writer.add(document) }
        let collection = try writer.commit()
        #expect(collection.segments.map(\.record.documentCount) == [4, 4, 2])
        #expect(try collection.verify() == [])
    }

    @Test func oddDocumentsAreFine() throws {
        let folder = try TemporaryFolder()
        let long = String(repeating: "many words in one line without an end ", count: 10_000)
        let configuration = CollectionConfiguration(chunking: .sentences(maximumWords: 100, overlap: 1))
        let collection = try Collection.ingest(into: folder.file("c"), configuration: configuration) { writer in
            try writer.add(Document(id: "empty", text: ""))
            try writer.add(Document(id: "blank", title: " ", text: "\n\t "))
            try writer.add(Document(id: "title only", title: "Only a title", text: ""))
            try writer.add(Document(id: "long", text: long))
            #expect(writer.skippedEmpty == 2)
        }
        #expect(collection.documentCount == 2)
        #expect(try collection.document(id: "long")?.text == long)
        #expect(try collection.passage(at: 0).embeddingText == "Only a title")
        #expect(try collection.verify() == [])
    }
}
