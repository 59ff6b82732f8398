@testable import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Synchronization
import Testing

/// Merges, and what others do meanwhile.
@Suite struct MergeTests {
    private let folder: TemporaryFolder
    private let path: String
    private let documents = sampleDocuments(24)

    /// Four segments of six documents each.
    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("c")
        _ = try Collection.create(at: path)
        let writer = try CollectionWriter(path: path, passagesPerSegment: 6)
        for document in documents { try writer.add(document) }
        _ = try writer.commit()
    }

    private func expect(_ expected: [Document], _ context: String = "") throws {
        let contents = Dictionary(uniqueKeysWithValues: expected.map { ($0.id, $0) })
        #expect(try CollectionHistory.contents(of: path, context) == contents, "\(context)")
        let fresh = try CollectionHistory.freshHash(expected)
        #expect(try Collection.open(at: path).contentHash == fresh, "\(context)")
    }

    /// A merge, and something that happens when the new word index is begun.
    private func merge(reorders: Bool = false, meanwhile body: @escaping @Sendable () throws -> Void) throws {
        let count = Mutex(0)
        let fileSystem = FaultyFileSystem(observer: { operation, path in
            guard operation == .open, path.contains("/merging/text.inv"), count.withLock({ $0 += 1; return $0 == 1 })
            else { return }
            do { try body() } catch { Issue.record("\(error)") }
        })
        _ = try Collection.merge(at: path, reorders: reorders, fileSystem: fileSystem)
        #expect(count.withLock { $0 } >= 1)
    }

    @Test(arguments: [false, true])
    func whatIsChangedMeanwhileIsChangedOfTheMergedSegmentToo(reorders: Bool) throws {
        let new = Document(id: "new", text: "Added while a merge was under way.")
        let updated = Document(id: documents[20].id, text: "Updated while a merge was under way.")
        try merge(reorders: reorders) { [path, documents] in
            _ = try Collection.change(at: path) { writer in
                try writer.delete(ids: [documents[0].id, documents[7].id, documents[23].id])
                try writer.update(updated)
                try writer.add(new)
            }
        }
        let gone = [0, 7, 20, 23]
        try expect(documents.indices.filter { !gone.contains($0) }.map { documents[$0] } + [updated, new])
        let merged = try Collection.open(at: path)
        #expect(merged.segments.map(\.record.liveDocumentCount) == [20, 2])
        #expect(merged.segments[0].deleted?.count == 4)
    }

    @Test func sourcesWhoseDocumentsAllGoMeanwhileAreGoneAfterwards() throws {
        try merge { [path, documents] in
            _ = try Collection.change(at: path) { try $0.delete(ids: documents[..<7].map(\.id)) }
            // The rows of the first segment belong to no commit now, and the merge still needs them.
            _ = try Collection.change(at: path) { try $0.delete(id: documents[8].id) }
        }
        try expect((7..<24).filter { $0 != 8 }.map { documents[$0] })
    }

    @Test func everythingMayGoMeanwhile() throws {
        try merge { [path, documents] in
            _ = try Collection.change(at: path) { try $0.delete(ids: documents.map(\.id)) }
        }
        #expect(try CollectionHistory.contents(of: path, "").isEmpty)
        #expect(try Collection.open(at: path).segments.isEmpty)
    }

    @Test func vectorsThatComeMeanwhileAreNotLost() throws {
        let fingerprint = EncoderFingerprint(id: "f", name: "f", dimension: 2)
        try merge { [path] in
            _ = try Collection.open(at: path).addVectors(of: fingerprint) {
                Matrix(rows: $0.count, columns: 2, values: $0.flatMap { [Float($0.ordinal), 1] })
            }
        }
        try expect(documents)
        let merged = try Collection.open(at: path)
        #expect(merged.segments.count == 1)
        let encoder = try #require(merged.encoders.first)
        #expect((0..<24).allSatisfy { merged.segments[0].vectors(of: encoder)?.vector(UInt32($0)) == [Float($0), 1] })
    }

    @Test func oneMergesAtATimeAndOthersLeaveItAlone() throws {
        try merge { [path] in
            refused(.locked) { _ = try Collection.merge(at: path) }
            var policy = MergePolicy()
            policy.segmentsPerTier = 1
            let other = try Collection.mergeAsNeeded(at: path, policy: policy)
            #expect(other.segments.count == 4)
        }
        #expect(try Collection.open(at: path).segments.count == 1)
    }

    @Test func aWriterThatOutlastsThePatienceIsNamed() throws {
        let writer = try CollectionWriter(path: path)
        refused(.locked) { _ = try Collection.merge(at: path, patience: .zero) }
        writer.close()
        #expect(try LocalFileSystem().list(path + "/segments").count == 4)
        #expect(try Collection.merge(at: path).segments.count == 1)
    }

    @Test func whatAKilledMergeLeavesIsRemovedByTheNextWriter() throws {
        try LocalFileSystem().makeDirectory(path + "/segments/merging")
        try Data("torn".utf8).write(to: URL(filePath: path + "/segments/merging/text.inv"))
        #expect(try Collection.problems(at: path) == [])
        _ = try Collection.change(at: path) { try $0.delete(id: documents[0].id) }
        #expect(try !LocalFileSystem().list(path + "/segments").contains("merging"))
        try expect(Array(documents[1...]))
    }

    @Test func snapshotsFromBeforeSeeWhatTheySaw() throws {
        let before = try Collection.open(at: path)
        _ = try Collection.merge(at: path)
        _ = try Collection.change(at: path) { try $0.delete(id: documents[3].id) }
        #expect(try before.document(id: documents[3].id) == documents[3])
        #expect(try before.verify() == [])
    }

    /// A writer and a merger that know nothing of each other.
    @Test func writersAndMergesAtOnceComeToTheSameAsAFreshBuild() throws {
        let done = Atomic(false)
        let merges = Mutex<(count: Int, failures: [String])>((0, []))
        let thread = Thread { [path] in
            var policy = MergePolicy()
            (policy.segmentsPerTier, policy.deletedShare) = (2, 0.05)
            while !done.load(ordering: .acquiring) {
                do {
                    if merges.withLock({ $0.count }) % 3 == 0 {
                        _ = try Collection.merge(at: path)
                    } else {
                        _ = try Collection.mergeAsNeeded(at: path, policy: policy)
                    }
                    merges.withLock { $0.count += 1 }
                } catch {
                    merges.withLock { $0.failures.append("\(error)") }
                }
            }
            done.store(false, ordering: .releasing)
        }
        thread.start()
        var expected = Dictionary(uniqueKeysWithValues: documents.map { ($0.id, $0) })
        var generator = SeededGenerator(seed: 1)
        for round in 0..<40 {
            _ = try Collection.change(at: path) { writer in
                for number in 0..<4 {
                    let new = Document(id: "r\(round)-\(number)", text: "Round \(round), number \(number).")
                    try writer.add(new)
                    expected[new.id] = new
                }
                for id in expected.keys.sorted() where generator.uniform() < 0.05 {
                    try writer.delete(id: id)
                    expected[id] = nil
                }
            }
        }
        done.store(true, ordering: .releasing)
        while done.load(ordering: .acquiring) { Thread.sleep(forTimeInterval: 0.01) }
        let (count, failures) = merges.withLock { $0 }
        #expect(count > 0 && failures == [], "\(count) merges")
        try expect(Array(expected.values))
    }

    @Test func reorderedDocumentsAreFoundAsBefore() throws {
        let topics = ["apples and pears", "ships at sea", "stars of the night", "rivers in the hills"]
        let path = folder.file("topics")
        // Topics that take turns would be spread over both halves alike, and no exchange would gain anything.
        var generator = SeededGenerator(seed: 5)
        let topic = (0..<400).map { _ in Int(generator.uniform() * 4) }
        let before = try Collection.ingest(into: path) { writer in
            for number in 0..<400 {
                var document = Document(id: "\(number)", text: "Words on \(topics[topic[number]]), \(number).")
                document.metadata = ["number": .number(Double(number))]
                try writer.add(document)
            }
        }
        let after = try Collection.merge(at: path, reorders: true)
        #expect(try after.verify() == [])
        #expect(after.contentHash == before.contentHash)
        // Those of a topic stand together now.
        let changes = (1..<400).count { number in
            let pair = [number - 1, number].map { Int(after.identifier(ofDocument: $0)) ?? 0 }
            return topic[pair[0]] != topic[pair[1]]
        }
        #expect(changes < 100, "\(changes) neighbours of different topics, about 300 before")
        let filter = try MetadataFilter(parsing: "number < 7")
        #expect(try after.selection(filter).documentCount == 7)
        for document in 0..<400 {
            let stored = try after.document(at: document)
            #expect(stored.id == after.identifier(ofDocument: document))
            #expect(stored.metadata["number"] == .number(Double(stored.id) ?? -1))
        }
    }
}
