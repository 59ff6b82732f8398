import AttarCollection
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Runs `body`, which must fail with a `CollectionError` of this kind; gives its description.
@discardableResult
func refused(
    _ kind: CollectionError.Kind, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> String {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as CollectionError {
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        return error.description
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
    return ""
}

/// The bytes of every file below a folder that a commit names, by relative path.
func committedBytes(_ path: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    found["collection.json"] = try Data(contentsOf: URL(filePath: path + "/collection.json"))
    for segment in try Collection.open(at: path).segments {
        for file in segment.record.files {
            let name = "segments/\(segment.record.folderName)/\(file.name)"
            found[name] = try Data(contentsOf: URL(filePath: path + "/" + name))
        }
    }
    return found
}

@Suite struct RefusalTests {
    @Test func whatIsNoCollectionIsRefused() throws {
        let folder = try TemporaryFolder()
        refused(.notFound) { _ = try Collection.open(at: folder.file("nowhere")) }
        refused(.notACollection) { _ = try Collection.open(at: folder.path) }
        try Data("x".utf8).write(to: URL(filePath: folder.file("notes.txt")))
        refused(.notACollection) { _ = try Collection.open(at: folder.file("notes.txt")) }
        let said = refused(.notACollection) { _ = try Collection.create(at: folder.path) }
        #expect(said.contains("notes.txt"))
        refused(.notACollection) { _ = try CollectionWriter(path: folder.path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["notes.txt"])
    }

    @Test func aNewerFormatIsRefusedWithBothVersions() throws {
        let folder = try TemporaryFolder()
        _ = try Collection.create(at: folder.file("c"))
        let manifest = folder.file("c/collection.json")
        let text = try String(contentsOfFile: manifest, encoding: .utf8)
        let newer = text.replacingOccurrences(of: "\"formatVersion\" : 1", with: "\"formatVersion\" : 7")
        #expect(newer != text)
        try newer.write(toFile: manifest, atomically: false, encoding: .utf8)
        let said = refused(.newerVersion) { _ = try Collection.open(at: folder.file("c")) }
        #expect(said.contains("format 7") && said.contains("up to 3"))
        refused(.newerVersion) { _ = try CollectionWriter(path: folder.file("c")) }
    }

    @Test func duplicateIdentifiersAreNamedAndNothingChanges() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let documents = sampleDocuments(5)
        _ = try Collection.ingest(into: path) { writer in for document in documents { try writer.add(document) } }
        let before = try committedBytes(path)
        let said = refused(.duplicateIdentifier) {
            _ = try Collection.ingest(into: path) { writer in
                try writer.add(Document(id: "new", text: "new"))
                try writer.add(Document(id: documents[3].id, text: "again"), from: "more.jsonl:7")
            }
        }
        #expect(said.contains(documents[3].id) && said.hasPrefix("more.jsonl:7: "))
        refused(.duplicateIdentifier) {
            _ = try Collection.ingest(into: path) { writer in
                try writer.add(Document(id: "twice", text: "one"))
                try writer.add(Document(id: "twice", text: "two"))
            }
        }
        #expect(try committedBytes(path) == before)
        let collection = try Collection.open(at: path)
        #expect(collection.documentCount == 5)
        #expect(try collection.document(id: "new") == nil)
        #expect(try collection.verify() == [])
    }

    @Test func aFailedFirstIngestLeavesNoFolder() throws {
        let folder = try TemporaryFolder()
        refused(.emptyCorpus) { _ = try Collection.ingest(into: folder.file("c")) { _ in } }
        refused(.emptyCorpus) {
            _ = try Collection.ingest(into: folder.file("c")) { try $0.add(Document(id: "1", text: " ")) }
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("c")))
        try FileManager.default.createDirectory(atPath: folder.file("d"), withIntermediateDirectories: false)
        refused(.unsuitable) {
            _ = try Collection.ingest(into: folder.file("d")) { try $0.add(Document(id: "", text: "text")) }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("d")).isEmpty)
    }

    @Test func aSecondWriterIsRefusedUntilTheFirstIsDone() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        _ = try Collection.create(at: path)
        let first = try CollectionWriter(path: path)
        try first.add(Document(id: "1", text: "one"))
        refused(.locked) { _ = try CollectionWriter(path: path) }
        #expect(try Collection.open(at: path).documentCount == 0)
        first.close()
        let second = try CollectionWriter(path: path)
        try second.add(Document(id: "2", text: "two"))
        #expect(try second.commit().documentCount == 1)
        #expect(try Collection.open(at: path).document(id: "1") == nil)
    }

    @Test func everyAlteredByteIsFoundByVerify() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let collection = try Collection.ingest(into: path) { writer in
            for document in sampleDocuments(50) { try writer.add(document) }
        }
        let segment = try #require(collection.segments.first?.record)
        for record in segment.files {
            let file = URL(filePath: path + "/segments/\(segment.folderName)/\(record.name)")
            let sound = try Data(contentsOf: file)
            // Always a new file, since the opened collection has the old one mapped.
            for position in stride(from: 0, to: sound.count, by: 61) {
                var broken = sound
                broken[position] ^= 0x40
                try broken.write(to: file, options: .atomic)
                #expect(!(try Collection.problems(at: path)).isEmpty, "byte \(position) of \(record.name)")
            }
            try sound.dropLast(5).write(to: file, options: .atomic)
            #expect(try Collection.problems(at: path).first?.file.contains(record.name) == true)
            try FileManager.default.removeItem(at: file)
            refused(.corrupt) { _ = try Collection.open(at: path) }
            try sound.write(to: file, options: .atomic)
        }
        #expect(try Collection.problems(at: path) == [])
    }

    @Test func anAlteredManifestIsFound() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        _ = try Collection.ingest(into: path) { try $0.add(Document(id: "1", text: "one")) }
        let file = URL(filePath: path + "/collection.json")
        let sound = try Data(contentsOf: file)
        for position in sound.indices {
            var broken = sound
            broken[position] ^= 0x01
            try broken.write(to: file)
            #expect(throws: CollectionError.self, "byte \(position)") { _ = try Collection.open(at: path) }
        }
    }

    @Test func alteredRowsAreFound() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        _ = try Collection.ingest(into: path) { try $0.add(Document(id: "1", text: "find the needle here")) }
        let file = URL(filePath: path + "/documents.sqlite")
        var bytes = try Data(contentsOf: file)
        let needle = try #require(bytes.range(of: Data("needle".utf8)))
        bytes.replaceSubrange(needle, with: Data("noodle".utf8))
        try bytes.write(to: file)
        #expect(try Collection.problems(at: path).map(\.file) == ["documents.sqlite"])
        try Data("no database at all, but long enough to be looked at".utf8).write(to: file)
        refused(.corrupt) { _ = try Collection.open(at: path).verify() }
    }
}
