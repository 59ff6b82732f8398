import AttarCollection
import AttarEvidence
import AttarIndex
import AttarModels
import AttarSearch
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// A small corpus with vectors of a teacher, in one or more segments.
final class SmallCorpus {
    static let teacher = HashEncoder("teacher")
    static let student = HashEncoder("student", letters: 4, teacher: teacher)

    let folder: TemporaryFolder
    let documents: [Document]
    let collection: Collection
    var searcher: Searcher { Searcher(collection) }

    init(
        segments: Int = 1, chunking: Chunking = .whole, encoders: [HashEncoder] = [SmallCorpus.teacher],
        precision: VectorPrecision = .float32
    ) throws {
        folder = try TemporaryFolder()
        let subjects = ["apple", "pear", "boundary layer", "heat transfer", "wing", "flutter"]
        let documents = (0..<60).map { number in
            let first = subjects[number % 6], second = subjects[(number / 6) % 6]
            return Document(
                id: "d\(number)", title: number % 7 == 0 ? "" : "On \(first)",
                text: "The \(first) of experiment \(number) is discussed. We compare \(second) with \(first). "
                    + "Nothing else was measured in the year \(1950 + number % 9).",
                metadata: ["number": .number(Double(number)), "subjects": .list([.string(first), .string(second)])],
                headings: number % 10 == 0 ? ["Volume \(number / 10)"] : [])
        }
        let path = folder.file("c")
        let size = (documents.count + segments - 1) / segments
        for start in stride(from: 0, to: documents.count, by: size) {
            _ = try Collection.ingest(into: path, configuration: .init(chunking: chunking)) { writer in
                for document in documents[start..<min(documents.count, start + size)] { try writer.add(document) }
            }
        }
        var current = try Collection.open(at: path)
        for encoder in encoders { current = try current.addVectors(encoder: encoder, precision: precision) }
        collection = current
        self.documents = documents
    }
}

@Suite struct PipelineTests {
    private let queries = ["apple pear", "boundary layer flutter", "heat transfer in 1953", "experiment 17", "volume"]

    private func pipelines() -> [Pipeline] {
        [
            .bm25(), .bm25(.lucene), .dense(SmallCorpus.teacher), .asymmetric(SmallCorpus.student),
            .hybrid([.bm25(), .dense(SmallCorpus.teacher)]),
            .hybrid([.bm25(), .asymmetric(SmallCorpus.student)], .weighted([0.3, 0.7]), candidates: 20),
        ]
    }

    @Test func resultsAreOrderedAndDoNotDependOnSegments() throws {
        let one = try SmallCorpus(), five = try SmallCorpus(segments: 5)
        #expect(five.collection.segments.count == 5)
        for pipeline in pipelines() {
            for query in queries {
                let hits = try one.searcher.prepare(pipeline).search(query, depth: 20)
                #expect(!hits.isEmpty)
                #expect(try five.searcher.prepare(pipeline).search(query, depth: 20) == hits, "\(pipeline.name)")
                for (hit, next) in zip(hits, hits.dropFirst()) {
                    #expect(hit.score > next.score || (hit.score == next.score && hit.document < next.document))
                }
            }
        }
    }

    @Test func denseScoresAreInnerProductsOfTheEmbeddingTexts() throws {
        let corpus = try SmallCorpus()
        let query = try SmallCorpus.teacher.encodeOne("apple wing", role: .query)
        var expected: [(Int, Float)] = []
        try corpus.collection.forEachPassage { passage in
            let vector = try SmallCorpus.teacher.encodeOne(passage.embeddingText, role: .passage)
            expected.append((passage.documentOrdinal, zip(query, vector).reduce(0) { $0 + $1.0 * $1.1 }))
        }
        expected.sort { $0.1 > $1.1 }
        let hits = try corpus.searcher.prepare(.dense(SmallCorpus.teacher)).search("apple wing", depth: 60)
        #expect(hits.count == 60)
        for (hit, (_, score)) in zip(hits, expected) { #expect(abs(hit.score - Double(score)) < 1e-5) }
    }

    @Test func aDocumentCountsByItsBestPassage() throws {
        let corpus = try SmallCorpus(segments: 2, chunking: .sentences(maximumWords: 8, overlap: 0))
        #expect(corpus.collection.passageCount > 100)
        for pipeline in pipelines().prefix(4) {
            let prepared = try corpus.searcher.prepare(pipeline)
            let all = try prepared.search("apple wing experiment", depth: 1000)
            #expect(Set(all.map(\.document)).count == all.count)
            for depth in [1, 2, 7, 30] {
                #expect(try prepared.search("apple wing experiment", depth: depth) == Array(all.prefix(depth)))
            }
            for hit in all { #expect(corpus.collection.document(ofPassage: Int(hit.passage)) == Int(hit.document)) }
        }
    }

    @Test func oddQueriesFindNothingOrSomethingButNeverFail() throws {
        let corpus = try SmallCorpus()
        let searcher = corpus.searcher
        for query in ["", "   ", "the and of", "?!", "\u{0}", "\u{1F600}", "zzzzunknown"] {
            #expect(try searcher.search(query, .bm25()).isEmpty, "\(query)")
            #expect(try searcher.search(query, .hybrid([.bm25(), .dense(SmallCorpus.teacher)])).count == 10)
        }
        #expect(try searcher.search("experiment", .bm25(), depth: 100_000).count == 60)
        #expect(try searcher.search("experiment", .dense(SmallCorpus.teacher), depth: .max).count == 60)
        #expect(try searcher.search("experiment", .bm25(), depth: 0).isEmpty)
    }

    @Test func aCollectionOfOneDocumentAndAnEmptyOneCanBeSearched() throws {
        let folder = try TemporaryFolder()
        let empty = try Collection.create(at: folder.file("c"))
        #expect(try Searcher(empty).search("words", .bm25()).isEmpty)
        let one = try Collection.ingest(into: folder.file("c")) {
            try $0.add(Document(id: "only é", text: "some words"))
        }
        #expect(try Searcher(one).search("words", .bm25()).map(\.documentID) == ["only é"])
    }

    @Test func resultsCarryTheDocumentAndASnippetOfTheBestSentences() throws {
        let corpus = try SmallCorpus()
        let filler = String(repeating: "Some filler sentence about nothing stands here. ", count: 20)
        let collection = try Collection.ingest(into: corpus.folder.file("c")) { writer in
            try writer.add(
                Document(
                    id: "long", title: "Zeppelin", text: filler + "The zeppelin flies over\n Lake Constance. " + filler,
                    url: "https://example.org/z", headings: ["Ships", "Airships"]))
        }
        let result = try #require(try Searcher(collection).search("zeppelin lake", .bm25()).first)
        #expect(result.documentID == "long" && result.title == "Zeppelin" && result.heading == "Airships")
        #expect(result.url == "https://example.org/z" && result.rank == 1 && result.explanation == nil)
        #expect(result.snippet.contains("The zeppelin flies over Lake Constance."))
        #expect(result.snippet.utf8.count <= 340)
    }

    @Test func explanationsAddUpToTheScores() throws {
        for corpus in [
            try SmallCorpus(), try SmallCorpus(segments: 3, chunking: .sentences(maximumWords: 12, overlap: 0)),
        ] {
            for pipeline in pipelines() {
                for result in try corpus.searcher.search("apple pear experiment", pipeline, depth: 8, explain: true) {
                    let explanation = try #require(result.explanation)
                    #expect(explanation.score == result.score, "\(pipeline.name)")
                    if let terms = explanation.terms {
                        #expect(abs(terms.reduce(0) { $0 + $1.contribution } - result.score) < 1e-5)
                    }
                    if let parts = explanation.parts {
                        #expect(abs(parts.reduce(0) { $0 + $1.contribution } - result.score) < 1e-12)
                        for part in parts { #expect(part.explanation?.score == part.score) }
                    }
                    #expect(explanation.description.contains(pipeline.name.prefix(4)))
                    #expect(
                        try JSONDecoder().decode(Explanation.self, from: JSONEncoder().encode(explanation))
                            == explanation)
                }
            }
        }
    }

    @Test func aBatchGivesTheSameAsSingleQueriesOnAnyNumberOfThreads() throws {
        let corpus = try SmallCorpus(segments: 2)
        let batch = (0..<40).map { (id: "q \($0)", text: queries[$0 % 5] + " \($0)") } + [(id: "none", text: "the")]
        for pipeline in pipelines() {
            let one = try corpus.searcher.run(batch, pipeline, depth: 5)
            let two = try corpus.searcher.run(batch, pipeline, depth: 5, threads: 2)
            #expect(one.run == two.run)
            #expect(one.nanoseconds.count == 41 && one.nanoseconds.allSatisfy { $0 > 0 })
            #expect(one.run.queryIDs.count == 41)
            let single = try corpus.searcher.search(batch[7].text, pipeline, depth: 5)
            #expect(Set(one.run["q 7"].map(\.documentID)) == Set(single.map(\.documentID)))
        }
        #expect(throws: SearchError.duplicateQuery("q 1")) {
            _ = try corpus.searcher.run([batch[1], batch[1]], .bm25())
        }
    }
}
