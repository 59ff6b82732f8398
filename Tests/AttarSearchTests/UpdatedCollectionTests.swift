import AttarCollection
import AttarIndex
@testable import AttarSearch
import AttarTestSupport
import AttarText
import Testing

/// Searches of a collection of which much was replaced and deleted, against one made anew of the same documents.
@Suite struct UpdatedCollectionTests {
    private static let words = ["wing", "flow", "heat", "plate", "shock", "layer", "drag", "jet", "mach", "tunnel"]

    private func document(_ number: Int, version: Int) -> Document {
        let words = (0..<(5 + number % 7)).map { Self.words[(number * 7 + $0 * (version + 3) + version) % 10] }
        var document = Document(
            id: "\(number)", text: words.joined(separator: " ") + ". Of number\(number) version\(version) it is said.")
        document.metadata = ["parity": .number(Double(number % 2))]
        return document
    }

    /// Replaces half of 60 documents in ten small commits, and deletes five.
    private func updated(_ path: String, _ configuration: CollectionConfiguration) throws -> Collection {
        var last = try Collection.ingest(into: path, configuration: configuration) { writer in
            for number in 0..<60 { try writer.add(document(number, version: 0)) }
        }
        for batch in 0..<10 {
            last = try Collection.change(at: path) { writer in
                for number in (batch * 3)..<(batch * 3 + 3) { try writer.update(document(number, version: 1)) }
                if batch % 2 == 0 { try writer.delete(id: "\(40 + batch)") }
            }
        }
        return last
    }

    private func fresh(_ path: String, _ configuration: CollectionConfiguration) throws -> Collection {
        try Collection.ingest(into: path, configuration: configuration) { writer in
            for number in 30..<60 where !(number >= 40 && number < 50 && number % 2 == 0) {
                try writer.add(document(number, version: 0))
            }
            for number in 0..<30 { try writer.add(document(number, version: 1)) }
        }
    }

    @Test(arguments: [Chunking.whole, .sentences(maximumWords: 10, overlap: 0)])
    func findTheSameWithTheSameScores(_ chunking: Chunking) throws {
        let folder = try TemporaryFolder()
        let configuration = CollectionConfiguration(chunking: chunking)
        let encoder = HashEncoder("teacher")
        let pair = try [updated(folder.file("a"), configuration), fresh(folder.file("b"), configuration)].map {
            Searcher(try $0.addVectors(encoder: encoder))
        }
        #expect(pair[0].collection.contentHash == pair[1].collection.contentHash)
        #expect(pair[0].collection.segments.count == 11)
        for query in ["wing flow", "heat", "number7 version0 jet", "number7 version1 jet", "number44", "shock drag mach"] {
            for pipeline in [Pipeline.bm25(), .dense(encoder), .hybrid([.bm25(), .dense(encoder)])] {
                for filter in [nil, try MetadataFilter(parsing: "parity = 1")] {
                    for depth in [3, 100] {
                        let found = try pair.map { searcher in
                            try searcher.search(query, pipeline, depth: depth, filter: filter)
                                .map { "\($0.documentID) \($0.score)" }
                        }
                        #expect(found[0] == found[1], "\(query), \(pipeline.name), \(depth)")
                    }
                }
            }
        }
        // k results come back whenever there are so many.
        #expect(try pair[0].search("anything", .dense(encoder), depth: 100).count == 55)
    }
}

extension UpdatedCollectionTests {
    /// Results as text, for all kinds of pipelines.
    private func answers(_ collection: Collection, _ encoder: HashEncoder) throws -> [String] {
        let searcher = Searcher(collection)
        return try ["wing flow", "heat", "number7 version1 jet", "number44", "shock drag mach"].flatMap { query in
            try [Pipeline.bm25(), .dense(encoder), .hybrid([.bm25(), .dense(encoder)])].flatMap { pipeline in
                try VectorPrecision.allCases.filter { $0 == .float32 || $0 == .int8 }.flatMap { precision in
                    try searcher.search(query, searcher.prepare(pipeline, precision: precision), depth: 20)
                        .map { "\(query) \(pipeline.name) \(precision) \($0.documentID) \($0.score)" }
                }
            }
        }
    }

    @Test(arguments: [Chunking.whole, .sentences(maximumWords: 10, overlap: 0)])
    func aMergeChangesNoResult(_ chunking: Chunking) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let encoder = HashEncoder("teacher")
        let before = try updated(path, CollectionConfiguration(chunking: chunking))
            .addVectors(encoder: encoder).addVectors(encoder: encoder, precision: .int8)
        let expected = try answers(before, encoder)
        let after = try Collection.merge(at: path)
        #expect(after.segments.count == 1)
        #expect(after.documentCount == 55)
        #expect(after.live == nil)
        #expect(after.manifest.formatVersion == 1)
        #expect(after.contentHash == before.contentHash)
        #expect(try after.verify() == [])
        #expect(try answers(after, encoder) == expected)
        // Who had it open before still reads what was there, also when the next writer has begun.
        _ = try Collection.ingest(into: path) { try $0.add(Document(id: "new", text: "One more.")) }
        #expect(try answers(before, encoder) == expected)
        #expect(try before.verify() == [])
    }
}
