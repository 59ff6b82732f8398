@testable import AttarCollection
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// A walk of the failure point through a sequence of commits: after each failure the collection opens, verifies, and
/// holds what was committed before or after the commit that was interrupted, never anything between.
@Suite struct UpdateFaultTests {
    private typealias Contents = [String: Document]

    private struct Step {
        let change: (String, any FileSystem) throws -> Void
        let contents: Contents
    }

    private let documents = sampleDocuments(8)

    /// Add, update, delete, vectors, all of these in one commit, merge.
    private func steps() -> [Step] {
        var contents = Contents(uniqueKeysWithValues: documents[..<5].map { ($0.id, $0) })
        var steps = [step(contents) { writer in for document in documents[..<5] { try writer.add(document) } }]
        let updated = documents[1...2].map { Document(id: $0.id, text: "Replaced, \($0.id).") }
        for document in updated { contents[document.id] = document }
        steps.append(step(contents) { writer in for document in updated { try writer.update(document) } })
        contents[documents[0].id] = nil
        contents[documents[1].id] = nil
        steps.append(step(contents) { try $0.delete(ids: [documents[0].id, documents[1].id]) })
        let fingerprint = EncoderFingerprint(id: "f", name: "f", dimension: 2)
        steps.append(Step(change: { path, fileSystem in
            _ = try Collection(path: path, on: fileSystem).addVectors(of: fingerprint, fileSystem: fileSystem) {
                Matrix(rows: $0.count, columns: 2)
            }
        }, contents: contents))
        for document in documents[5...] { contents[document.id] = document }
        contents[documents[3].id] = nil
        contents[documents[4].id] = Document(id: documents[4].id, text: "Replaced at last.")
        steps.append(step(contents) { writer in
            for document in documents[5...] { try writer.add(document) }
            try writer.delete(id: documents[3].id)
            try writer.update(Document(id: documents[4].id, text: "Replaced in between."))
            try writer.update(Document(id: documents[4].id, text: "Replaced at last."))
        })
        steps.append(Step(change: { path, fileSystem in
            _ = try Collection.merge(at: path, fileSystem: fileSystem)
        }, contents: contents))
        return steps
    }

    private func step(_ contents: Contents, _ body: @escaping (CollectionWriter) throws -> Void) -> Step {
        Step(change: { path, fileSystem in
            let writer = try CollectionWriter(path: path, fileSystem: fileSystem, passagesPerSegment: 3)
            defer { writer.close() }
            try body(writer)
            _ = try writer.commit()
        }, contents: contents)
    }

    /// - Returns: how many steps were done before a failure.
    private func run(_ steps: [Step], _ path: String, on fileSystem: any FileSystem) -> Int {
        for (index, step) in steps.enumerated() where (try? step.change(path, fileSystem)) == nil { return index }
        return steps.count
    }

    private func contents(_ path: String, _ context: String) throws -> Contents {
        let collection = try Collection.open(at: path)
        #expect(try collection.verify() == [], "\(context)")
        var found: Contents = [:]
        try collection.forEachPassage { passage in
            found[passage.documentID] = try collection.document(at: passage.documentOrdinal)
        }
        #expect(found.count == collection.liveDocumentCount, "\(context)")
        return found
    }

    @Test(arguments: [FaultyFileSystem.Fault.diskFull, .inputOutput, .torn])
    func everyCommitIsThereOrNot(_ fault: FaultyFileSystem.Fault) throws {
        let steps = steps()
        let operations: Set<FaultyFileSystem.Operation>? = fault == .torn ? [.write] : nil
        let counted = try TemporaryFolder()
        _ = try Collection.create(at: counted.file("c"))
        let counter = FaultyFileSystem(failure: .init(at: .max, operations: operations))
        #expect(run(steps, counted.file("c"), on: counter) == steps.count)
        #expect(counter.steps >= (fault == .torn ? 20 : 100))
        for failing in 0..<counter.steps {
            let folder = try TemporaryFolder()
            let path = folder.file("c")
            _ = try Collection.create(at: path)
            let failure = FaultyFileSystem.Failure(
                at: failing, fault, stays: fault == .diskFull, operations: operations)
            let done = run(steps, path, on: FaultyFileSystem(failure: failure))
            let context = "\(fault) at step \(failing) of \(counter.steps), in commit \(done)"
            let found = try contents(path, context)
            let before = done == 0 ? [:] : steps[done - 1].contents
            #expect(found == before || (done < steps.count && found == steps[done].contents), "\(context)")
            // Whatever was left behind, the work goes on.
            try resume(steps, path, done: done, committed: found != before, context)
        }
    }

    private func resume(_ steps: [Step], _ path: String, done: Int, committed: Bool, _ context: String) throws {
        let next = committed ? done + 1 : done
        for step in steps[min(next, steps.count)...] {
            do {
                try step.change(path, LocalFileSystem())
            } catch let error as CollectionError {
                Issue.record("\(context): \(error)")
            }
        }
        #expect(try contents(path, context) == steps.last?.contents, "\(context)")
    }
}
