@testable import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Testing

/// A sequence of commits of all kinds, and what the collection holds after each of them.
struct CollectionHistory {
    typealias Contents = [String: Document]

    struct Step {
        let change: (String, any FileSystem) throws -> Void
        let contents: Contents
    }

    let steps: [Step]

    /// Add, update, delete, vectors, all of these in one commit, an index over the vectors, merges of all kinds.
    init() {
        let documents = sampleDocuments(8)
        var contents = Contents(uniqueKeysWithValues: documents[..<5].map { ($0.id, $0) })
        var steps = [Self.step(contents) { writer in for document in documents[..<5] { try writer.add(document) } }]
        let updated = documents[1...2].map { Document(id: $0.id, text: "Replaced, \($0.id).") }
        for document in updated { contents[document.id] = document }
        steps.append(Self.step(contents) { writer in for document in updated { try writer.update(document) } })
        contents[documents[0].id] = nil
        contents[documents[1].id] = nil
        steps.append(Self.step(contents) { try $0.delete(ids: [documents[0].id, documents[1].id]) })
        steps.append(Step(change: Self.addVectors, contents: contents))
        steps.append(Step(change: Self.indexVectors, contents: contents))
        for document in documents[5...] { contents[document.id] = document }
        contents[documents[3].id] = nil
        contents[documents[4].id] = Document(id: documents[4].id, text: "Replaced at last.")
        steps.append(Self.step(contents) { writer in
            for document in documents[5...] { try writer.add(document) }
            try writer.delete(id: documents[3].id)
            try writer.update(Document(id: documents[4].id, text: "Replaced in between."))
            try writer.update(Document(id: documents[4].id, text: "Replaced at last."))
        })
        steps.append(Step(change: Self.addVectors, contents: contents))
        steps.append(Step(change: { path, fileSystem in
            _ = try Collection.merge(at: path, fileSystem: fileSystem)
        }, contents: contents))
        let last = ["last", "very last"].map { Document(id: $0, text: "After the merge, \($0).") }
        for document in last { contents[document.id] = document }
        steps.append(Self.step(contents) { writer in for document in last { try writer.add(document) } })
        contents[documents[2].id] = nil
        steps.append(Self.step(contents) { try $0.delete(id: documents[2].id) })
        steps.append(Step(change: Self.addVectors, contents: contents))
        var policy = MergePolicy()
        (policy.segmentsPerTier, policy.deletedShare) = (1, 0.05)
        steps.append(Step(change: { [policy] path, fileSystem in
            _ = try Collection.mergeAsNeeded(at: path, policy: policy, fileSystem: fileSystem)
        }, contents: contents))
        steps.append(Step(change: { path, fileSystem in
            _ = try Collection.merge(at: path, reorders: true, fileSystem: fileSystem)
        }, contents: contents))
        self.steps = steps
    }

    private static func step(_ contents: Contents, _ body: @escaping (CollectionWriter) throws -> Void) -> Step {
        Step(change: { path, fileSystem in
            let writer = try CollectionWriter(path: path, fileSystem: fileSystem, passagesPerSegment: 3)
            defer { writer.close() }
            try body(writer)
            _ = try writer.commit()
        }, contents: contents)
    }

    private static func addVectors(_ path: String, on fileSystem: any FileSystem) throws {
        let fingerprint = EncoderFingerprint(id: "f", name: "f", dimension: 2)
        _ = try Collection(path: path, on: fileSystem).addVectors(of: fingerprint, fileSystem: fileSystem) { passages in
            Matrix(rows: passages.count, columns: 2, values: passages.flatMap { [Float($0.ordinal % 7) - 3, 1] })
        }
    }

    private static func indexVectors(_ path: String, on fileSystem: any FileSystem) throws {
        let collection = try Collection(path: path, on: fileSystem)
        guard let encoder = collection.encoders.first else { return }
        _ = try collection.indexVectors(
            of: encoder, as: .index(.hnsw, codes: .int8), fewestPassages: 1, fileSystem: fileSystem)
    }

    /// - Returns: how many steps were done before a failure.
    func run(_ path: String, on fileSystem: any FileSystem) -> Int {
        for (index, step) in steps.enumerated() where (try? step.change(path, fileSystem)) == nil { return index }
        return steps.count
    }

    /// What was committed after some steps; nothing before the first.
    func contents(after done: Int) -> Contents { done == 0 ? [:] : steps[done - 1].contents }

    /// What a collection holds, and what is wrong with it: it must be sound, and its documents the same by all ways to
    /// them.
    static func examine(_ collection: Collection) throws -> (contents: Contents, findings: [String]) {
        var findings = try collection.verify().map(\.description)
        var found: Contents = [:]
        var passages = 0
        try collection.forEachPassage { passage in
            passages += 1
            let document = try collection.document(at: passage.documentOrdinal)
            if try collection.document(id: passage.documentID) != document {
                findings.append("\(passage.documentID) by its id is another document than by its place")
            }
            found[document.id] = document
        }
        if passages != collection.livePassageCount {
            findings.append("\(passages) passages instead of \(collection.livePassageCount)")
        }
        if found.count != collection.liveDocumentCount {
            findings.append("\(found.count) documents instead of \(collection.liveDocumentCount)")
        }
        return (found, findings)
    }

    /// The documents of a collection, which must be sound.
    static func contents(of collection: Collection, _ context: String = "") throws -> Contents {
        let (contents, findings) = try examine(collection)
        #expect(findings == [], "\(context)")
        return contents
    }

    static func contents(of path: String, _ context: String) throws -> Contents {
        try contents(of: Collection.open(at: path), context)
    }

    /// The hash of a collection that never held anything but these documents.
    static func freshHash(_ documents: [Document]) throws -> String {
        let folder = try TemporaryFolder()
        return try Collection.ingest(into: folder.file("c")) { writer in
            for document in documents { try writer.add(document) }
        }.contentHash
    }

    /// Checks that a collection holds what was committed by some steps, or by the next one too, and that the rest of
    /// the work can be done, whatever was left behind.
    ///
    /// - Returns: what is wrong.
    func findings(
        at path: String, done: Int, resuming: Bool = true, on fileSystem: any FileSystem
    ) throws -> [String] {
        var (found, findings) = try Self.examine(Collection.open(at: path))
        let next = min(done + 1, steps.count)
        if found != contents(after: done), found != contents(after: next) {
            findings.append("it holds \(found.keys.sorted()), which neither \(done) nor \(next) steps have committed")
        }
        guard resuming else { return findings }
        for step in steps[(found == contents(after: done) ? done : next)...] {
            do {
                try step.change(path, fileSystem)
            } catch let error as CollectionError {
                findings.append("\(error)")
            }
        }
        let (last, more) = try Self.examine(Collection.open(at: path))
        if last != steps.last?.contents { findings.append("in the end it holds \(last.keys.sorted())") }
        return findings + more
    }
}
