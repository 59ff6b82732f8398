import AttarEvidence
import AttarStorage
@testable import AttarSystems
import AttarTestSupport
@testable import AttarText
import Testing

/// The files that distillation and ingestion keep beside a collection, when they are not what they should be.
///
/// `ATTAR_FUZZ_MINUTES=10 swift test … --filter CollectionFilesFuzzTests` goes on for 10 minutes each.
@Suite(.serialized) struct CollectionFilesFuzzTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// - Parameter whole: the file's name, relative to the collection's folder, and bytes as they should be.
    private func fuzz(_ whole: [(name: String, bytes: [UInt8])], rounds: Int = 2000, use: () throws -> Void) throws {
        try use()
        let outcome = FuzzBudget.outcome(of: whole.map(\.name).joined(separator: ", "), rounds: rounds) { seed in
            for (name, bytes) in whole { try folder.write(bytes, to: name) }
            let (name, bytes) = whole[Int(seed / 2 % UInt64(whole.count))]
            var (mutator, hostile) = (ByteMutator(seed: seed), JSONMutator(seed: seed))
            let isJSON = seed % 2 == 0 && name.contains(".json")
            try folder.write(isJSON ? hostile.damaged(bytes) : mutator.damaged(bytes), to: name)
        } use: {
            try use()
        } isRefusal: {
            guard let error = $0 as? any AttarError else { return false }
            return error.category == .input && error.description.contains(folder.path)
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 20 && outcome.refused > 100)
        #expect(outcome.growth ?? 0 < 64 << 20)
    }

    @Test func models() throws {
        let models = CollectionModels(
            teacher: "/models/teacher", students: ["static": "/c/students/static", "layers=3": "/c/students/3"],
            preferred: "static", recommendedPipeline: PipelineChoice.allCases.first)
        try models.write(collection: folder.path)
        let bytes = try LocalFileSystem().read(folder.file("models.json"))
        try fuzz([("models.json", bytes)]) {
            _ = try ModelChoice(collection: folder.path, encoder: nil).recommended()
        }
    }

    @Test func emptyDocuments() throws {
        try EmptyDocuments.add(["a", "é", "b/c"], to: folder.path)
        let bytes = try LocalFileSystem().read(folder.file("empty.json"))
        try fuzz([("empty.json", bytes)]) { _ = try EmptyDocuments.read(collection: folder.path) }
    }

    /// Queries and judgements that ingestion took from the corpus: what does not fit together is refused.
    @Test func evaluation() throws {
        let questions = (0..<12).map {
            QuestionHeadings.Question(id: "q\($0)", text: "What is the é of \($0)?", documentID: "d\($0)")
        }
        try EvaluationSet.write(questions, for: folder.path)
        let files = try ["evaluation/queries.jsonl", "evaluation/qrels.tsv"].map {
            ($0, try LocalFileSystem().read(folder.file($0)))
        }
        try fuzz(files) {
            let set = try #require(try EvaluationSet.made(for: folder.path))
            #expect(!set.queries.isEmpty && Set(set.queries.map(\.id)).isSuperset(of: set.judgements.grades.keys))
        }
    }
}
