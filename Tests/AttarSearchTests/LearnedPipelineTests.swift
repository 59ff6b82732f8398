import AttarCollection
import AttarIndex
import AttarModels
import AttarSearch
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Sparse weights, late interaction and two stages over collections, by models of some kilobytes.
@Suite struct LearnedPipelineTests {
    let folder: TemporaryFolder
    private let sparse: SparseEncoder
    private let tokens: LateInteractionEncoder

    private static let sparseModel = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../AttarModelsTests/Fixtures/families/bert-masked").standardized.path
    private static let words = ["rose", "oil", "water", "steam", "petals", "petal", "dawn", "cloudy", "cloud", "roses"]

    init() throws {
        folder = try TemporaryFolder()
        try TinyModels.writePlain(to: folder.file("model"), configuration: TinyModels.configuration)
        tokens = LateInteractionEncoder(try BertEncoder(path: folder.file("model")))
        sparse = try SparseEncoder(path: Self.sparseModel)
    }

    private func document(_ number: Int) -> Document {
        var generator = SeededGenerator(seed: UInt64(number))
        let text = (0..<9).map { _ in Self.words[Int.random(in: 0..<Self.words.count, using: &generator)] }
        return Document(
            id: "d\(number)", text: text.joined(separator: " ") + ". Of \(number).",
            metadata: ["number": .number(Double(number))])
    }

    private func encoded(_ collection: Collection, _ codec: TokenCodec) throws -> Collection {
        try collection.addWeights(of: sparse.fingerprint, width: sparse.vocabularySize) {
            try sparse.encode($0.map(\.embeddingText), role: .passage)
        }.addTokens(of: tokens.fingerprint, as: codec) {
            try tokens.encode($0.map(\.embeddingText), role: .passage)
        }
    }

    private func collection(
        _ name: String, segments: Int = 1, codec: TokenCodec = .bfloat16, chunking: Chunking = .whole
    ) throws -> Collection {
        for start in stride(from: 0, to: 60, by: 60 / segments) {
            _ = try Collection.ingest(into: folder.file(name), configuration: .init(chunking: chunking)) { writer in
                for number in start..<(start + 60 / segments) { try writer.add(document(number)) }
            }
        }
        return try encoded(Collection.open(at: folder.file(name)), codec)
    }

    private var pipelines: [Pipeline] {
        [
            .sparse(sparse), .lateInteraction(tokens), .twoStage(.bm25(), tokens, candidates: 60),
            .twoStage(.sparse(sparse), tokens, candidates: 60),
        ]
    }

    private let queries = ["rose oil", "cloudy dawn of water", "steam"]

    @Test func resultsAreOrderedAndDoNotDependOnSegmentsOrMerges() throws {
        let one = try collection("one"), four = try collection("four", segments: 4)
        let merged = try Collection.merge(at: collection("merged", segments: 3).path)
        #expect(four.segments.count == 4 && merged.segments.count == 1)
        for pipeline in pipelines {
            for query in queries {
                let hits = try Searcher(one).prepare(pipeline).search(query, depth: 20)
                #expect(hits.count == 20 && zip(hits, hits.dropFirst()).allSatisfy { $0.score >= $1.score })
                for other in [four, merged] {
                    let found = try Searcher(other).prepare(pipeline).search(query, depth: 20)
                    // Each segment keeps weights in steps of its own.
                    for (one, other) in zip(hits, found) {
                        #expect(abs(one.score - other.score) < 1e-3 * one.score, "\(pipeline.name)")
                    }
                    if case .sparse = pipeline { continue }
                    #expect(found == hits, "\(pipeline.name)")
                }
            }
        }
    }

    /// MaxSim, as it is defined, of every passage.
    @Test func lateInteractionIsMaxSimOfAllPassages() throws {
        let opened = try collection("c", segments: 2)
        let query = try tokens.encode(["rose oil"], role: .query)[0]
        var expected: [Double] = []
        try opened.forEachPassage { passage in
            let own = try tokens.encode([passage.embeddingText], role: .passage)[0]
            expected.append((0..<query.rows).reduce(0.0) { sum, row in
                sum + ((0..<own.rows).map { other in
                    zip(query.row(row), own.row(other)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                }.max() ?? 0)
            })
        }
        let hits = try Searcher(opened).prepare(.lateInteraction(tokens)).search("rose oil", depth: 60)
        #expect(hits.count == 60)
        for hit in hits { #expect(abs(hit.score - expected[Int(hit.document)]) < 0.02) }
    }

    /// A filtered list is the whole list without what the filter holds back; only what is allowed is scored.
    @Test(arguments: [Chunking.whole, .sentences(maximumWords: 5, overlap: 0)])
    func filteredListsAreTheWholeListWithoutTheRest(_ chunking: Chunking) throws {
        let opened = try collection("c", segments: 3, chunking: chunking)
        for pipeline in pipelines {
            let prepared = try Searcher(opened).prepare(pipeline)
            for query in queries {
                let all = try prepared.search(query, depth: 60)
                for (text, range) in [("number < 30", 0..<30), ("number >= 57", 57..<60), ("number = 12", 12..<13)] {
                    let filter = try MetadataFilter(parsing: text)
                    let expected = all.filter { range.contains(Int($0.document)) }
                    for depth in [1, 5, 60] {
                        let found = try prepared.respond(to: query, depth: depth, filter: filter)
                        let label: Comment = "\(pipeline.name), \(text), \(depth)"
                        guard case .twoStage = pipeline else {
                            #expect(found.hits == Array(expected.prefix(depth)), label)
                            continue
                        }
                        // Only where the first stage finds too few are others scored, and a document's best passage may be
                        // one of them.
                        #expect(found.hits.count == min(depth, expected.count), label)
                        let scores = Dictionary(uniqueKeysWithValues: expected.map { ($0.document, $0.score) })
                        #expect(found.hits.allSatisfy { $0.score <= scores[$0.document] ?? -1 }, label)
                        #expect(zip(found.hits, found.hits.dropFirst()).allSatisfy { $0.score >= $1.score }, label)
                    }
                }
            }
            if case .lateInteraction = pipeline, chunking == .whole {
                let filter = try MetadataFilter(parsing: "number < 3")
                #expect(try prepared.respond(to: "rose", depth: 2, filter: filter).scanned == 3)
            }
        }
    }

    /// Whatever the first stage finds, k come back whenever k exist, the best first.
    @Test func twoStagesGetTheirFill() throws {
        let opened = try collection("c", segments: 2, codec: .residual(bits: 2))
        let exact = try Searcher(opened).prepare(.lateInteraction(tokens))
        for query in ["rose", "unknownword", "", "steam unknownword"] {
            for cascade in [Cascade(), Cascade(margin: 0.1, patience: 2)] {
                let prepared = try Searcher(opened).prepare(
                    .twoStage(.bm25(), tokens, candidates: 5, cascade: cascade))
                let all = try exact.search(query, depth: 60).count
                for depth in [3, 20, 60] {
                    let hits = try prepared.search(query, depth: depth)
                    #expect(hits.count == min(depth, all), "\(query), \(depth)")
                    #expect(Set(hits.map(\.document)).count == hits.count)
                    #expect(zip(hits, hits.dropFirst()).allSatisfy { $0.score >= $1.score })
                }
                let filter = try MetadataFilter(parsing: "number in (3, 5, 44)")
                #expect(try prepared.search(query, depth: 10, filter: filter).count == min(3, all))
            }
        }
        // A word that no passage has: the second stage alone says what is found.
        let prepared = try Searcher(opened).prepare(.twoStage(.bm25(), tokens))
        #expect(try prepared.search("unknownword", depth: 10) == exact.search("unknownword", depth: 10))
    }

    @Test func scoresAreExplained() throws {
        let opened = try collection("c", segments: 2)
        let searcher = Searcher(opened)
        for pipeline in pipelines {
            for result in try searcher.search("rose oil", pipeline, depth: 5, explain: true) {
                let explanation = try #require(result.explanation)
                #expect(abs(explanation.score - result.score) < 1e-4, "\(pipeline.name)")
                switch pipeline {
                case .sparse:
                    let sum = (explanation.weights ?? []).reduce(0) { $0 + $1.contribution }
                    #expect((explanation.weights ?? []).count < 20)
                    #expect(abs(sum - result.score) < 0.02 * max(1, result.score), "\(sum), \(result.score)")
                case .twoStage:
                    #expect(explanation.parts?.count == 1 && explanation.description.contains("found at rank"))
                    fallthrough
                default: #expect((explanation.interaction?.queryTokens ?? 0) > 0)
                }
            }
        }
    }

    @Test func whatACollectionCannotServeIsSaid() throws {
        _ = try Collection.ingest(into: folder.file("plain")) { try $0.add(document(0)) }
        let plain = Searcher(try Collection.open(at: folder.file("plain")))
        for pipeline in pipelines {
            let error = #expect(throws: SearchError.self) { try plain.prepare(pipeline) }
            #expect(error?.description.contains("attar index --encoder") == true)
        }
        let opened = try collection("c")
        #expect(throws: SearchError.self) {
            try Searcher(opened).prepare(.lateInteraction(tokens, gathering: TokenGathering(probes: 2)))
        }
        for first in [Pipeline.lateInteraction(tokens), .hybrid([.bm25()])] {
            #expect(throws: SearchError.self) { try Searcher(opened).prepare(.twoStage(first, tokens)) }
        }
        _ = try Collection.ingest(into: opened.path) { try $0.add(document(99)) }
        let added = Searcher(try Collection.open(at: opened.path))
        for pipeline in pipelines {
            let error = #expect(throws: SearchError.self) { try added.prepare(pipeline) }
            #expect(error?.description.contains("up to date") == true)
        }
    }
}
