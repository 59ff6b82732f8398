@testable import AttarCollection
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Everything that can fail is made to fail, one step at a time; after each failure the collection must hold exactly
/// what was committed, and the same work must succeed on a healed disk.
@Suite struct FaultTests {
    private let documents = sampleDocuments(12)

    /// Adds the second half of the documents in segments of four.
    private func addRest(_ path: String, on fileSystem: any FileSystem) throws {
        let writer = try CollectionWriter(path: path, fileSystem: fileSystem, passagesPerSegment: 4)
        defer { writer.close() }
        for document in documents[6...] { try writer.add(document) }
        _ = try writer.commit()
    }

    private func makeFirst(_ path: String) throws {
        _ = try Collection.ingest(into: path) { writer in for document in documents[..<6] { try writer.add(document) } }
    }

    private func steps(_ operations: Set<FaultyFileSystem.Operation>?) throws -> Int {
        let folder = try TemporaryFolder()
        try makeFirst(folder.file("c"))
        let counter = FaultyFileSystem(failure: .init(at: .max, operations: operations))
        try addRest(folder.file("c"), on: counter)
        return counter.steps
    }

    /// A disk that is full from some step on, one call that fails, and one write that is torn.
    @Test(arguments: [FaultyFileSystem.Fault.diskFull, .inputOutput, .torn])
    func afterAFailureAtAnyStepTheCollectionHoldsWhatWasCommitted(_ fault: FaultyFileSystem.Fault) throws {
        let operations: Set<FaultyFileSystem.Operation>? = fault == .torn ? [.write] : nil
        let count = try steps(operations)
        #expect(count >= (fault == .torn ? 5 : 20))
        for step in 0..<count {
            let folder = try TemporaryFolder()
            let path = folder.file("c")
            try makeFirst(path)
            let faulty = FaultyFileSystem(
                failure: .init(at: step, fault, stays: fault == .diskFull, operations: operations))
            // A failure while cleaning up is none of the caller's business, so success is possible.
            let failed = (try? addRest(path, on: faulty)) == nil
            try checkState(path, failed: failed, "\(fault) at step \(step) of \(count)")
        }
    }

    /// Either all or nothing of the second commit is there, and writing goes on as if nothing had happened.
    private func checkState(_ path: String, failed: Bool, _ context: String) throws {
        let collection = try Collection.open(at: path)
        let found = collection.documentCount
        #expect(found == 6 || found == 12, "\(context): \(found) documents")
        if !failed { #expect(found == 12, "\(context): committed documents are lost") }
        for document in documents[..<found] { #expect(try collection.document(id: document.id) == document) }
        #expect(try collection.verify() == [], "\(context)")
        if found == 6 {
            #expect(try collection.document(id: documents[7].id) == nil, "\(context): uncommitted rows are seen")
            try addRest(path, on: LocalFileSystem())
        }
        let after = try Collection.open(at: path)
        #expect(after.documentCount == 12, "\(context)")
        #expect(try after.verify() == [], "\(context)")
        try expectNoLeftovers(path, after, context)
    }

    private func expectNoLeftovers(_ path: String, _ collection: Collection, _ context: String) throws {
        let segments = try FileManager.default.contentsOfDirectory(atPath: path + "/segments")
        #expect(Set(segments) == Set(collection.segments.map(\.record.folderName)), "\(context)")
        for segment in collection.segments {
            let names = try FileManager.default.contentsOfDirectory(atPath: segment.folder)
            #expect(Set(names) == Set(segment.record.allFiles.map(\.name)), "\(context)")
        }
    }

    @Test func rowsOfASegmentThatNoManifestNamesAreInvisibleAndSwept() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        try makeFirst(path)
        let manifest = try Data(contentsOf: URL(filePath: path + "/collection.json"))
        try addRest(path, on: LocalFileSystem())
        // As if the machine had stopped between the commit of the rows and that of the manifest.
        try manifest.write(to: URL(filePath: path + "/collection.json"), options: .atomic)
        let collection = try Collection.open(at: path)
        #expect(collection.documentCount == 6)
        #expect(try collection.document(id: documents[7].id) == nil)
        #expect(try collection.verify() == [])
        try addRest(path, on: LocalFileSystem())
        #expect(try Collection.open(at: path).documentCount == 12)
        #expect(try Collection.open(at: path).verify() == [])
    }

    @Test func aFullDatabaseIsAResourceErrorAndChangesNothing() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        try makeFirst(path)
        let before = try committedBytes(path)
        let writer = try CollectionWriter(
            path: path, fileSystem: LocalFileSystem(), passagesPerSegment: 1000, maximumDatabasePages: 40)
        let said = refused(.storage) {
            for number in 0..<1000 {
                try writer.add(Document(id: "large \(number)", text: String(repeating: "words ", count: 1000)))
            }
        }
        #expect(said.contains("full"))
        refused(.unsuitable) { _ = try writer.commit() }
        writer.close()
        #expect(try committedBytes(path) == before)
        #expect(try Collection.open(at: path).verify() == [])
    }

    @Test func aFailureWhileCreatingDoesNotPreventTheNextCreation() throws {
        let counter = FaultyFileSystem()
        let folder = try TemporaryFolder()
        _ = try Collection.create(at: folder.file("counted"), fileSystem: counter)
        for step in 0..<counter.steps {
            let path = folder.file("c\(step)")
            let faulty = FaultyFileSystem(failure: .init(at: step, .diskFull))
            #expect(throws: (any Error).self) { _ = try Collection.create(at: path, fileSystem: faulty) }
            if !Collection.exists(at: path) { _ = try Collection.create(at: path) }
            #expect(try Collection.open(at: path).documentCount == 0)
        }
    }
}
